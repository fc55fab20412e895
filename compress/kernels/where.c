/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_where_params *p = params;
    const float *x = buf[0];
    const int32_t *flag = buf[1], *ptr = buf[2];
    float *y = buf[3];

    for (int32_t i = 0; i < ptr[p->n_frames]; i++)
        y[i] = flag[i] ? p->value : x[i];
}

static uint32_t groups(const void *params)
{
    const struct wn_where_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_where = {
    .name = "where",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_where_params),
    .ref = ref,
    .groups = groups,
};
