/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/chain.h"

/* The cluster of every row, and the row that is its center. */
static void check_clusters(struct golden_case *c, const struct wn_rows *rows, int64_t n,
                           int32_t clusters)
{
    int32_t *cluster = wn_calloc((size_t)n, sizeof(*cluster));
    int32_t *center = wn_calloc((size_t)rows->n, sizeof(*center));
    const int32_t each = (int32_t)n / rows->n_frames;

    for (int32_t r = 0; cluster && center && r < rows->n; r++) {
        center[r] = rows->w.idx[rows->w.ptr[r]] % each;
        for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++)
            cluster[rows->w.idx[k]] = r % clusters;
    }
    if (cluster && center) {
        golden_expect_i32(c, "out.cluster", cluster, n);
        golden_expect_i32(c, "mid.centers", center, rows->n);
    }
    free(cluster);
    free(center);
}

static void run(struct golden_case *c)
{
    const int k = (int)golden_int(c, "k"), clusters = (int)golden_int(c, "cluster_num");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const int32_t B = (int32_t)shape[0], n = (int32_t)shape[1];
    struct wn_rows *rows = x ? golden_rows(c, x, B, 1, n, false, (int32_t)shape[2]) : NULL;
    struct wn_rows *all = x ? golden_rows(c, x, B, 1, n, false, (int32_t)shape[2]) : NULL;

    if (golden_run_chain(c, &rows, false, "dpc=keep=%d:k=%d:order=paper", clusters, k)) {
        golden_expect_f32(c, "out.merged", rows->data, (int64_t)rows->n * rows->dim);
        check_clusters(c, rows, (int64_t)B * n, clusters);
    }
    /* When all stay, every row shows its score. */
    if (golden_run_chain(c, &all, false, "dpc=keep=%d:k=%d", n, k))
        golden_expect_f32(c, "mid.score", all->score, all->n);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_prunevid_dpc = {
    .name = "prunevid_dpc",
    .runs_kernels = true,
    .run = run,
};
