/* SPDX-License-Identifier: MIT */
#include "tests/golden/chain.h"

/* The last row of each merged window, and the rows that stay themselves: patches of each image,
 * without CLS. */
static void check_rows(struct golden_case *c, const struct wn_rows *rows, int32_t n)
{
    int32_t *dst = golden_alloc(c, rows->n), *stays = golden_alloc(c, rows->n);
    float *size = golden_alloc(c, rows->n);
    int32_t n_dst = 0, n_stays = 0;

    for (int32_t r = 0; dst && stays && size && r < rows->n; r++) {
        const int32_t first = rows->w.ptr[r], end = rows->w.ptr[r + 1];
        size[r] = (float)(end - first);
        if (end - first > 1)
            dst[n_dst++] = rows->w.idx[end - 1] % n - 1;
        else if (rows->w.idx[first] % n > 0)
            stays[n_stays++] = rows->w.idx[first] % n - 1;
    }
    golden_expect_i32(c, "mid.dst_idx", dst, n_dst);
    golden_expect_i32(c, "mid.unmerged_idx", stays, n_stays);
    golden_expect_f32(c, "out.size", size, rows->n);
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.hidden", shape, NULL);
    const int32_t side = (int32_t)golden_int(c, "grid");
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, x, (int32_t)shape[0], side, side, true,
                                                          (int32_t)shape[2]);

    if (golden_run_chain(c, &rows, true, "mustdrop_spatial=threshold=%g:window=%d:order=paper",
                         golden_num(c, "threshold"), (int)golden_int(c, "window"))) {
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * rows->dim);
        check_rows(c, rows, (int32_t)shape[1]);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_mustdrop_spatial = {
    .name = "mustdrop_spatial",
    .runs_kernels = true,
    .run = run,
};
