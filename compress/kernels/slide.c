/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static float pooled(const struct wn_slide_params *p, const float *x, int32_t first, int32_t end)
{
    float v = p->max ? x[first] : 0;

    for (int32_t j = first; j < end; j++)
        v = !p->max ? v + x[j] : x[j] > v ? x[j] : v;
    return p->scale * v;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_slide_params *p = params;
    const int32_t *ptr = buf[1];
    float *y = buf[2];

    for (int32_t s = 0; s < p->n_segments; s++) {
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            y[i] = pooled(p, buf[0], WN_MAX(ptr[s], i - p->before),
                          WN_MIN(ptr[s + 1], i + p->after + 1));
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_slide_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_slide = {
    .name = "slide",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_slide_params),
    .ref = ref,
    .groups = groups,
};
