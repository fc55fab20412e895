/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_scan_params *p = params;
    const int32_t *x = buf[0], *ptr = buf[1];
    int32_t *out = buf[2];

    out[0] = 0;
    for (int32_t i = 0; i < p->n; i++)
        out[i + 1] = out[i] + (i < ptr[p->n_frames] ? x[i] : 0);
}

static uint32_t groups(const void *params)
{
    return 1;
}

const struct wn_kernel wn_kernel_scan = {
    .name = "scan",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_scan_params),
    .ref = ref,
    .groups = groups,
};
