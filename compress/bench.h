/* SPDX-License-Identifier: MIT */
/* What the files of the bench share. */
#ifndef WN_BENCH_H
#define WN_BENCH_H

#include "segment_plan.h"

struct wn_bench_rig {
    struct wn_pool *pool;
    struct wn_log *log;
    struct wn_backend *cpu;
    struct wn_backend *gpu; /* NULL: none */
    struct wn_log quiet;    /* of a GPU that nobody named: its absence is not worth a message */
};

/* Frames [first, end) of a film of `shape`, with the taps in `needs`. The same rows every time:
 * places stay alike for some frames, then the scene changes. NULL when out of memory. */
struct wn_rows *wn_bench_rows(const struct wn_bench_params *shape, const struct wn_needs *needs,
                              int32_t first, int32_t end);
/* An encoder of the shape of CLIP-L, as LLaVA reads it. */
struct wn_encoder_info wn_bench_encoder(const struct wn_bench_params *shape);

/* Median and range; sorts s. */
struct wn_bench_time wn_bench_time_of(double *s, int n);

#endif
