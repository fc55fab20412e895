/* SPDX-License-Identifier: MIT */
/* Filters between the layers of a tower: the real encoder and the real filters, layer by layer. */
#ifndef WN_GOLDEN_REDUCED_H
#define WN_GOLDEN_REDUCED_H

#include "pipeline/compressor.h"
#include "tests/golden/tower.h"
#include "vision/vit_reduce.h"

struct golden_state { /* rows behind layer l - 1 */
    int32_t n, n_frames;
    int32_t *frame_ptr;
    int32_t *cell;
    float *data, *size;
    struct wn_sources w; /* over the tokens of all pictures; ptr NULL: the identity */
};

struct golden_tower_run {
    struct wn_vit *vit;
    struct wn_reducer *reducer;
    struct wn_chain *chain;
    struct golden_state *state;  /* [n_layers + 1] */
    struct golden_state *before; /* likewise, before a cut between layers; n 0 where is none */
    int32_t n_layers, n;        /* n: pictures */
    float *patches;             /* in.pixels */
    float *cls_attn;            /* [n][heads][tokens] of the last layer */
    bool failed;
};

/* Runs in.pixels through FILE with a chain of encoder filters; false: the case failed. Freed in any
 * case. */
bool golden_run_reduced(struct golden_case *c, struct golden_tower_run *run, const char *file,
                        const char *fmt, ...) WN_PRINTF(4, 5);
/* The same in two steps, a picture at a time through the same filters. */
bool golden_open_reduced(struct golden_case *c, struct golden_tower_run *run, const char *file,
                         const char *fmt, ...) WN_PRINTF(4, 5);
bool golden_run_picture(struct golden_case *c, struct golden_tower_run *run, int picture);
/* Where there is a cut between two layers, `state` becomes what was before it. */
void golden_states_before(struct golden_tower_run *run);
void golden_free_reduced(struct golden_tower_run *run);
/* out.PREFIXx<l> of layers [first, n_layers]. */
void golden_expect_states(struct golden_case *c, const struct golden_tower_run *run,
                          const char *prefix, int32_t first);
/* out.size<l> and out.group<l> of layers from 1 on: for each token the row that it is in, or -1. */
void golden_expect_groups_of(struct golden_case *c, const struct golden_tower_run *run);

#endif
