/* SPDX-License-Identifier: MIT */
/* The real filters, run on a case's tensors. */
#ifndef WN_GOLDEN_CHAIN_H
#define WN_GOLDEN_CHAIN_H

#include "pipeline/rows.h"
#include "tests/golden/golden.h"

/* n_frames frames of a grid_h x grid_w grid each, with a row for the CLS token first when `cls`;
 * data is [n_frames][rows of a frame][dim]. NULL: failed. */
struct wn_rows *golden_rows(struct golden_case *c, const float *data, int32_t n_frames,
                            int32_t grid_h, int32_t grid_w, bool cls, int32_t dim);
/* Taps of these rows: CLS attention of `layers` layers of an encoder with encoder_layers, the last
 * of them `last`; keys of layer `last` with one head. value(arg, row, column). */
void golden_set_attn(struct golden_case *c, struct wn_rows *rows, int32_t layers, int32_t heads,
                     int32_t last, int32_t encoder_layers,
                     float (*value)(const void *arg, int32_t row, int32_t column), const void *arg);
void golden_set_keys(struct golden_case *c, struct wn_rows *rows, const float *keys, int32_t dim,
                     int32_t last);
void golden_set_size(struct golden_case *c, struct wn_rows *rows, const float *size);
/* Runs a chain of token filters; *rows becomes its result. False: the case failed. */
bool golden_run_chain(struct golden_case *c, struct wn_rows **rows, bool cls_row, const char *fmt,
                      ...) WN_PRINTF(4, 5);
/* For each of n rows of each frame that came in: the row of its frame that it went into, or -1. */
void golden_expect_groups(struct golden_case *c, const char *name, const struct wn_rows *rows,
                          int32_t n_frames, int32_t n);
/* For kept rows: their numbers among the rows before, borrowed from rows. */
const int32_t *golden_sources(const struct wn_rows *rows);

#endif
