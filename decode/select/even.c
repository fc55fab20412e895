/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <math.h>

void wn_select_linspace(int32_t n, int32_t count, int32_t *list)
{
    wn_linspace(n, count, list);
}

void wn_select_middles(int32_t n, int32_t count, int32_t *list)
{
    const double size = (n - 1) / (double)count;

    for (int32_t i = 0; i < count; i++)
        list[i] = (int32_t)(nearbyint(size * i) + nearbyint(size * (i + 1))) / 2;
}

void wn_select_pvc(int32_t first, int32_t last, int32_t count, int32_t *list)
{
    const double size = (last - first) / (double)count;

    for (int32_t i = 0; i < count; i++)
        list[i] = (int32_t)(first + size / 2 + nearbyint(size * i));
}

void wn_select_tiles(int32_t w, int32_t h, int32_t side, int32_t most, int32_t *cols, int32_t *rows)
{
    const double shape = (double)w / h, area = (double)w * h;
    double least = INFINITY;

    *cols = *rows = 1;
    for (int32_t tiles = 1; tiles <= most; tiles++) {
        for (int32_t i = 1; i <= tiles; i++) {
            const double off = fabs(shape - (double)i / (tiles / i));
            const bool larger = off == least && area > 0.5 * side * side * tiles;
            if (tiles % i || (off >= least && !larger))
                continue;
            least = off;
            *cols = i;
            *rows = tiles / i;
        }
    }
}
