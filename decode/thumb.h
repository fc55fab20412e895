/* SPDX-License-Identifier: MIT */
/* A picture as the frame filters compare it: luma and two colours, each of 32 x 32 means. Made from
 * the decoded planes, so it costs one read of them. As stored: not turned, not stretched. */
#ifndef WN_DECODE_THUMB_H
#define WN_DECODE_THUMB_H

#include "convert.h"

#define WN_THUMB_SIDE 32
#define WN_THUMB_CELLS (WN_THUMB_SIDE * WN_THUMB_SIDE)
#define WN_THUMB_DIM 208

struct wn_thumb {
    uint8_t plane[3][WN_THUMB_CELLS];
};

/* c: zero to begin with; used for formats whose planes cannot be averaged as they lie. */
int wn_thumb_make(struct wn_thumb *thumb, struct wn_converter *c, const struct wn_picture *picture,
                  struct wn_log *log);

/* Difference hash: whether each of 8 x 9 means is brighter than its right neighbour, and of 9 x 8
 * than the one below. By more than 2 levels, so that noise in a flat picture says nothing. */
void wn_thumb_hash(const struct wn_thumb *thumb, uint64_t hash[2]);
int wn_thumb_bits(const uint64_t a[2], const uint64_t b[2]); /* that differ, 0 to 128 */

/* Mean of the cells' differences, and the largest one, in levels of 0 to 255, luma and colours
 * taken together. */
void wn_thumb_difference(const struct wn_thumb *a, const struct wn_thumb *b, double *mean,
                         double *most);
/* Mean of the cells' differences beyond one level, which is noise. */
double wn_thumb_motion(const struct wn_thumb *a, const struct wn_thumb *b);

/* What stands in for an embedding: 8 x 8 means of luma about the picture's own, of both colours
 * about gray, and the histogram of luma in 16 bins. out [WN_THUMB_DIM]. */
void wn_thumb_describe(const struct wn_thumb *thumb, float *out);

#endif
