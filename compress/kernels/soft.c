/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/exps.h"
#include "compress/kernels.h"

static bool sees(const struct wn_soft_params *p, const int32_t *allow, int64_t j)
{
    return !p->flagged || allow[j];
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_soft_params *p = params;
    const float *x = buf[0];
    float *y = buf[2];

    for (int64_t r = 0; r < p->rows; r++, x += p->width, y += p->width) {
        const int64_t h = r / p->n_queries, stop = p->end + r % p->n_queries * p->step;
        const int64_t end = WN_MIN(stop, p->width);
        const int32_t *allow = (const int32_t *)buf[1] + h / p->group * p->width;
        float m = -3e38f, lane[WN_LANES] = {0};
        for (int64_t j = 0; j < end; j++)
            m = sees(p, allow, j) && x[j] > m ? x[j] : m;
        for (int64_t j = 0; j < p->width; j++) {
            y[j] = j < end && sees(p, allow, j) ? wn_exp(x[j] - m) : 0;
            lane[j % WN_LANES] += y[j];
        }
        for (int half = WN_LANES / 2; half; half /= 2) {
            for (int l = 0; l < half; l++)
                lane[l] += lane[l + half];
        }
        const float q = wn_rsqrt(lane[0] > 1e-12f ? lane[0] : 1e-12f);
        for (int64_t j = 0; j < p->width; j++)
            y[j] = y[j] * (q * q);
    }
}

/* Of the first n columns, those flagged: allow NULL: all. */
WN_CLONES
static float largest(const float *x, const int32_t *allow, int64_t n)
{
    float lane[WN_LANES], m = -3e38f;

    for (int l = 0; l < WN_LANES; l++)
        lane[l] = -3e38f;
    for (int64_t j = 0; j < n; j += WN_LANES) {
        const int end = (int)WN_MIN(WN_LANES, n - j);
        for (int l = 0; !allow && l < end; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
        for (int l = 0; allow && l < end; l++) {
            const float v = allow[j + l] ? x[j + l] : -3e38f;
            lane[l] = v > lane[l] ? v : lane[l];
        }
    }
    for (int l = 0; l < WN_LANES; l++)
        m = lane[l] > m ? lane[l] : m;
    return m;
}

/* y and the sum of its first `end` columns. */
WN_CLONES
static float exps(const float *x, const int32_t *allow, float *y, float m, int64_t end)
{
    float lane[WN_LANES] = {0};

    for (int64_t j = 0; j < end; j += WN_LANES) {
        const int n = (int)WN_MIN(WN_LANES, end - j);
        wn_exp_block(x + j, y + j, m, n);
        for (int l = 0; allow && l < n; l++)
            y[j + l] = allow[j + l] ? y[j + l] : 0;
        for (int l = 0; l < n; l++)
            lane[l] += y[j + l];
    }
    for (int half = WN_LANES / 2; half; half /= 2) {
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    }
    return lane[0];
}

WN_CLONES
static void scale(float *y, float s, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        y[j] = y[j] * s;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_soft_params *p = params;

    for (int64_t r = first; r < end; r++) {
        const int64_t stop = p->end + r % p->n_queries * p->step;
        const int64_t seen = WN_MAX(WN_MIN(stop, p->width), 0);
        const int64_t h = r / p->n_queries / p->group;
        const int32_t *allow = p->flagged ? (const int32_t *)buf[1] + h * p->width : NULL;
        const float *x = (const float *)buf[0] + r * p->width;
        float *y = (float *)buf[2] + r * p->width;
        const float sum = exps(x, allow, y, largest(x, allow, seen), seen);
        const float q = wn_rsqrt(sum > 1e-12f ? sum : 1e-12f);
        scale(y, q * q, seen);
        for (int64_t j = seen; j < p->width; j++)
            y[j] = 0;
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_soft_params *p = params;

    wn_blocks(pool, p->rows, wn_block_size((int64_t)16 * p->width), part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_soft_params *p = params;

    return (uint32_t)p->rows;
}

const struct wn_kernel wn_kernel_soft = {
    .name = "soft",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_soft_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
