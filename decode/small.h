/* SPDX-License-Identifier: MIT */
/* A picture as the scene detectors want it: RGB of at most 256 pixels on the longer side, one size
 * for a whole stream even where the stream changes its own. */
#ifndef WN_DECODE_SMALL_H
#define WN_DECODE_SMALL_H

#include "convert.h"

struct wn_small { /* zero to begin with */
    struct wn_converter convert;
    int32_t width, height; /* by the first picture */
    uint8_t *rgb;          /* [height][width][3] */
};

int wn_small_make(struct wn_small *small, const struct wn_picture *picture, struct wn_log *log);
void wn_small_finish(struct wn_small *small);

#endif
