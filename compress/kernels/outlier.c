/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* The value below which `quarters` of four lie, between the two ranks beside it. */
static float quartile(const float *x, const int32_t *rank, int32_t m, int32_t quarters)
{
    const int32_t at = (m - 1) * quarters, low = m - 1 - at / 4, high = WN_MAX(low - 1, 0);
    const float t = (float)(at % 4) * 0.25f;
    float a = 0, b = 0;

    for (int32_t i = 0; i < m; i++) {
        a = rank[i] == low ? x[i] : a;
        b = rank[i] == high ? x[i] : b;
    }
    const float d = b - a;
    return t >= 0.5f ? b - d * (1 - t) : a + d * t;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_outlier_params *p = params;
    const int32_t *ptr = buf[2];

    for (int32_t s = 0; s < p->n_segments; s++) {
        const int32_t m = ptr[s + 1] - ptr[s], *rank = (const int32_t *)buf[1] + ptr[s];
        const float *x = (const float *)buf[0] + ptr[s];
        const float first = quartile(x, rank, m, 1), third = quartile(x, rank, m, 3);
        const float limit = third + p->factor * (third - first);
        for (int32_t i = 0; i < m; i++)
            ((int32_t *)buf[3])[ptr[s] + i] = x[i] > limit;
    }
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_outlier_params *)params)->n_segments;
}

const struct wn_kernel wn_kernel_outlier = {
    .name = "outlier",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_outlier_params),
    .ref = ref,
    .groups = groups,
};
