/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <string.h>

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_take_params *p = params;
    const uint32_t *x = buf[0];
    const int32_t *idx = buf[1];
    uint32_t *y = buf[3];

    if (p->width == 1) {
        for (int64_t i = first; i < end; i++)
            y[i] = x[idx[i]];
        return;
    }
    for (int64_t i = first; i < end; i++)
        memcpy(y + i * p->width, x + (int64_t)idx[i] * p->width, (size_t)p->width * sizeof(*y));
}

static int64_t rows_of(const void *params, void *const *buf)
{
    const struct wn_take_params *p = params;

    return ((const int32_t *)buf[2])[p->n_frames];
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, rows_of(params, buf));
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_take_params *p = params;

    wn_blocks(pool, rows_of(params, buf), wn_block_size((int64_t)8 * p->width), part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_take_params *p = params;

    return (uint32_t)(((int64_t)p->n * p->width + 255) / 256);
}

const struct wn_kernel wn_kernel_take = {
    .name = "take",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_take_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
