/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_chunk_params *p = params;
    const int32_t *ptr = buf[0];
    int32_t *to = buf[1];

    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t m = ptr[f + 1] - ptr[f];
        for (int32_t j = 0; j < m; j++) {
            const int32_t start = j / p->size * p->size;
            const bool whole = start + p->size <= m;
            to[ptr[f] + j] = p->ends ? whole && j == start + p->size - 1
                                     : whole ? ptr[f] + start : WN_NONE;
        }
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_chunk_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_chunk = {
    .name = "chunk",
    .n_bufs = 2,
    .access = {WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_chunk_params),
    .ref = ref,
    .groups = groups,
};
