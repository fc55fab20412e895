/* SPDX-License-Identifier: MIT */
/* Bipartite soft matching: of the rows of a frame every so manyth is a target, every other one has
 * its most similar target, and the most similar ones of these join theirs. */
#ifndef WN_MATCH_H
#define WN_MATCH_H

#include "build.h"

struct wn_match {
    /* Set by the caller. */
    wn_buf unit;         /* f32 [n][dim], unit rows that tell what is similar */
    int32_t dim;
    int32_t every;       /* the last of so many rows is a target: 2 */
    wn_buf special;      /* as of wn_build_special() */
    int32_t n_special;   /* of a frame, at most */
    const int32_t *stay; /* [n + 1] how many of m rows stay, not below wn_match_least(); copied */
    bool paper, by_value; /* order of what stays: special rows, then those that could have joined
                           * one, by_value the most similar first, then targets; else as it was */
    /* Set by wn_build_match(). */
    wn_buf to;           /* i32 [n] the target that a row joins, or WN_NONE */
    struct wn_list list;
};

/* Rows of a layout that stand for no patch and never join another: CLS, newlines. */
bool wn_is_special(const struct wn_layout *layout, int32_t cell);
int32_t wn_count_special(const struct wn_layout *layout);
/* i32 [n] flags of such rows; WN_NONE: there are none. *most: how many a frame has at most. */
wn_buf wn_build_special(struct wn_build *b, int32_t *most);

/* Of m rows with `special` among them, how few a matching leaves. */
int32_t wn_match_least(int32_t m, int32_t special, int32_t every);
void wn_build_match(struct wn_build *b, struct wn_match *m);

/* Matchings one after the other, each of what the last one left, until a frame with start[i] rows
 * has aim[i] left, or no fewer are possible. */
struct wn_rounds {
    int32_t n, special, every; /* n: of the lists below */
    int32_t *now;              /* starts as `start`, borrowed */
    const int32_t *aim;
    int32_t *stay; /* [most + 1] of the next round, by how many rows a frame has */
    int32_t most;  /* in `now` */
};
/* Sets stay and moves `now` on; false: nothing is left to do. */
bool wn_rounds_next(struct wn_rounds *r);

/* Of r rows that join in each of n_layers, how many in this one: inflect 0: r, 1: from none to
 * twice as many, -1: the other way round. */
int32_t wn_match_schedule(int32_t r, double inflect, int32_t layer, int32_t n_layers);

/* Pairs of counts in an option, like 8/2+9/3; allocated. False: not such a text, or no memory. */
bool wn_read_pairs(const char *text, int32_t (**pairs)[2], int32_t *n);

#endif
