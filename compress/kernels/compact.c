/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_compact_params *p = params;
    const int32_t *keep = buf[0], *rank = buf[1], *mode = buf[2], *ptr = buf[3];
    int32_t *idx = buf[4], *out_ptr = buf[5];
    int32_t total = 0;

    for (int32_t f = 0; f < p->n_frames; f++) {
        const bool ranked = p->by_rank && mode[f] == 0;
        out_ptr[f] = total;
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            if (keep[i]) {
                idx[ranked ? out_ptr[f] + rank[i] : total] = i;
                total++;
            }
        }
    }
    out_ptr[p->n_frames] = total;
}

static uint32_t groups(const void *params)
{
    return 1;
}

const struct wn_kernel wn_kernel_compact = {
    .name = "compact",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_compact_params),
    .ref = ref,
    .groups = groups,
};
