/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_nearest_params *p = params;
    const float *x = buf[0];
    const int32_t *ptr = buf[1], *target = buf[2], *target_ptr = buf[3], *ask = buf[4];
    int32_t *to = buf[5];
    float *value = buf[6];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int64_t i = ptr[f]; i < ptr[f + 1]; i++) {
            to[i] = WN_NONE;
            value[i] = 0;
            for (int32_t k = target_ptr[f]; ask[i] && k < target_ptr[f + 1]; k++) {
                const float d = wn_dot(x + i * p->dim, x + (int64_t)target[k] * p->dim, p->dim);
                if (k == target_ptr[f] || d > value[i]) {
                    to[i] = target[k];
                    value[i] = d;
                }
            }
        }
    }
}

enum { ROWS = 32, TARGETS = 48 }; /* that meet at once: a target read serves many rows */

/* Rows i[0], ..., i[n - 1] of frame f. */
static void rows(const struct wn_nearest_params *p, void *const *buf, const int64_t *i, int n,
                 int32_t f)
{
    const float *x = buf[0], *a[ROWS], *b[TARGETS];
    const int32_t *target = buf[2], *target_ptr = buf[3];
    float d[ROWS][TARGETS], *value = buf[6];
    int32_t *to = buf[5];

    for (int r = 0; r < n; r++)
        a[r] = x + i[r] * p->dim;
    for (int32_t k = target_ptr[f]; k < target_ptr[f + 1]; k += TARGETS) {
        const int nb = WN_MIN(TARGETS, target_ptr[f + 1] - k);
        for (int t = 0; t < nb; t++)
            b[t] = x + (int64_t)target[k + t] * p->dim;
        wn_dots(d[0], TARGETS, a, n, b, nb, p->dim);
        for (int r = 0; r < n; r++) {
            for (int t = 0; t < nb; t++) {
                if (to[i[r]] == WN_NONE || d[r][t] > value[i[r]]) {
                    value[i[r]] = d[r][t];
                    to[i[r]] = target[k + t];
                }
            }
        }
    }
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_nearest_params *p = params;
    const int32_t *ptr = buf[1], *ask = buf[4];
    int32_t f = wn_segment_of(ptr, p->n_frames, first);
    int64_t some[ROWS];
    int n = 0;

    for (int64_t i = first; i < end; i++) {
        while (ptr[f + 1] <= i)
            f++;
        ((int32_t *)buf[5])[i] = WN_NONE;
        ((float *)buf[6])[i] = 0;
        if (ask[i])
            some[n++] = i;
        if (n == ROWS || (n && (i + 1 == end || i + 1 == ptr[f + 1]))) {
            rows(p, buf, some, n, f);
            n = 0;
        }
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_nearest_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[1])[p->n_frames], 32, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_nearest_params *p = params;

    return (uint32_t)((p->n + 3) / 4);
}

const struct wn_kernel wn_kernel_nearest = {
    .name = "nearest",
    .n_bufs = 7,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_nearest_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
