/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_trim_params *p = params;
    const int32_t *ptr = buf[0], S = p->n_segments, total = ptr[S];
    int32_t *keep = buf[1], at = 0;
    const int32_t tail = total > p->most ? (total - p->most + S - 1) / S : 0;

    for (int32_t s = 0; s < S; s++) {
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            keep[i] = i < ptr[s + 1] - tail && at++ < p->most;
    }
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_trim_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_trim = {
    .name = "trim",
    .n_bufs = 2,
    .access = {WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_trim_params),
    .ref = ref,
    .groups = groups,
};
