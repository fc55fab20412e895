/* SPDX-License-Identifier: MIT */
/* A decoded picture: what decode/ gives and vision/ takes. */
#ifndef WN_FRAME_H
#define WN_FRAME_H

#include "util.h"

#define WN_FRAME_MADE (-2)

struct wn_frame {
    atomic_int refs;
    int32_t width, height;
    uint8_t *rgb;     /* [height][width][3], upright, square pixels, full range */
    double time;      /* seconds from the start of the stream, never falling */
    int64_t number;   /* of the decoded frame, from 0; -1 when frames before it were not decoded;
                       * WN_FRAME_MADE: made of several */
    int32_t scene;    /* from 0 */
    double scene_score; /* of the cut, when this frame is the first one kept of its scene */
    bool key;
};

int wn_frame_create(struct wn_frame **out, int32_t width, int32_t height); /* one reference */
struct wn_frame *wn_frame_ref(struct wn_frame *frame);
void wn_frame_unref(struct wn_frame **frame);
/* A copy that is at most `side` pixels high and wide; a small enough frame is itself. */
int wn_frame_shrink(struct wn_frame **out, const struct wn_frame *frame, int32_t side);

/* Which cells of a grid of rows x cols (cell r, c holds the pixels from r * height / rows and
 * c * width / cols on) differ from the same ones of `last`: mask [rows][cols] gets 1 where the root
 * of the mean squared difference of their bytes, 0 to 255, is above `threshold`, else 0. All of
 * them do where sizes differ or last is NULL. 0 is any difference; noise of a codec is below 3.
 * Returns how many. */
int32_t wn_frame_changed(const struct wn_frame *last, const struct wn_frame *frame, int32_t rows,
                         int32_t cols, double threshold, uint8_t *mask);
/* Copies the cells whose mask is set into `last`, of the same size: it then holds what was seen of
 * each cell when it was encoded last, so that a slow drift is a change in the end. */
void wn_frame_update(struct wn_frame *last, const struct wn_frame *frame, int32_t rows,
                     int32_t cols, const uint8_t *mask);

#endif
