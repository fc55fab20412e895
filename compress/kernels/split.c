/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_split_params *p = params;
    const int32_t *ptr = buf[0], *first = buf[1];
    int32_t *parts = buf[2];

    for (int32_t f = 0; f < p->n_frames; f++) {
        parts[2 * f] = ptr[f];
        parts[2 * f + 1] = ptr[f] + (first[f + 1] - first[f]);
    }
    parts[2 * p->n_frames] = ptr[p->n_frames];
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_split_params *)params)->n_frames + 64) / 64);
}

const struct wn_kernel wn_kernel_split = {
    .name = "split",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_split_params),
    .ref = ref,
    .groups = groups,
};
