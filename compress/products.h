/* SPDX-License-Identifier: MIT */
/* Products of all rows of a frame with each other, without a matrix of more than WN_MATRIX_MOST
 * rows a frame: what reads them row by row gets strips, which are made anew for each reader. In a
 * strip or stored, every product is the same dot, so nothing that is decided depends on it. */
#ifndef WN_PRODUCTS_H
#define WN_PRODUCTS_H

#include "build.h"

struct wn_products {
    wn_buf x, ptr;             /* f32 [n][dim], i32 [n_segments + 1] */
    int32_t n, n_segments, dim;
    int32_t width;             /* the most rows of a segment */
    wn_buf list, end;          /* WN_NONE: strips of all rows; or of these, at most n of them, */
    int32_t listed;            /* end[listed] in truth */
    /* Set by wn_build_products(). */
    int32_t n_strips, rows;    /* strips of so many rows */
    wn_buf s;
    bool made;
};
#define WN_PRODUCTS(...) {.list = WN_NONE, .end = WN_NONE, .listed = -1, __VA_ARGS__}

struct wn_strip {
    wn_buf s;                  /* f32 [n][width] */
    int32_t skip, n;           /* see gram */
};

/* Pieces of columns, so that a device is busy and no invocation's loop is long. */
int32_t wn_gram_runs(int32_t n, int32_t width);
void wn_build_products(struct wn_build *b, struct wn_products *p);
/* Strip k of n_strips; records its products. */
struct wn_strip wn_build_strip(struct wn_build *b, struct wn_products *p, int32_t k);
/* Each row with itself: f32 [n]. */
wn_buf wn_build_squares(struct wn_build *b, const struct wn_products *p);
/* Whether all products of a frame may stand in a buffer. */
bool wn_products_fit(const struct wn_build *b, const struct wn_products *p);
/* Of unit rows of x, f32 [in.n][dim]: their cosines. */
struct wn_products wn_products_of_unit(struct wn_build *b, wn_buf x, int32_t dim);

/* For a search that needs all of them at once: call() with products of as many segments as a buffer
 * holds, from ptr[0] on. Fails where those of one segment may not stand in a buffer. */
struct wn_products_part {
    wn_buf s, ptr;
    int32_t n_segments;
};
typedef void wn_part_call(struct wn_build *b, void *arg, const struct wn_products_part *part);
void wn_build_parts(struct wn_build *b, const struct wn_products *p, wn_part_call *call, void *arg);

#endif
