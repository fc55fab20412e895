/* SPDX-License-Identifier: MIT */
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_stretch_params *p = params;
    const float *x = buf[0];
    const int32_t n = ((const int32_t *)buf[1])[p->n_frames];
    float *y = buf[2];
    float low = 3e38f, high = -3e38f;

    for (int32_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    const float range = high - low;
    const float q = wn_rsqrt(range > 1e-12f ? range : 1e-12f);
    for (int32_t i = 0; i < n; i++)
        y[i] = ((x[i] - low) + p->offset) * (q * q);
}

static uint32_t groups(const void *params)
{
    return 1;
}

const struct wn_kernel wn_kernel_stretch = {
    .name = "stretch",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_stretch_params),
    .ref = ref,
    .groups = groups,
};
