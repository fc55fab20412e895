/* SPDX-License-Identifier: MIT */
/* From a frame's stamp to seconds from the stream's start.
 *
 * Times never fall. A stamp lower than the one before it (a clock that was reset, a stream cut
 * together, stamps that run backwards) starts a new clock: that frame comes one frame after the
 * one before, and all later stamps move with it. An equal stamp, or none, comes one frame after
 * the one before as well but moves nothing else, so that a stream without stamps is timed by its
 * frame count and its rate. A jump forward is taken as it is. */
#ifndef WN_DECODE_CLOCK_H
#define WN_DECODE_CLOCK_H

#include <libavutil/frame.h>

#include "pipeline/util.h"

struct wn_clock {
    AVRational base;     /* of the stamps */
    int64_t start;       /* stamp of time 0; AV_NOPTS_VALUE: the first frame's */
    double frame;        /* seconds a frame lasts where the stream does not tell */
    double shift;        /* added to stamps */
    double stamp, last;  /* of the frame before: its stamp in seconds, its time */
    bool began;
    int64_t resets, repeats; /* frames whose stamps fell, or stood still or missed */
};

double wn_clock_time(struct wn_clock *clock, const AVFrame *frame);
void wn_clock_jump(struct wn_clock *clock); /* the next stamp may be anything: after a seek */

#endif
