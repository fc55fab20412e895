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

/* Which of the longest rows are left, and how many in each frame. */
static void check_rows(struct golden_case *c, const struct wn_rows *all, const struct wn_rows *rows,
                       int32_t T, int32_t k)
{
    int32_t *top = wn_calloc((size_t)all->n, sizeof(*top));
    int32_t *keep = wn_calloc((size_t)all->n, sizeof(*keep));
    int32_t *count = wn_calloc((size_t)T, sizeof(*count));

    for (int32_t i = 0, r = 0; top && keep && count && i < all->n; i++) {
        top[i] = all->cell[i];
        keep[i] = r < rows->n && rows->w.idx[rows->w.ptr[r]] == all->w.idx[all->w.ptr[i]];
        count[i / k] += keep[i];
        r += keep[i];
    }
    if (top && keep && count) {
        golden_expect_i32(c, "out.topk_index", top, all->n);
        golden_expect_i32(c, "out.keep", keep, all->n);
        golden_expect_i32(c, "out.count_per_frame", count, T);
    }
    free(top);
    free(keep);
    free(count);
}

static void run(struct golden_case *c)
{
    const int k = (int)golden_int(c, "top_k");
    const char *threshold = golden_str(c, "similarity_threshold");
    const char *merge = golden_str(c, "merge_strategy");
    struct wn_rows *rows = video(c), *all = video(c);
    const int32_t T = rows ? rows->n_frames : 0;

    /* Nothing is so much alike: all of the longest stay. */
    if (golden_run_chain(c, &all, false, "dcode=keep=%d:threshold=2:order=paper", k) &&
        golden_run_chain(c, &rows, false,
                         "dcode=keep=%d:threshold=%s:merge=%s:order=paper:compat=released", k,
                         threshold, merge)) {
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        check_rows(c, all, rows, T, k);
    }
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_dcode_merge = {
    .name = "dcode_merge",
    .runs_kernels = true,
    .run = run,
};
