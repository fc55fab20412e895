/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/exps.h"
#include "compress/kernels.h"

#include <math.h>

/* e: the largest of n numbers, and the sum of exp(x - that) in lanes. */
static float soft_sum(const float *x, int32_t n, float *most)
{
    float lane[WN_LANES] = {0};

    *most = x[0];
    for (int32_t j = 1; j < n; j++)
        *most = x[j] > *most ? x[j] : *most;
    for (int32_t j = 0; j < n; j++)
        lane[j % WN_LANES] += wn_exp(x[j] - *most);
    for (int half = WN_LANES / 2; half; half /= 2) {
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    }
    return lane[0];
}

/* The best allowed column behind `last` in the total order (last < 0: of all), or -1. */
static int32_t next_best(const float *x, const int32_t *allow, int32_t m, int32_t last)
{
    int32_t best = -1;

    for (int32_t j = 0; j < m; j++) {
        const bool left = last < 0 || wn_before(x[last], last, x[j], j);
        if (allow[j] && left && (best < 0 || x[j] > x[best]))
            best = j;
    }
    return best;
}

static float inverse(float sum)
{
    const float q = wn_rsqrt(sum > 1e-12f ? sum : 1e-12f);

    return q * q;
}

/* How a row is gone over: plainly, or side by side. */
struct ways {
    float (*soft_sum)(const float *x, int32_t n, float *most);
    int32_t (*next_best)(const float *x, const int32_t *allow, int32_t m, int32_t last);
};

static void row(const struct wn_likely_params *p, const struct ways *way, void *const *buf,
                int64_t i, int32_t f)
{
    const int32_t *ptr = buf[1];
    const float *x = (const float *)buf[0] + (i - wn_strip_base(ptr, p->skip)) * p->width;
    const int32_t *count = buf[4], m = ptr[f + 1] - ptr[f];
    int32_t *to = (int32_t *)buf[5] + i * p->most, last = -1, k = 0;
    float *value = (float *)buf[6] + i * p->most, *part = (float *)buf[7] + i * p->most;
    float most, taken = 0;
    const float whole = inverse(way->soft_sum(x, m, &most));

    for (; k < WN_MIN(count[m], p->most); k++) {
        last = way->next_best(x, (const int32_t *)buf[3] + ptr[f], m, last);
        if (last < 0)
            break;
        part[k] = wn_exp(x[last] - most);
        to[k] = p->most * (ptr[f] + last);
        value[k] = part[k] * whole;
        taken += part[k];
    }
    const float scale = inverse(taken);
    for (int32_t j = 0; j < k; j++)
        part[j] = part[j] * scale;
    for (; k < p->most; k++) {
        to[k] = WN_NONE;
        value[k] = part[k] = 0;
    }
}

static void rows(const struct wn_likely_params *p, const struct ways *way, void *const *buf,
                 int64_t first, int64_t end)
{
    const int32_t *ptr = buf[1], *ask = buf[2], base = wn_strip_base(ptr, p->skip);

    for (int64_t i = base + first; i < base + end; i++) {
        if (ask[i]) {
            row(p, way, buf, i, wn_segment_of(ptr, p->n_frames, i));
            continue;
        }
        for (int64_t k = i * p->most; k < (i + 1) * p->most; k++) {
            ((int32_t *)buf[5])[k] = WN_NONE;
            ((float *)buf[6])[k] = 0;
            ((float *)buf[7])[k] = k == i * p->most;
        }
    }
}

static void ref(const void *params, void *const *buf)
{
    static const struct ways plain = {soft_sum, next_best};
    const struct wn_likely_params *p = params;

    rows(p, &plain, buf, 0, wn_strip_rows(buf[1], p->n_frames, p->skip, p->n));
}

WN_CLONES
static float fast_soft_sum(const float *x, int32_t n, float *most)
{
    float lane[WN_LANES], e[WN_LANES];

    for (int l = 0; l < WN_LANES; l++)
        lane[l] = x[0];
    for (int32_t j = 0; j < n; j += WN_LANES) {
        const int end = WN_MIN(WN_LANES, n - j);
        for (int l = 0; l < end; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
    }
    *most = x[0];
    for (int l = 0; l < WN_LANES; l++) {
        *most = lane[l] > *most ? lane[l] : *most;
        lane[l] = 0;
    }
    for (int32_t j = 0; j < n; j += WN_LANES) {
        const int end = WN_MIN(WN_LANES, n - j);
        wn_exp_block(x + j, e, *most, end);
        for (int l = 0; l < end; l++)
            lane[l] += e[l];
    }
    for (int half = WN_LANES / 2; half; half /= 2) {
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    }
    return lane[0];
}

/* The same in two passes: how large the best is, then where. */
WN_CLONES
static int32_t fast_next_best(const float *x, const int32_t *allow, int32_t m, int32_t last)
{
    const float bound = last < 0 ? INFINITY : x[last];
    float lane[WN_LANES], best = -INFINITY;

    for (int l = 0; l < WN_LANES; l++)
        lane[l] = -INFINITY;
    for (int32_t j = 0; j < m; j += WN_LANES) {
        const int end = WN_MIN(WN_LANES, m - j);
        for (int l = 0; l < end; l++) {
            const bool left = (x[j + l] < bound) | ((x[j + l] == bound) & (j + l > last));
            const float v = left & (allow[j + l] != 0) ? x[j + l] : -INFINITY;
            lane[l] = v > lane[l] ? v : lane[l];
        }
    }
    for (int l = 0; l < WN_LANES; l++)
        best = lane[l] > best ? lane[l] : best;
    for (int32_t j = 0; j < m; j++) {
        if (x[j] == best && allow[j] && (last < 0 || wn_before(bound, last, x[j], j)))
            return j;
    }
    return -1;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    static const struct ways fast = {fast_soft_sum, fast_next_best};

    rows(params, &fast, buf, first, end);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_likely_params *p = params;

    wn_blocks(pool, wn_strip_rows(buf[1], p->n_frames, p->skip, p->n), 32, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_likely_params *p = params;

    return (uint32_t)p->n;
}

const struct wn_kernel wn_kernel_likely = {
    .name = "likely",
    .n_bufs = 8,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_likely_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
