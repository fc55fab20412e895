/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_around_count_params *p = params;
    const int32_t *ptr = buf[0], *flag = buf[1], *out_ptr = buf[2], *base = buf[3];
    int32_t *count = buf[4];

    for (int32_t f = 0; f < p->n_frames; f++) {
        int32_t rest = 0;
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            rest += !flag[i];
        for (int32_t r = out_ptr[f]; r < out_ptr[f + 1]; r++)
            count[r] = flag[base[r]] ? 1 + WN_MIN(p->k, ptr[f + 1] - ptr[f] - 1) : rest;
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_around_count_params *p = params;

    return (uint32_t)((p->n_out + 63) / 64);
}

const struct wn_kernel wn_kernel_around_count = {
    .name = "around_count",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_around_count_params),
    .ref = ref,
    .groups = groups,
};
