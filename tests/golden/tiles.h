/* SPDX-License-Identifier: MIT */
/* A picture in tiles, as an encoder that packs nothing would give it. */
#ifndef WN_GOLDEN_TILES_H
#define WN_GOLDEN_TILES_H

#include "tests/golden/chain.h"

struct golden_tiles {
    int32_t tiles_h, tiles_w, side; /* patches on a side of a tile */
    int32_t top, left;              /* lines and columns of padding on either side of the grid */
    bool newline;                   /* behind every line of the padded grid */
};
/* x [1 + tiles][side * side][dim], the whole first: its rows, then the grid's without padding, line
 * by line. *from [n]: of each row, which of x it is, or -1 for a newline (zeros). NULL: failed. */
struct wn_rows *golden_tile_rows(struct golden_case *c, const struct golden_tiles *t,
                                 const float *x, int32_t dim, int32_t **from);

#endif
