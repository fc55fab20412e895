/* SPDX-License-Identifier: MIT */
/* Candidates for a choice among all frames of a run of unknown length, in bounded memory: of n
 * frames every one, every second, every fourth, ... is held with its descriptor, so that there are
 * at most `most`, or as many as 256 MiB hold (at least 8). */
#ifndef WN_DECODE_CHOOSE_H
#define WN_DECODE_CHOOSE_H

#include "frame_filter.h"
#include "thumb.h"

struct wn_choose {
    struct wn_converter convert;
    struct wn_picture **picture; /* [n] */
    float *x;                    /* [n][WN_THUMB_DIM], see wn_thumb_describe() */
    int32_t *list;               /* [room] for a rule to fill in */
    int n, room, most;
    int64_t seen, stride;
    struct wn_log *log;
};

int wn_choose_begin(struct wn_choose *c, int most, struct wn_log *log);
void wn_choose_end(struct wn_choose *c);
int wn_choose_add(struct wn_choose *c, struct wn_picture *picture); /* takes it */
/* Passes on the candidates in c->list [count], ascending, and frees the rest; then c is empty.
 * count below 0 is an error that a rule gave, WN_ERR_NOMEM. */
int wn_choose_emit(struct wn_choose *c, int32_t count, struct wn_frame_run *run);

/* The same as the state of a filter that has nothing but its options beside it. */
struct wn_choose_state {
    struct wn_choose c;
    const void *options;
};
int wn_choose_picture(void *state, struct wn_picture *picture, struct wn_frame_run *run);
void wn_choose_finish(void *state);
/* Its begin() sets the options and calls wn_choose_begin(). */
#define WN_CHOOSE_OPS                                                                              \
    {                                                                                              \
        .state_size = sizeof(struct wn_choose_state), .begin = begin,                              \
        .picture = wn_choose_picture, .flush = flush, .end = wn_choose_finish,                     \
    }

/* What the help of these filters says of their embeddings. */
#define WN_CHOOSE_OPTION_OF(type, field, def)                                                      \
    {                                                                                              \
        "of", "candidates held at most, evenly over the time; fewer where they exceed 256 MiB",    \
            offsetof(type, field), AV_OPT_TYPE_INT, {.i64 = def}, 8, 4096, 0, NULL                 \
    }

#endif
