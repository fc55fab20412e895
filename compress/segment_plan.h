/* SPDX-License-Identifier: MIT */
/* One segment's plan: the whole chain of token filters, and what becomes of its rows. */
#ifndef WN_SEGMENT_PLAN_H
#define WN_SEGMENT_PLAN_H

#include "build.h"

struct wn_segment_plan;

/* Filters one after the other: token filters, or those of one cut of the encoder. */
struct wn_stages {
    struct wn_instance *const *filter;
    const struct wn_cut *const *cut; /* [n] each one's own; NULL: the token place */
    int n;
    bool cls_row; /* rows at -1, -1 are those of CLS tokens */
    const struct wn_limits *limits; /* NULL: the usual ones */
};

/* rows are borrowed: they must live, unchanged, until finish or destroy. */
int wn_segment_plan_stages(struct wn_segment_plan **out, const struct wn_stages *stages,
                           const struct wn_rows *rows, struct wn_log *log);
/* Token filters. */
int wn_segment_plan_create(struct wn_segment_plan **out, struct wn_instance *const *filters, int n,
                           const struct wn_rows *rows, bool cls_row, struct wn_log *log);
void wn_segment_plan_destroy(struct wn_segment_plan **plan);
const struct wn_plan *wn_segment_plan_get(const struct wn_segment_plan *plan);
/* After a run: rows (those of create) become what the chain leaves of them, without taps and
 * without frames that lost all rows. Untouched on failure. */
int wn_segment_plan_finish(struct wn_segment_plan *plan, struct wn_rows *rows);

/* Rows that a filter can work on: finite, no number so large that a square overflows, cells inside
 * their layouts. One sentence otherwise. */
int wn_rows_check(const struct wn_rows *rows, struct wn_pool *pool, struct wn_log *log);
void wn_rows_drop_taps(struct wn_rows *rows);
/* Forgets frames without rows. */
void wn_rows_drop_frames(struct wn_rows *rows);

/* Runs a plan where the compressor runs its own; elements: of the rows' data. */
int wn_compressor_run_plan(struct wn_compressor *compressor, const struct wn_plan *plan,
                           int64_t elements);

/* For tests: `gpu` stands in for a device that was found; taken. */
void wn_compressor_use(struct wn_compressor *compressor, struct wn_backend *gpu);

#endif
