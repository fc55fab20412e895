/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static bool steady(const struct wn_steady_params *p, const float *x, const int32_t *next, int64_t i,
                   int32_t frames)
{
    float lane[WN_LANES] = {0};
    int64_t row = i;

    for (int32_t t = 1; t < frames && row != WN_NONE; t++)
        row = next[row];
    if (row == WN_NONE || frames < 2)
        return false;
    for (int32_t c = 0; c < p->dim; c++) {
        float sum = x[i * p->dim + c];
        row = i;
        for (int32_t t = 1; t < frames; t++) {
            row = next[row];
            sum += x[row * p->dim + c];
        }
        lane[c % WN_LANES] += sum * sum;
    }
    for (int h = WN_LANES / 2; h; h /= 2) {
        for (int l = 0; l < h; l++)
            lane[l] += lane[l + h];
    }
    const float w = (float)frames;
    return lane[0] - w > p->tau * (w * (w - 1));
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_steady_params *p = params;
    const int32_t *mate = buf[2], *start = buf[3], *ptr = buf[4];

    for (int64_t i = first; i < end; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_frames, i);
        int32_t to = f;
        while (to < p->n_frames && start[to] == f)
            to++;
        ((int32_t *)buf[5])[i] = mate[i] == i && steady(p, buf[0], buf[1], i, to - f);
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const int32_t *)buf[4])[((const struct wn_steady_params *)params)
                                                       ->n_frames]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_steady_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[4])[p->n_frames], 8, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_steady_params *)params)->n;
}

const struct wn_kernel wn_kernel_steady = {
    .name = "steady",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_steady_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
