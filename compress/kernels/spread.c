/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static bool stays(int64_t j, int64_t k, int64_t m, bool stepped)
{
    if (k <= 0)
        return false;
    if (stepped) {
        const int64_t step = WN_MAX(1, m / k);
        return j % step == 0 && j / step < k;
    }
    return j * k % m + k >= m;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_spread_params *p = params;
    const int32_t *ptr = buf[0], *table = buf[1], *among = buf[2];
    int32_t *keep = buf[3];

    for (int32_t s = 0; s < p->n_segments; s++) {
        int32_t m = 0, j = 0;
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            m += among[i] != 0;
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++) {
            keep[i] = among[i] && stays(j, table[m], m, p->stepped);
            j += among[i] != 0;
        }
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_spread_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_spread = {
    .name = "spread",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_spread_params),
    .ref = ref,
    .groups = groups,
};
