/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* Sums in one pass over two rows: a * b, a * a, and b * b as well where n_sums is 3. */
static inline __attribute__((always_inline)) void sums(float d[3], const float *a, const float *b,
                                                       int32_t n, const int n_sums)
{
    float lane[3][WN_LANES] = {{0}};
    int32_t i = 0;

    for (; i + WN_LANES <= n; i += WN_LANES) {
        for (int l = 0; l < WN_LANES; l++) {
            lane[0][l] += a[i + l] * b[i + l];
            lane[1][l] += a[i + l] * a[i + l];
            if (n_sums == 3)
                lane[2][l] += b[i + l] * b[i + l];
        }
    }
    for (int l = 0; i + l < n; l++) {
        lane[0][l] += a[i + l] * b[i + l];
        lane[1][l] += a[i + l] * a[i + l];
        if (n_sums == 3)
            lane[2][l] += b[i + l] * b[i + l];
    }
    for (int k = 0; k < n_sums; k++) {
        for (int h = WN_LANES / 2; h; h /= 2) {
            for (int l = 0; l < h; l++)
                lane[k][l] += lane[k][l + h];
        }
        d[k] = lane[k][0];
    }
}

WN_CLONES
static void two_sums(float d[3], const float *a, const float *b, int32_t n)
{
    sums(d, a, b, n, 2);
}

WN_CLONES
static void three_sums(float d[3], const float *a, const float *b, int32_t n)
{
    sums(d, a, b, n, 3);
}

static float scaled(const struct wn_pair_cos_params *p, const float d[3])
{
    const float ra = wn_rsqrt(d[1] > 1e-16f ? d[1] : 1e-16f);
    const float rb = wn_rsqrt(d[2] > 1e-16f ? d[2] : 1e-16f);

    return p->offset + p->scale * (d[0] * (ra * rb));
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_pair_cos_params *p = params;
    const float *x = buf[0];
    const int32_t *mate = buf[1], *ptr = buf[2];
    float *y = buf[3];

    for (int64_t i = 0; i < ptr[p->n_frames]; i++) {
        const float *a = x + i * p->dim, *b = x + (int64_t)mate[i] * p->dim;
        if (mate[i] == WN_NONE) {
            y[i] = p->none;
            continue;
        }
        const float d[3] = {wn_dot(a, b, p->dim), wn_dot(a, a, p->dim), wn_dot(b, b, p->dim)};
        y[i] = scaled(p, d);
    }
}

enum { STRIP = 16, KNOWN = 1024 }; /* rows of a frame, sums of squares at hand */

/* What was found out of rows not long ago, each at the place that its number gives. */
struct known {
    int64_t row[KNOWN]; /* -1: none */
    float square[KNOWN];
};

static void rows(const struct wn_pair_cos_params *p, void *const *buf, int64_t first, int64_t end,
                 struct known *known)
{
    const float *x = buf[0];
    const int32_t *mate = buf[1];
    float *y = buf[3];

    for (int64_t i = first; i < end; i++) {
        const int64_t m = mate[i];
        float d[3];
        if (m == WN_NONE) {
            y[i] = p->none;
            continue;
        }
        if (known->row[m % KNOWN] == m) {
            two_sums(d, x + i * p->dim, x + m * p->dim, p->dim);
            d[2] = known->square[m % KNOWN];
        } else {
            three_sums(d, x + i * p->dim, x + m * p->dim, p->dim);
            known->row[m % KNOWN] = m;
            known->square[m % KNOWN] = d[2];
        }
        known->row[i % KNOWN] = i;
        known->square[i % KNOWN] = d[1];
        y[i] = scaled(p, d);
    }
}

/* A strip of rows in frame after frame: mates stand at like places of other frames, so that what is
 * read of a row for itself, and its sum of squares, are still near when it is read as a mate. */
static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_pair_cos_params *p = params;
    const int32_t *ptr = buf[2];
    struct known known;

    for (int i = 0; i < KNOWN; i++)
        known.row[i] = -1;
    for (int64_t s = first; s < end; s++) {
        for (int32_t f = 0; f < p->n_frames; f++)
            rows(p, buf, ptr[f] + s * STRIP, WN_MIN(ptr[f] + (s + 1) * STRIP, ptr[f + 1]), &known);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_pair_cos_params *p = params;
    const int32_t *ptr = buf[2];
    int32_t most = 0;

    for (int32_t f = 0; f < p->n_frames; f++)
        most = WN_MAX(most, ptr[f + 1] - ptr[f]);
    wn_blocks(pool, (most + STRIP - 1) / STRIP, 1, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_pair_cos_params *p = params;

    return (uint32_t)p->n;
}

const struct wn_kernel wn_kernel_pair_cos = {
    .name = "pair_cos",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_pair_cos_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
