/* SPDX-License-Identifier: MIT */
/* Between staged.c, which reads every frame and keeps the list, and staged_some.c, which reads
 * some. */
#ifndef WN_STAGED_STATE_H
#define WN_STAGED_STATE_H

#include "detect/joins.h"
#include "parallel.h"
#include "staged.h"

enum wn_staged_kind {
    WN_STAGED_SEEN,
    WN_STAGED_HELD,  /* not decoded, and taken to be like a picture beside it */
    WN_STAGED_MIXED, /* not decoded, and taken to be on the way from one to the other */
};

#define WN_TRAIL 32

struct wn_trail { /* what a lane has seen of its GOP last */
    int64_t gop;
    struct wn_thumb thumb[WN_TRAIL];
    int64_t frame[WN_TRAIL];
    int n, at;
};

struct staged {
    struct wn_staged *out;
    const struct wn_packets *x;
    struct wn_input *input;
    struct wn_log *log;
    struct wn_converter *convert; /* [n_lanes] */
    int n_lanes;
    struct wn_gop_finding *found; /* [n_gops] */
    double *ahead;                /* [n_gops] */
    struct wn_thumb *key_thumb;   /* [n_gops]; NULL: too many to keep */
    const uint32_t *key;          /* [n_gops] frames */
    struct wn_trail *trail;       /* [n_lanes] */
    uint32_t *calm;               /* [n_gops] frame from which all are like the next key frame */
    int room;
    int (*on_progress)(void *opaque, double done);
    void *opaque;

    struct wn_thumb *thumb;       /* [ROOM] of consecutive frames */
    struct wn_join *join;
    enum wn_staged_kind *kind;    /* [ROOM] of them */
    double *time;                 /* [ROOM] */
    int64_t first, n, settled;    /* number of thumb[0]; joins before `settled` were taken */
};

int wn_staged_cut(struct staged *s, int64_t frame, double time, double score);
int wn_staged_report(struct staged *s, double done);
/* The next picture; a gap in the numbers ends a run. */
int wn_staged_put(struct staged *s, const struct wn_thumb *thumb, int64_t frame, double time);
int wn_staged_end_run(struct staged *s);
/* Frames up to this one were left out. */
int wn_staged_leave(struct staged *s, int64_t frame);
/* All that were not seen become what they may have been. */
void wn_staged_fill(struct wn_thumb *thumb, enum wn_staged_kind *kind, int64_t n);
/* WN_AGAIN: every frame must be read after all. key [n_gops] is filled. */
int wn_staged_some(struct staged *s, uint32_t *key);

#endif
