/* SPDX-License-Identifier: MIT */
/* Squares of squares over the grid of a frame, for host kernels. A side of even length is halved in
 * pairs; of odd length the first row or column stays alone. Sides are halved until one is 2. */
#ifndef WN_QUADTREE_H
#define WN_QUADTREE_H

#include "made.h"

enum { WN_QUAD_LEVELS = 13 };

/* One frame's. A level is a grid of ids: rows at level 0, above it nodes, counted from `node0`
 * level by level; WN_NONE where no row is. */
struct wn_quad {
    int32_t h[WN_QUAD_LEVELS], w[WN_QUAD_LEVELS];
    int32_t *id[WN_QUAD_LEVELS];
    int32_t levels, node0, n_nodes;
};
/* Levels of an h x w grid without the `drop` coarsest; *cells: of all of them together. */
int32_t wn_quad_levels(int32_t h, int32_t w, int32_t drop, int64_t *cells);
/* Rows [first, end) with these cells; the first of several at one place counts. ids: room for all
 * cells. */
void wn_quad_make(struct wn_quad *q, const struct wn_layout *layout, const int32_t *cell,
                  int32_t first, int32_t end, int32_t drop, int32_t node0, int32_t *ids);
/* Where the k-th child (of 4) of a square is, one level below; false: there is none. */
bool wn_quad_child(const struct wn_quad *q, int32_t level, const int32_t at[2], int k,
                   int32_t child[2]);
static inline int32_t wn_quad_id(const struct wn_quad *q, int32_t level, const int32_t at[2])
{
    return q->id[level][at[0] * q->w[level] + at[1]];
}
/* The grid's rows and columns that a square covers: y0, x0, y1, x1, the ends not included. */
void wn_quad_box(const struct wn_quad *q, int32_t level, const int32_t at[2], int32_t box[4]);
/* Its rows as entries, with `weight` in all: a mean of means. */
void wn_quad_entries(const struct wn_quad *q, int32_t level, const int32_t at[2], float weight,
                     struct wn_maker *m);
/* Its first row. */
int32_t wn_quad_first(const struct wn_quad *q, int32_t level, const int32_t at[2]);

/* The most that the grids of the frames hold. */
struct wn_quad_most {
    int64_t cells;   /* of all levels of a frame */
    int64_t grid;    /* of the lowest one */
    int64_t squares; /* above the rows, of all frames */
    int32_t levels;
};
struct wn_quad_most wn_quad_most(const struct wn_build *b, int32_t drop);

#endif
