/* SPDX-License-Identifier: MIT */
#include "lazy.h"

enum { SOME = 16 }; /* rows taken that a block hears of at a time */

/* Of each block: how many of the rows taken it has heard of, and its best row or -1. */
static int32_t *seen(const struct wn_lazy *z)
{
    return z->work + z->m;
}

static int32_t *top(const struct wn_lazy *z)
{
    return z->work + 2 * (int64_t)z->m;
}

static int32_t best_of(const struct wn_lazy *z, int32_t block)
{
    const int32_t first = block * WN_LAZY_BLOCK, end = WN_MIN(first + WN_LAZY_BLOCK, z->m);
    int32_t best = -1;

    for (int32_t i = first; i < end; i++) {
        if (z->there(z, i) && (best < 0 || z->before(z, i, best)))
            best = i;
    }
    return best;
}

static void catch_up(struct wn_lazy *z, int32_t block)
{
    const int32_t first = block * WN_LAZY_BLOCK, w = WN_MIN(WN_LAZY_BLOCK, z->m - first);
    const float *rows[WN_LAZY_BLOCK], *taken[SOME];
    float like[SOME][WN_LAZY_BLOCK];

    for (int32_t i = 0; i < w; i++)
        rows[i] = z->x + (int64_t)(first + i) * z->dim;
    for (int32_t t = seen(z)[block]; t < z->taken; t += SOME) {
        const int32_t n = WN_MIN(SOME, z->taken - t);
        for (int32_t u = 0; u < n; u++)
            taken[u] = z->x + (int64_t)wn_lazy_step(z, t + u) * z->dim;
        wn_dots(like[0], WN_LAZY_BLOCK, taken, n, rows, w, z->dim);
        for (int32_t u = 0; u < n; u++)
            z->learn(z, first, w, like[u], t + u);
    }
    seen(z)[block] = z->taken;
    top(z)[block] = best_of(z, block);
}

void wn_lazy_begin(struct wn_lazy *z)
{
    z->taken = 0;
    for (int32_t b = 0; b * WN_LAZY_BLOCK < z->m; b++) {
        seen(z)[b] = 0;
        top(z)[b] = best_of(z, b);
    }
}

int32_t wn_lazy_best(struct wn_lazy *z)
{
    for (;;) {
        int32_t best = -1, block = 0;
        for (int32_t b = 0; b * WN_LAZY_BLOCK < z->m; b++) {
            const int32_t i = top(z)[b];
            if (i < 0 || (best >= 0 && !z->before(z, i, best)))
                continue;
            best = i;
            block = b;
        }
        if (best < 0 || seen(z)[block] == z->taken)
            return best;
        catch_up(z, block);
    }
}

void wn_lazy_take(struct wn_lazy *z, int32_t row)
{
    z->work[z->taken++] = row;
    top(z)[row / WN_LAZY_BLOCK] = best_of(z, row / WN_LAZY_BLOCK);
}
