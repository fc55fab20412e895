/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/chain.h"

static struct wn_rows *video(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);

    return x ? golden_rows(c, x, (int32_t)shape[0], 1, (int32_t)shape[1], false, (int32_t)shape[2])
             : NULL;
}

static void run(struct golden_case *c)
{
    const int chunk = (int)golden_int(c, "window"), most = (int)golden_int(c, "max_visual_len");
    const char *threshold = golden_str(c, "drop_threshold");
    struct wn_rows *rows = video(c), *all = video(c);
    int64_t shape[8] = {0};

    golden_i32(c, "out.chunk_lengths", shape, NULL);
    if (golden_run_chain(c, &rows, false, "longvu=threshold=%s:chunk=%d:most=%d", threshold, chunk,
                         most)) {
        golden_expect_i32(c, "out.src_index", golden_sources(rows), rows->n);
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
    }
    int32_t *length = wn_calloc((size_t)shape[0], sizeof(*length));
    if (length &&
        golden_run_chain(c, &all, false, "longvu=threshold=%s:chunk=%d", threshold, chunk)) {
        for (int32_t t = 0; t < all->n_frames; t++)
            length[all->frames[t].index / chunk] += all->frame_ptr[t + 1] - all->frame_ptr[t];
        golden_expect_i32(c, "out.chunk_lengths", length, shape[0]);
    }
    free(length);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_longvu_stc = {
    .name = "longvu_stc",
    .runs_kernels = true,
    .run = run,
};
