/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

WN_CLONES
static void blend(const struct wn_blend_params *p, const float *x, const float *z, float *y,
                  int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = ((p->a * x[i] + p->b * z[i]) + p->d * (x[i] * z[i])) + p->c;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    blend(params, (const float *)buf[0] + first, (const float *)buf[1] + first,
          (float *)buf[2] + first, end - first);
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_blend_params *p = params;
    const float *x = buf[0], *z = buf[1];
    float *y = buf[2];

    for (int64_t i = 0; i < p->n; i++)
        y[i] = ((p->a * x[i] + p->b * z[i]) + p->d * (x[i] * z[i])) + p->c;
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_blend_params *p = params;

    wn_blocks(pool, p->n, wn_block_size(12), part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_blend_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_blend = {
    .name = "blend",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_blend_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
