/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_closest_params *p = params;
    const float *x = buf[0], *z = buf[2];
    const int32_t *ptr = buf[1], *range = buf[3];
    int32_t *to = buf[4];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t a = 0; a < p->slots; a++) {
            const int32_t *own = range + 2 * (f * p->slots + a);
            for (int64_t i = ptr[f]; i < ptr[f + 1]; i++) {
                int32_t best_to = WN_NONE;
                float best = 0;
                for (int32_t t = own[0]; t < own[1]; t++) {
                    const float d = wn_dot(x + i * p->dim, z + (int64_t)t * p->dim, p->dim);
                    if (best_to == WN_NONE || d > best) {
                        best = d;
                        best_to = t;
                    }
                }
                to[(int64_t)a * p->n + i] = best_to;
            }
        }
    }
}

enum { ROWS = 32, TARGETS = 48 }; /* what is read of targets serves many rows */

/* Rows [i, end) of a frame, ROWS at most, with its targets of slot a. */
static void meet(const struct wn_closest_params *p, void *const *buf, int64_t i, int64_t end,
                 const int32_t *own, int32_t a)
{
    const float *row[ROWS], *target[TARGETS];
    const int n = (int)(end - i);
    int32_t best_to[ROWS];
    float best[ROWS] = {0}, d[ROWS][TARGETS];

    for (int r = 0; r < n; r++) {
        row[r] = (const float *)buf[0] + (i + r) * p->dim;
        best_to[r] = WN_NONE;
    }
    for (int32_t t0 = own[0]; t0 < own[1]; t0 += TARGETS) {
        const int m = WN_MIN(TARGETS, own[1] - t0);
        for (int t = 0; t < m; t++)
            target[t] = (const float *)buf[2] + (int64_t)(t0 + t) * p->dim;
        wn_dots(d[0], TARGETS, row, n, target, m, p->dim);
        for (int r = 0; r < n; r++) {
            for (int t = 0; t < m; t++) {
                if (best_to[r] == WN_NONE || d[r][t] > best[r]) {
                    best[r] = d[r][t];
                    best_to[r] = t0 + t;
                }
            }
        }
    }
    for (int r = 0; r < n; r++)
        ((int32_t *)buf[4])[(int64_t)a * p->n + i + r] = best_to[r];
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_closest_params *p = params;
    const int32_t *ptr = buf[1], *range = buf[3];

    for (int64_t i = first, next; i < end; i = next) {
        const int32_t f = wn_segment_of(ptr, p->n_frames, i);
        next = WN_MIN(WN_MIN(i + ROWS, end), ptr[f + 1]);
        for (int32_t a = 0; a < p->slots; a++)
            meet(p, buf, i, next, range + 2 * (f * p->slots + a), a);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_closest_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[1])[p->n_frames], 32, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_closest_params *p = params;

    return (uint32_t)((p->n + 3) / 4);
}

const struct wn_kernel wn_kernel_closest = {
    .name = "closest",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_closest_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
