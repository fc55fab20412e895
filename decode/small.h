/* SPDX-License-Identifier: MIT */
/* A picture as the scene detectors want it: RGB of at most 256 pixels on the longer side, one size
 * for a whole stream even where the stream changes its own. */
#ifndef WN_DECODE_SMALL_H
#define WN_DECODE_SMALL_H

#include "convert.h"
#include "sampler.h"

struct wn_small { /* zero to begin with */
    struct wn_converter convert;
    struct wn_sampler sampler;
    int32_t from_width, from_height; /* of the picture before, and its format */
    int from_format;
    bool turned;
    bool samples;          /* the sampler does what swscale would */
    int32_t width, height; /* by the first picture */
    uint8_t *rgb;          /* [3][height][width] */
};

int wn_small_make(struct wn_small *small, const struct wn_picture *picture, struct wn_log *log);
void wn_small_finish(struct wn_small *small);

#endif
