/* SPDX-License-Identifier: MIT */
/* Pictures cut in tiles, with a view of the whole beside them: which row belongs to which, told
 * from the layouts, for filters that give each its own budget. */
#ifndef WN_TILES_H
#define WN_TILES_H

#include "build.h"

/* Rows by part. The parts of a frame that is cut: the whole, its tiles in raster order, newlines.
 * Any other frame is one part. */
struct wn_tiles {
    int32_t n_parts;
    int32_t *first;   /* [n_frames + 1] parts of each frame */
    int32_t *ptr;     /* [n_parts + 1] where parts begin in `row` */
    int32_t *row;     /* [n] */
    int32_t *part;    /* [n] of each row */
    wn_buf ptrs, rows, places; /* ptr, row and its inverse on the device */
};

/* False where nothing can be told: no frame is cut, or an earlier filter changed the rows; or the
 * plan failed. */
bool wn_tiles_find(struct wn_build *b, struct wn_tiles *t);
void wn_tiles_finish(struct wn_tiles *t);
/* Tiles of frame f; 0: not cut. */
static inline int32_t wn_tiles_of(const struct wn_tiles *t, int32_t f)
{
    return t->first[f + 1] - t->first[f] > 1 ? t->first[f + 1] - t->first[f] - 2 : 0;
}
static inline int32_t wn_tiles_rows(const struct wn_tiles *t, int32_t part)
{
    return t->ptr[part + 1] - t->ptr[part];
}

/* region[i] for rows of the whole: the tile (from 1) that shows what row i shows; else 0. stripes:
 * instead as many runs of rows as there are tiles. NULL: the plan failed. Freed by the caller. */
enum wn_regions { WN_REGIONS_SEEN, WN_REGIONS_EVEN, WN_REGIONS_STRIPES };
int32_t *wn_tiles_regions(struct wn_build *b, const struct wn_tiles *t, enum wn_regions how);

/* Per row in, by part out, and back; f32 or i32 [n]. */
wn_buf wn_tiles_take(struct wn_build *b, const struct wn_tiles *t, wn_buf x);
wn_buf wn_tiles_back(struct wn_build *b, const struct wn_tiles *t, wn_buf x);
/* By part: ranks in each part, the largest first, and flags of those below quota f32 [n_parts]. */
wn_buf wn_tiles_rank(struct wn_build *b, const struct wn_tiles *t, wn_buf key);
wn_buf wn_tiles_below(struct wn_build *b, const struct wn_tiles *t, wn_buf rank, wn_buf quota);
/* y[r] = sum over k in [ptr[r], ptr[r + 1]) of w[k] * x[idx[k]], r < n; f32 [n]. */
struct wn_sums {
    int32_t n, *ptr, *idx;
    float *w;
};
wn_buf wn_tiles_sums(struct wn_build *b, wn_buf x, const struct wn_sums *s);
/* s for sums over regions of per-row numbers, n_parts of them; arrays freed by the caller. */
bool wn_tiles_region_sums(struct wn_build *b, const struct wn_tiles *t, const int32_t *region,
                          struct wn_sums *s);
void wn_sums_finish(struct wn_sums *s);
wn_buf wn_build_floats(struct wn_build *b, const char *name, const float *v, int64_t n); /* owned */

#endif
