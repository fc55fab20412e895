/* SPDX-License-Identifier: MIT */
/* Where shots join, seen in thumbs of consecutive pictures: hard cuts, dissolves, fades through a
 * flat picture. Flashes, pans and light that changes are none. Pure: no libav, no clock. */
#ifndef WN_DETECT_JOINS_H
#define WN_DETECT_JOINS_H

#include "decode/thumb.h"

enum wn_join_kind { WN_JOIN_CUT, WN_JOIN_DISSOLVE, WN_JOIN_FADE };

struct wn_join {
    enum wn_join_kind kind;
    int64_t at;            /* first picture of the new shot; of the others their middle */
    int64_t first, last;   /* pictures between which it happens */
    double score;          /* difference of the shots, levels */
};

/* Joins of n pictures, in order, `most` at most; how many. Nothing is known before the first and
 * after the last one, so a join there needs their neighbours among the pictures. */
int wn_joins_find(const struct wn_thumb *thumb, int64_t n, struct wn_join *out, int most);

double wn_thumb_contrast(const struct wn_thumb *thumb); /* deviation of luma, levels */

#endif
