/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_length_params *p = params;
    const float *x = buf[0];

    for (int64_t i = first; i < end; i++) {
        const float d = wn_dot(x + i * p->dim, x + i * p->dim, p->dim);
        ((float *)buf[2])[i] = p->square ? d : d * wn_rsqrt(d > 1e-24f ? d : 1e-24f);
    }
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_length_params *p = params;

    part(params, buf, 0, ((const int32_t *)buf[1])[p->n_frames]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_length_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[1])[p->n_frames], wn_block_size(4 * (int64_t)p->dim),
              part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_length_params *)params)->n;
}

const struct wn_kernel wn_kernel_length = {
    .name = "length",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_length_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
