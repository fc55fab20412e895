/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_combine_params *p = params;
    const float *x = buf[0], *w = buf[3];
    const int32_t *w_ptr = buf[1], *w_idx = buf[2];
    float *y = buf[5];

    for (int64_t r = first; r < end; r++) {
        for (int32_t c = 0; c < p->dim; c++) {
            float sum = 0;
            for (int32_t k = w_ptr[r]; k < w_ptr[r + 1]; k++)
                sum += w[k] * x[(int64_t)w_idx[k] * p->dim + c];
            y[r * p->dim + c] = sum;
        }
    }
}

static int64_t rows_of(const void *params, void *const *buf)
{
    const struct wn_combine_params *p = params;

    return ((const int32_t *)buf[4])[p->n_frames];
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, rows_of(params, buf));
}

WN_CLONES
static void add(float *y, const float *x, float w, int32_t n)
{
    for (int32_t c = 0; c < n; c++)
        y[c] += w * x[c];
}

/* Starts from 0 + w * x as the reference does: a first product of -0 becomes 0. */
WN_CLONES
static void begin(float *y, const float *x, float w, int32_t n)
{
    for (int32_t c = 0; c < n; c++)
        y[c] = 0.0f + w * x[c];
}

static void fast_part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_combine_params *p = params;
    const float *x = buf[0], *w = buf[3];
    const int32_t *w_ptr = buf[1], *w_idx = buf[2];

    for (int64_t r = first; r < end; r++) {
        float *y = (float *)buf[5] + r * p->dim;
        if (w_ptr[r] == w_ptr[r + 1]) {
            for (int32_t c = 0; c < p->dim; c++)
                y[c] = 0;
        }
        for (int32_t k = w_ptr[r]; k < w_ptr[r + 1]; k++)
            (k == w_ptr[r] ? begin : add)(y, x + (int64_t)w_idx[k] * p->dim, w[k], p->dim);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_combine_params *p = params;

    wn_blocks(pool, rows_of(params, buf), wn_block_size((int64_t)16 * p->dim), fast_part, params,
              buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_combine_params *p = params;

    return (uint32_t)((int64_t)p->n_out * ((p->dim + 255) / 256));
}

const struct wn_kernel wn_kernel_combine = {
    .name = "combine",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_combine_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
