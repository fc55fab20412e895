/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* The lowest cell of the window whose first cell is at (y, x). */
static int32_t lowest(const struct wn_dents_params *p, const float *grid, int32_t y, int32_t x)
{
    int32_t best = y * p->side + x;

    for (int32_t v = y; v < WN_MIN(y + p->window, p->side); v++) {
        for (int32_t u = x; u < WN_MIN(x + p->window, p->side); u++) {
            if (grid[v * p->side + u] < grid[best])
                best = v * p->side + u;
        }
    }
    return best;
}

/* One grid goes through all frames, so there is nothing to share among threads. */
static void ref(const void *params, void *const *buf)
{
    const struct wn_dents_params *p = params;
    const float *x = buf[0], *grid = buf[2];
    const int32_t *ptr = buf[1], cells = p->side * p->side;
    int32_t *flag = buf[3];
    float *out = buf[4];

    for (int32_t c = 0; c < cells; c++)
        out[c] = wn_flushed(grid[c]);
    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t from = ptr[f] + p->first, count = WN_MAX(ptr[f + 1] - from, 0);
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            flag[i] = 0;
        for (int32_t c = 0, next = 0; c < cells && next < count; c++) {
            if (out[c] < 1e30f)
                out[c] = wn_flushed(x[from + next++]);
        }
        for (int32_t v = 0; v < p->side; v += p->window) {
            for (int32_t u = 0; u < p->side; u += p->window) {
                const int32_t c = lowest(p, out, v, u);
                if (c < count) {
                    flag[from + c] = 1;
                    out[c] = 3e38f;
                }
            }
        }
    }
}

static uint32_t groups(const void *params)
{
    return 1;
}

const struct wn_kernel wn_kernel_dents = {
    .name = "dents",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_dents_params),
    .ref = ref,
    .groups = groups,
};
