/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_average_params *p = params;
    const int32_t *ptr = buf[1];
    const float *x = buf[0], *share = buf[2];

    for (int64_t f = first; f < end; f++) {
        float *y = (float *)buf[3] + f * p->dim;
        for (int32_t c = 0; c < p->dim; c++)
            y[c] = 0;
        for (int64_t i = ptr[f]; i < ptr[f + 1]; i++) {
            for (int32_t c = 0; c < p->dim; c++)
                y[c] += x[i * p->dim + c];
        }
        for (int32_t c = 0; c < p->dim; c++)
            y[c] *= share[ptr[f + 1] - ptr[f]];
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const struct wn_average_params *)params)->n_segments);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_average_params *p = params;

    wn_blocks(pool, p->n_segments, 1, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_average_params *p = params;

    return (uint32_t)p->n_segments * (uint32_t)((p->dim + 63) / 64);
}

const struct wn_kernel wn_kernel_average = {
    .name = "average",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_average_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
