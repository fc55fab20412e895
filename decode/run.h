/* SPDX-License-Identifier: MIT */
/* A chain of frame filters at work. */
#ifndef WN_DECODE_RUN_H
#define WN_DECODE_RUN_H

#include "frame_filter.h"

struct wn_frame_run {
    const struct wn_frame_ops *ops;
    void *state;
    struct wn_frame_run *next;
};

struct wn_run; /* none: every picture is kept */

int wn_run_create(struct wn_run **out, struct wn_instance *const *filters, int n,
                  const struct wn_index *index);
void wn_run_destroy(struct wn_run **run);
bool wn_run_needs_end(struct wn_instance *const *filters, int n);
void wn_run_plan(const struct wn_run *run, struct wn_wanted *wanted);
/* The first `n` filters have done their part: pictures go to the one behind them. */
void wn_run_skip(struct wn_run *run, int n);
int wn_run_put(struct wn_run *run, struct wn_picture *picture); /* takes it */
int wn_run_flush(struct wn_run *run);
struct wn_picture *wn_run_take(struct wn_run *run);             /* NULL: none is ready */
int64_t wn_run_ready_bytes(const struct wn_run *run);

#endif
