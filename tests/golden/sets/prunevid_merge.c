/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/chain.h"

/* Rows made of one place in several frames, and others, of the frames from `first` on. A window's
 * still rows have sources in its other frames, too. */
static void count_rows(const struct wn_rows *rows, int32_t each, const int32_t *window,
                       int32_t windows, int32_t *still, int32_t *moving)
{
    for (int32_t r = 0; r < rows->n; r++) {
        const int32_t from = rows->w.ptr[r], to = rows->w.ptr[r + 1];
        const int32_t t = rows->w.idx[from] / each;
        int32_t w = 0, first = 0;
        bool across = false;
        for (int32_t k = from; k < to; k++)
            across |= rows->w.idx[k] / each != t;
        while (w + 1 < windows && first + window[w] <= t)
            first += window[w++];
        (across ? still : moving)[w]++;
    }
}

/* out.dynamic_sizes counts the rows of all frames of a window together. */
static void check_counts(struct golden_case *c, const struct wn_rows *rows, int32_t each)
{
    int64_t shape[8] = {0};
    const int32_t *window = golden_i32(c, "out.window_sizes", shape, NULL);
    const int32_t n = (int32_t)shape[0];
    int32_t *still = wn_calloc((size_t)n, sizeof(*still));
    int32_t *moving = wn_calloc((size_t)n, sizeof(*moving));

    if (window && still && moving) {
        count_rows(rows, each, window, n, still, moving);
        golden_expect_i32(c, "out.static_sizes", still, n);
        golden_expect_i32(c, "out.dynamic_sizes", moving, n);
        golden_expect_i32(c, "out.window_sizes", window, n); /* the counts above depend on it */
    }
    free(still);
    free(moving);
}

static void run(struct golden_case *c)
{
    const int32_t h = (int32_t)golden_int(c, "H"), w = (int32_t)golden_int(c, "W");
    const int32_t T = (int32_t)golden_int(c, "num_frames");
    const char *tau = golden_str(c, "tau"), *segments = golden_str(c, "temporal_segment_ratio");
    const char *keep = golden_str(c, "cluster_ratio");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    struct wn_rows *rows = x ? golden_rows(c, x, T, h, w, false, (int32_t)shape[1]) : NULL;

    if (golden_run_chain(c, &rows, false, "prunevid=keep=%s:segments=%s:tau=%s:k=%d:order=paper",
                         keep, segments, tau, (int)golden_int(c, "k"))) {
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        check_counts(c, rows, h * w);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_prunevid_merge = {
    .name = "prunevid_merge",
    .runs_kernels = true,
    .run = run,
};
