/* SPDX-License-Identifier: MIT */
/* A run of the tower with filters between its layers, inside: what vit_reduce.c and
 * vit_reduce_rows.c share. */
#ifndef WN_VIT_REDUCTION_H
#define WN_VIT_REDUCTION_H

#include "vit_reduce.h"

struct wn_vit_sequence { /* pictures that were joined */
    int32_t tile0, tiles;
};

struct wn_vit_reduction {
    struct wn_vit *vit;
    const struct wn_vit_info *m;
    const struct wn_vit_reduce *of;
    const struct wn_vit_tap *tap;
    int n_taps, n;
    struct wn_rows *rows;     /* frames[f].index: which sequence */
    struct wn_vit_sequence *seq;     /* [n] */
    int32_t at, depth, last;  /* points; depth: where rows are projected */
    float *keys, *attn;       /* of the last layer, by token: [n][n_tokens][...]; NULL: not read */
    float *mutual;            /* of the last layer, by row, with `width` columns */
    int32_t width;
};

struct wn_vit_token { /* a cell of a sequence */
    int32_t tile, token; /* token 0 is CLS where there is one */
};

struct wn_vit_token wn_vit_token_of(const struct wn_vit_reduction *r, int32_t frame, int32_t cell);
/* The rows that enter the first layer. */
int wn_vit_reduction_begin(struct wn_vit_reduction *r, const float *patches);
/* So many neighbouring sequences become one. */
int wn_vit_reduction_join(struct wn_vit_reduction *r, int32_t frames);
/* Projected rows, and where they stand. */
int wn_vit_reduction_leave(struct wn_vit_reduction *r, struct wn_vit_left *left);

#endif
