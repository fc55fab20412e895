/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_cut_params *p = params;
    const int32_t *rank = buf[0], *ptr = buf[1], *table = buf[2], *mode = buf[3];
    int32_t *keep = buf[4];

    for (int32_t s = 0; s < p->n_segments; s++) {
        const int32_t most = table[ptr[s + 1] - ptr[s]];
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            keep[i] = mode[s] > 0 || (mode[s] == 0 && rank[i] < most);
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_cut_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_cut = {
    .name = "cut",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_cut_params),
    .ref = ref,
    .groups = groups,
};
