/* SPDX-License-Identifier: MIT */
/* Inside of a source: source.c runs it, source_open.c sets it up. */
#ifndef WN_SOURCE_H
#define WN_SOURCE_H

#include "session.h"
#include "source_cache.h"

struct wn_source {
    struct wn_session *s;
    char *url;
    struct wn_source_params p;
    struct wn_decoder *decoder;
    struct wn_chain *chain;
    struct wn_clip clip;      /* what the chain was chosen by */
    struct wn_media media;
    struct wn_compressor *compressor;
    struct wn_budget *budget;
    bool whole;               /* no token filters: segments have all rows of the encoder */
    int64_t segment_cells;    /* per_segment and search: the budget of a prompt, with its floor */
    int32_t segment_floor;
    struct wn_needs needs;
    struct wn_stage *frames;  /* started by the first pull */
    bool scanning;            /* in wn_source_scenes(): the decoder alone tells of progress */
    bool pushed, budgeted;    /* budgeted: everything went through the budget */
    int failed;               /* the first error: returned from then on */
    bool scanned;             /* read through for its scenes: nothing is left to pull */

    struct wn_frame *batch[64];
    int n_batch;
    struct wn_frame *ahead;   /* belongs to the next segment */
    int32_t next_index;       /* of an encoded frame */
    struct wn_rows *rows;     /* of the segment being gathered */
    atomic_bool closing;      /* the decoder may leave off */
    bool ended;               /* the decoder has no more */
    double segment_end;       /* of the segment in rows, once it is whole */

    struct wn_segment **waiting; /* with a budget: until it is settled; else at most one */
    int n_waiting, next_waiting;
    bool kept;                /* by ask: waiting holds the whole source */
    bool given;               /* a segment was pulled */

    struct wn_source_cache cache;
    int64_t frames_told;      /* of stats.frames, those of finished segments */

    struct wn_cue *cues;
    int n_cues;
    struct wn_stats stats;
    double opened;
    int32_t last_scene;
};

/* What scores the rows of a search where the chain does not: the best ones stay when fewer fit. */
#define WN_SEARCH_SCORES "vtc_cls=keep=1000000"

void wn_source_drop_batch(struct wn_source *src);
/* Makes one more segment wait: WN_OK, WN_AGAIN, WN_EOF or an error. */
int wn_source_make_segment(struct wn_source *src);
/* Fails with a sentence where tokens cannot be had. */
int wn_source_need_model(struct wn_source *src);
/* Reads the source's subtitles, where the session asks for them. */
int wn_source_read_cues(struct wn_source *src);
/* KV cells around the rows of a frame, its label too; arg is a source. */
int64_t wn_source_frame_cells(void *arg, const struct wn_row_frame *frame);
/* The budget stage, which counts frame labels and the glue tokens of this source's frames. */
int wn_source_make_budget(struct wn_source *src, struct wn_budget **out, int64_t cells,
                          int32_t least);

#endif
