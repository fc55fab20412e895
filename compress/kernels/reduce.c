/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void rows(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_reduce_params *p = params;
    const float *x = buf[0];
    float *y = buf[1];

    for (int64_t i = first; i < end; i++) {
        for (int32_t c = 0; c < p->n_c; c++) {
            const float *from = x + i * p->width + p->offset + (int64_t)c * p->step_c;
            float sum = p->max ? -3e38f : 0;
            for (int32_t a = 0; a < p->n_a; a++) {
                for (int32_t b = 0; b < p->n_b; b++) {
                    const float v = from[a * p->step_a + b * p->step_b];
                    sum = !p->max ? sum + v : v > sum ? v : sum;
                }
            }
            y[i * p->n_c + c] = p->scale * sum;
        }
    }
}

static void ref(const void *params, void *const *buf)
{
    rows(params, buf, 0, ((const struct wn_reduce_params *)params)->n);
}

/* Neighbouring columns side by side: each still adds in its own order. */
WN_CLONES
static void columns(const struct wn_reduce_params *p, const float *from, float *y)
{
    for (int32_t c = 0; c < p->n_c; c++)
        y[c] = 0;
    for (int32_t a = 0; a < p->n_a; a++) {
        for (int32_t b = 0; b < p->n_b; b++) {
            const float *x = from + a * p->step_a + b * p->step_b;
            for (int32_t c = 0; c < p->n_c; c++)
                y[c] += x[c];
        }
    }
    for (int32_t c = 0; c < p->n_c; c++)
        y[c] = p->scale * y[c];
}

/* Rows side by side, where a row has one sum: a block of 16 is 16 independent chains. */
static void sums(const struct wn_reduce_params *p, const float *x, float *y, int64_t n)
{
    float sum[16] = {0};

    for (int32_t a = 0; a < p->n_a; a++) {
        for (int32_t b = 0; b < p->n_b; b++) {
            const float *from = x + p->offset + a * p->step_a + b * p->step_b;
            for (int64_t i = 0; i < n; i++)
                sum[i] += from[i * p->width];
        }
    }
    for (int64_t i = 0; i < n; i++)
        y[i] = p->scale * sum[i];
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_reduce_params *p = params;
    const float *x = buf[0];
    float *y = buf[1];

    if (p->max) {
        rows(params, buf, first, end);
    } else if (p->n_c > 1 && p->step_c == 1) {
        for (int64_t i = first; i < end; i++)
            columns(p, x + i * p->width + p->offset, y + i * p->n_c);
    } else if (p->n_c == 1) {
        for (int64_t i = first; i < end; i += 16)
            sums(p, x + i * p->width, y + i, WN_MIN(16, end - i));
    } else {
        rows(params, buf, first, end);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_reduce_params *p = params;
    const int64_t bytes = (int64_t)4 * p->n_c * p->n_a * p->n_b;

    wn_blocks(pool, p->n, (wn_block_size(bytes) + 15) / 16 * 16, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_reduce_params *p = params;

    return (uint32_t)(((int64_t)p->n * p->n_c + 63) / 64);
}

const struct wn_kernel wn_kernel_reduce = {
    .name = "reduce",
    .n_bufs = 2,
    .access = {WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_reduce_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
