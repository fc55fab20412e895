/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* How many of m values reach the share; piece: their sums in WN_LANES pieces of `size`. */
static int32_t reached(const float *value, int32_t m, int32_t size, const float *piece, float share)
{
    float total = 0, sum = 0;
    int32_t l = 0;

    for (int32_t t = 0; t < WN_LANES; t++)
        total += piece[t];
    const float want = share * total;
    while (l < WN_LANES && sum + piece[l] < want)
        sum += piece[l++];
    for (int32_t i = l * size; i < WN_MIN((l + 1) * size, m); i++) {
        sum += value[i];
        if (sum >= want)
            return i + 1;
    }
    return WN_MIN((l + 1) * size, m);
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_enough_params *p = params;
    const int32_t *rank = buf[1], *ptr = buf[2];
    int32_t *keep = buf[3];

    for (int32_t s = 0; s < p->n_segments; s++) {
        const float *value = (const float *)buf[0] + ptr[s];
        const int32_t m = ptr[s + 1] - ptr[s], size = (m + WN_LANES - 1) / WN_LANES;
        float piece[WN_LANES] = {0};
        for (int32_t i = 0; i < m; i++)
            piece[i / size] += value[i];
        const int32_t most = reached(value, m, size, piece, p->share);
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            keep[i] = rank[i] < most;
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_enough_params *p = params;

    return (uint32_t)p->n_segments;
}

const struct wn_kernel wn_kernel_enough = {
    .name = "enough",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_enough_params),
    .ref = ref,
    .groups = groups,
};
