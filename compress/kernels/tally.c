/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

WN_CLONES
static float sum(const float *x, int32_t n)
{
    float lane[WN_LANES] = {0};
    int32_t j = 0;

    for (; j + WN_LANES <= n; j += WN_LANES) {
        for (int l = 0; l < WN_LANES; l++)
            lane[l] += x[j + l];
    }
    for (int l = 0; j + l < n; l++)
        lane[l] += x[j + l];
    for (int half = WN_LANES / 2; half; half /= 2) {
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    }
    return lane[0];
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_tally_params *p = params;
    const float *x = buf[0];
    const int32_t *ptr = buf[1];
    float *y = buf[2];

    for (int64_t r = first; r < end; r++) {
        const int64_t i = wn_strip_base(ptr, p->skip) + r;
        const int32_t f = wn_segment_of(ptr, p->n_frames, i);
        y[i] = sum(x + r * p->width + p->first, ptr[f + 1] - ptr[f] - p->first);
    }
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_tally_params *p = params;

    part(params, buf, 0, wn_strip_rows(buf[1], p->n_frames, p->skip, p->n));
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_tally_params *p = params;

    wn_blocks(pool, wn_strip_rows(buf[1], p->n_frames, p->skip, p->n),
              wn_block_size((int64_t)4 * p->width), part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_tally_params *p = params;

    return (uint32_t)p->n;
}

const struct wn_kernel wn_kernel_tally = {
    .name = "tally",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_tally_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
