/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_ln_params *p = params;
    const float *x = buf[0];
    const int32_t n = ((const int32_t *)buf[1])[p->n_frames];

    for (int32_t i = 0; i < n; i++)
        ((float *)buf[2])[i] = wn_ln(x[i] > 1e-30f ? x[i] : 1e-30f);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_ln_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_ln = {
    .name = "ln",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_ln_params),
    .ref = ref,
    .groups = groups,
};
