/* SPDX-License-Identifier: MIT */
/* One segment's plan: the whole chain of token filters, and what becomes of its rows. */
#ifndef WN_SEGMENT_PLAN_H
#define WN_SEGMENT_PLAN_H

#include "build.h"

struct wn_segment_plan;

/* rows are borrowed: they must live, unchanged, until finish or destroy. */
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

/* For tests: `gpu` stands in for a device that was found; taken. */
void wn_compressor_use(struct wn_compressor *compressor, struct wn_backend *gpu);

#endif
