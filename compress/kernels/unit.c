/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

WN_CLONES
static void scale(float *y, const float *x, float s, int32_t n)
{
    for (int32_t c = 0; c < n; c++)
        y[c] = x[c] * s;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_unit_params *p = params;
    const float *x = buf[0];
    float *y = buf[2];

    for (int64_t i = first; i < end; i++) {
        const float *row = x + i * p->dim;
        const float d = wn_dot(row, row, p->dim);
        scale(y + i * p->dim, row, wn_rsqrt(d > 1e-24f ? d : 1e-24f), p->dim);
    }
}

/* Segments that are one row each. */
static void segments(const struct wn_unit_params *p, void *const *buf)
{
    const float *x = buf[0];
    const int32_t *ptr = buf[1];

    for (int32_t s = 0; s < p->n_frames; s++) {
        const float *row = x + ptr[s];
        const float d = wn_dot(row, row, ptr[s + 1] - ptr[s]);
        scale((float *)buf[2] + ptr[s], row, wn_rsqrt(d > 1e-24f ? d : 1e-24f),
              ptr[s + 1] - ptr[s]);
    }
}

static int64_t rows_of(const void *params, void *const *buf)
{
    const struct wn_unit_params *p = params;

    return ((const int32_t *)buf[1])[p->n_frames];
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_unit_params *p = params;

    if (p->dim)
        part(params, buf, 0, rows_of(params, buf));
    else
        segments(p, buf);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_unit_params *p = params;

    if (p->dim)
        wn_blocks(pool, rows_of(params, buf), wn_block_size((int64_t)8 * p->dim), part, params,
                  buf);
    else
        segments(p, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_unit_params *p = params;

    return (uint32_t)(p->dim ? p->n : p->n_frames);
}

const struct wn_kernel wn_kernel_unit = {
    .name = "unit",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_unit_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
