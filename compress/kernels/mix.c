/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_mix_params *p = params;
    const uint32_t *x = buf[0], *z = buf[1];
    const int32_t *ptr = buf[2];
    int32_t *y = buf[3];
    float *y_float = buf[3];

    for (int32_t i = 0; i < ptr[p->n_frames]; i++) {
        /* Wraps around, as in the shader. */
        const int32_t v = (int32_t)((uint32_t)p->a * x[i] + (uint32_t)p->b * z[i] + (uint32_t)p->c);
        if (p->as_float)
            y_float[i] = (float)v;
        else
            y[i] = v;
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_mix_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_mix = {
    .name = "mix",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_mix_params),
    .ref = ref,
    .groups = groups,
};
