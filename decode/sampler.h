/* SPDX-License-Identifier: MIT */
/* A small RGB picture straight from planes of yuv420p, or from packed RGB: the pixels that OpenCV's
 * bilinear resize reads are turned into RGB as swscale turns them, all others are left alone. The
 * same bytes as converting the whole picture and shrinking it, which is tried out for each size and
 * format before it is believed. */
#ifndef WN_DECODE_SAMPLER_H
#define WN_DECODE_SAMPLER_H

#include <libavutil/frame.h>

#include "detect/linear.h"
#include "detect/pairs.h"

struct wn_sampler_coefficients { /* of samples times 8, in 1/8192 */
    int16_t luma, low, red_v, green_u, green_v, blue_u;
};

struct wn_sampler { /* zero to begin with */
    struct wn_sampler_coefficients c;
    struct wn_linear linear;
    struct wn_pixels pixels;      /* step 0: the picture is of planes */
    struct wn_pairs luma, chroma; /* neighbours that are read */
    uint16_t *pair[3];  /* [n] of Y, U, V */
    int16_t *shift[2];  /* [n] of a pair of colour, bits to what the left and right pixel have */
    int16_t *bright[2]; /* [n] what luma gives the left and right pixels */
    int16_t *term[2];   /* [3][n] what colour adds to their R, G, B */
    int16_t *side[2];   /* [n] a colour of theirs */
    const AVFrame *frame;
    int32_t chroma_row; /* whose terms are there; -1: none */
};

/* WN_OK, WN_ERR_UNSUPPORTED (no such format) or WN_ERR_NOMEM. */
int wn_sampler_begin(struct wn_sampler *s, const AVFrame *frame, int32_t dw, int32_t dh);
void wn_sampler_finish(struct wn_sampler *s);
/* rgb [3][dh][dw] of a frame of the same size and format. */
void wn_sampler_run(struct wn_sampler *s, const AVFrame *frame, uint8_t *rgb);

#endif
