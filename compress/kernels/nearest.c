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

/* Four targets at a time share what is read of row i. */
static void row(const struct wn_nearest_params *p, void *const *buf, int64_t i, int32_t f)
{
    const float *x = buf[0], *own = x + i * p->dim;
    const int32_t *target = buf[2], *target_ptr = buf[3];
    const int32_t end = target_ptr[f + 1];
    int32_t best_to = WN_NONE;
    float best = 0;

    for (int32_t k = target_ptr[f]; k < end; k += 4) {
        const float *b[4];
        float d[4];
        for (int t = 0; t < 4; t++)
            b[t] = x + (int64_t)target[WN_MIN(k + t, end - 1)] * p->dim;
        wn_dot4(d, own, b, p->dim);
        for (int t = 0; t < 4 && k + t < end; t++) {
            if (best_to == WN_NONE || d[t] > best) {
                best = d[t];
                best_to = target[k + t];
            }
        }
    }
    ((int32_t *)buf[5])[i] = best_to;
    ((float *)buf[6])[i] = best;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_nearest_params *p = params;
    const int32_t *ptr = buf[1], *ask = buf[4];
    int32_t f = wn_segment_of(ptr, p->n_frames, first);

    for (int64_t i = first; i < end; i++) {
        while (ptr[f + 1] <= i)
            f++;
        if (ask[i]) {
            row(p, buf, i, f);
        } else {
            ((int32_t *)buf[5])[i] = WN_NONE;
            ((float *)buf[6])[i] = 0;
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
