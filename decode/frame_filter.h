/* SPDX-License-Identifier: MIT */
/* How a frame filter plugs in: one file decode/filters/NAME.c with a `const struct wn_filter
 * wn_filter_NAME` whose `frame` points to a struct wn_frame_ops.
 *
 * Options live in the instance's priv and are only read. What a filter knows of one run lives in
 * `state`, made anew for each decoder, so several may run with one chain. A filter holds few
 * pictures, at a number that it documents, however long the video is.
 *
 * Pictures come one at a time, in order of time. A filter owns what it is given: it passes a
 * picture on with wn_frame_emit(), later or at once, or frees it. */
#ifndef WN_FRAME_FILTER_H
#define WN_FRAME_FILTER_H

#include "picture.h"
#include "pipeline/filter.h"

struct wn_staged; /* staged.h */

/* What is known before the first picture. */
struct wn_index {
    double start, end;    /* seconds that will be shown; end 0: not known */
    double last;          /* no picture from this time on is shown; 0: all are */
    int64_t keys;         /* key frames among them; 0: not known */
    double fps;           /* 0: not known */
    bool pushed;          /* by an app: nothing is known ahead */
    const struct wn_staged *staged; /* scenes found ahead, for `scene=method=staged`; or NULL */
    int32_t width, height;
    struct wn_log *log;
};

/* What a filter wants next. Zeroed before the first plan(). */
struct wn_wanted {
    bool key_only;        /* nothing but key frames */
    double from;          /* nothing before the last picture at or before this time */
};

struct wn_frame_run; /* one filter at work and the one after it */

struct wn_frame_ops {
    size_t state_size;
    bool needs_end; /* of a file that does not tell its duration, packets are read through for it */
    /* Reads the options. May be NULL; so may all below but picture(). */
    int (*begin)(void *state, const void *priv, const struct wn_index *index);
    /* Adds to *wanted. Only for filters that choose by times and key flags alone; asked before each
     * picture while no filter before it is without one. */
    void (*plan)(const void *state, struct wn_wanted *wanted);
    /* Whether picture() and flush() look at nothing but time, key and number, and hold on to no
     * picture that they may drop: then they may be run over marks without pictures, and only what
     * they choose is decoded. NULL: no. */
    bool (*marks_only)(const void *priv);
    int (*picture)(void *state, struct wn_picture *picture, struct wn_frame_run *run);
    int (*flush)(void *state, struct wn_frame_run *run); /* no more pictures */
    void (*end)(void *state);
};

int wn_frame_emit(struct wn_frame_run *run, struct wn_picture *picture); /* takes the picture */

#endif
