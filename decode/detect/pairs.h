/* SPDX-License-Identifier: MIT */
/* Samples of a row that lie at given columns, each with the one behind it. */
#ifndef WN_DETECT_PAIRS_H
#define WN_DETECT_PAIRS_H

#include "pipeline/util.h"

struct wn_pairs { /* zero to begin with */
    int n, room;        /* columns; room for them, a multiple of 8 */
    int32_t *column;    /* [n] */
    int loads;          /* of 16 samples for each 8 columns; 0: one by one */
    int32_t *from;      /* [room / 8][loads] where each load begins */
    uint8_t *mask;      /* [room / 8][loads][16] which of its samples go where */
};

/* column [n] rising, each below width - 1. */
int wn_pairs_begin(struct wn_pairs *pairs, const int32_t *column, int n, int32_t width);
void wn_pairs_finish(struct wn_pairs *pairs);
/* The first sample of a pair in the low byte. pair [room] */
void wn_pairs_take(const struct wn_pairs *pairs, const uint8_t *row, uint16_t *pair);

#endif
