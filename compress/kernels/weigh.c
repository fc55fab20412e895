/* SPDX-License-Identifier: MIT */
#include "compress/kernels.h"

/* Sizes are few beside the rows they belong to: plain loops are fast enough. */
static void ref(const void *params, void *const *buf)
{
    const struct wn_weigh_params *p = params;
    const float *v = buf[0];
    const int32_t *w_ptr = buf[1], *w_idx = buf[2], *out_ptr = buf[3];
    float *w = buf[4], *total = buf[5];

    for (int32_t r = 0; r < out_ptr[p->n_frames]; r++) {
        float sum = 0;
        for (int32_t k = w_ptr[r]; k < w_ptr[r + 1]; k++)
            sum += v[w_idx[k]];
        total[r] = sum;
        const bool some = sum >= 1e-12f;
        const float q = wn_rsqrt(some ? sum : 1);
        for (int32_t k = w_ptr[r]; k < w_ptr[r + 1]; k++)
            w[k] = some ? v[w_idx[k]] * (q * q) : (float)(k == w_ptr[r]);
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_weigh_params *p = params;

    return (uint32_t)((p->n_out + 63) / 64);
}

const struct wn_kernel wn_kernel_weigh = {
    .name = "weigh",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_weigh_params),
    .ref = ref,
    .groups = groups,
};
