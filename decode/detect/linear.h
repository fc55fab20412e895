/* SPDX-License-Identifier: MIT */
/* OpenCV's bilinear resize of 8-bit colour pictures, from whatever can give a row: only rows and
 * columns that the result leans on are asked for. */
#ifndef WN_DETECT_LINEAR_H
#define WN_DETECT_LINEAR_H

#include "pipeline/util.h"

struct wn_linear { /* zero to begin with */
    int32_t sw, sh, dw, dh;
    bool halves;        /* sums of pairs instead of weights: OpenCV averages at half size */
    bool single;        /* no right neighbour weighs anything */
    int32_t *left;      /* [dw] a column; its right neighbour is the next one, if there is one */
    int16_t *wl, *wr;   /* [dw] weights of both in 1/2048 */
    int32_t *above, *below; /* [dh] rows */
    int16_t *wa, *wb;   /* [dh] */
    int16_t *line[2];   /* [3][dw] rows of the source, shrunk */
};

/* A row of the source, shrunk by wn_linear_across(): out [3][dw]. `soon`: one that is wanted a
 * little later, for the processor to fetch meanwhile. */
typedef void wn_linear_row(void *opaque, int32_t y, int32_t soon, int16_t *out);

struct wn_pixels { /* packed, of 8 bits a colour */
    const uint8_t *data;
    ptrdiff_t stride; /* of rows, in bytes */
    int step;         /* from pixel to pixel */
    int at[3];        /* in a pixel: R, G, B */
};

int wn_linear_begin(struct wn_linear *l, int32_t sw, int32_t sh, int32_t dw, int32_t dh);
void wn_linear_finish(struct wn_linear *l);
void wn_linear_across(const struct wn_linear *l, const int16_t *left, const int16_t *right,
                      int16_t *out); /* [dw] each, of one colour */
void wn_linear_run(const struct wn_linear *l, wn_linear_row *row, void *opaque,
                   uint8_t *dst); /* [3][dh][dw] */
/* The same of packed pixels, with room [2][dw] to work in. */
void wn_linear_run_packed(const struct wn_linear *l, const struct wn_pixels *pixels, int16_t *room,
                          uint8_t *dst);

#endif
