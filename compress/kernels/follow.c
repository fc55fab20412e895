/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_follow_params *p = params;
    const int32_t *mate = buf[0], *flag = buf[1], *ptr = buf[2];
    int32_t *to = buf[3];

    for (int32_t i = 0; i < ptr[p->n_frames]; i++)
        to[i] = mate[i] != WN_NONE && flag[mate[i]] ? mate[i] : i;
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_follow_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_follow = {
    .name = "follow",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_follow_params),
    .ref = ref,
    .groups = groups,
};
