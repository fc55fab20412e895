/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_every_params *p = params;
    const int32_t *flag = buf[0], *ptr = buf[1];
    int32_t *y = buf[2];

    for (int32_t s = 0; s < p->n_segments; s++) {
        const int32_t first = ptr[s], m = ptr[s + 1] - first;
        int32_t count = 0;
        for (int32_t i = 0; i < m; i++)
            count += flag[first + i] != 0;
        const int32_t step = WN_MAX(count ? m / count / p->part : 0, 1);
        for (int32_t i = 0; i < m; i++)
            y[first + i] = count && !flag[first + i] && i < m - 1 && i % step == 0;
    }
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_every_params *)params)->n_segments;
}

const struct wn_kernel wn_kernel_every = {
    .name = "every",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_every_params),
    .ref = ref,
    .groups = groups,
};
