/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_lookup_params *p = params;
    const int32_t *cell = buf[0], *ptr = buf[1], *at = buf[2];
    const uint32_t *table = buf[3];
    uint32_t *y = buf[4];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            y[i] = table[at[f] + cell[i]];
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_lookup_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_lookup = {
    .name = "lookup",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_lookup_params),
    .ref = ref,
    .groups = groups,
};
