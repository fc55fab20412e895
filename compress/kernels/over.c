/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_over_params *p = params;
    const float *x = buf[0], *t = buf[1];
    const int32_t *ptr = buf[2];
    int32_t *y = buf[3];

    for (int32_t s = 0; s < p->n_segments; s++) {
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            y[i] = x[i] >= p->factor * t[s];
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_over_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_over = {
    .name = "over",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_over_params),
    .ref = ref,
    .groups = groups,
};
