/* SPDX-License-Identifier: MIT */
/* Pictures spread over a run of unknown length, in bounded memory: at most 256 MiB of them, so that
 * of very many large ones fewer come than were asked for, and a warning says so. The run is cut
 * into equal stretches of 1, 2, 4, ... pictures, one picture kept for each: its first, or its best.
 * When there are more than `most`, neighbours are joined. So a picture stands at most one stretch,
 * that is 2 / most of the run, from the place that was wanted. */
#ifndef WN_DECODE_THIN_H
#define WN_DECODE_THIN_H

#include "frame_filter.h"

struct wn_thin_item {
    struct wn_picture *picture;
    int64_t at;    /* how many came before it */
    double score;
};

struct wn_thin {
    struct wn_thin_item *item;
    int n, most;
    int least, room;
    int64_t stretch, seen;
    struct wn_log *log;
};

/* For choosing `n` pictures: holds 2 n, or up to 16 where they are small. */
int wn_thin_begin(struct wn_thin *thin, int n, struct wn_log *log);
void wn_thin_end(struct wn_thin *thin);
/* Takes the picture. Higher scores win; equal ones keep the earlier, so a score of 0 throughout
 * keeps each stretch's first. */
void wn_thin_add(struct wn_thin *thin, struct wn_picture *picture, double score);
/* Emits n pictures: those at the middles of n equal parts of the run, or (best) the highest score
 * of each part. Ready for the next run then. */
int wn_thin_choose(struct wn_thin *thin, int n, bool best, struct wn_frame_run *run);

#endif
