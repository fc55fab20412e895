/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void keep_longest(const int32_t *label, int32_t n, int32_t *longest, int32_t *now)
{
    for (int32_t t = 0; t < n; t++)
        longest[t] = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t t = 0, end; t < n; t = end) {
            const int32_t own = label[t];
            for (end = t + 1; end < n && label[end] == own; end++)
                ;
            if (pass == 0)
                longest[own] = WN_MAX(longest[own], end - t);
            for (int32_t i = t; pass && i < end; i++)
                now[i] = end - t > 1 && end - t == longest[own] ? own : WN_NONE;
        }
    }
}

static void ref(const void *params, void *const *buf)
{
    const int32_t n = ((const struct wn_windows_params *)params)->n;
    int32_t *longest = buf[1], *now = buf[2], *start = buf[3], left = 0;

    keep_longest(buf[0], n, longest, now);
    for (int32_t t = 0; t < n; t++) {
        int32_t end = t, right = 0;
        for (; end < n && now[end] == WN_NONE; end++)
            ;
        for (; end > t && end + right < n && now[end + right] == now[end]; right++)
            ;
        const int32_t fill = right > left ? now[WN_MIN(end, n - 1)] : t > 0 ? now[t - 1] : 0;
        for (int32_t i = t; i < end; i++)
            now[i] = fill;
        const bool same = t > 0 && now[t] == now[t - 1];
        left = same ? left + 1 : 1;
        start[t] = same ? start[t - 1] : t;
    }
}

static uint32_t groups(const void *params)
{
    return 1;
}

const struct wn_kernel wn_kernel_windows = {
    .name = "windows",
    .n_bufs = 4,
    .access = {WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_windows_params),
    .ref = ref,
    .groups = groups,
};
