/* SPDX-License-Identifier: MIT */
/* Gaps of rows with runs of rows of their segment: what density, apart and assign share. */
#ifndef WN_GAPS_H
#define WN_GAPS_H

#include "blocks.h"
#include "kernels.h"

enum { WN_GAP_ROWS = 32, WN_GAP_RUN = 256 };

/* Rows [first, end) of one segment, which begins at `begin` and has m rows, met with a run of
 * its rows: `visit` gets the gaps of row i with rows begin + j, begin + j + 1, ... of n. The rows
 * come one after the other, each run for all of them before the next run. */
struct wn_gap_job {
    const float *s, *square; /* s: a strip, from row `base` on */
    int32_t width, base;
    float scale;
    void (*visit)(void *arg, int32_t i, int32_t j, const float *gap, int32_t n);
};
void wn_each_gap(const struct wn_gap_job *job, int32_t begin, int32_t m, int32_t first, int32_t end,
                 void *arg);

/* wn_each_gap() over rows base + first .. base + end - 1, which may be of several segments,
 * WN_GAP_ROWS at most at a time; start() comes before and finish() after each such piece. */
struct wn_gap_range {
    struct wn_gap_job job;
    const int32_t *ptr;
    int32_t n_segments;
    void (*start)(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end);
    void (*finish)(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end);
};
void wn_gaps_of_range(const struct wn_gap_range *range, int64_t first, int64_t end, void *arg);

#endif
