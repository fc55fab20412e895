/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_own_params *p = params;
    const int32_t *to = buf[0], *ptr = buf[1];
    int32_t *keep = buf[2];

    for (int32_t i = 0; i < ptr[p->n_frames]; i++)
        keep[i] = to[i] == i;
}

static uint32_t groups(const void *params)
{
    const struct wn_own_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_own = {
    .name = "own",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_own_params),
    .ref = ref,
    .groups = groups,
};
