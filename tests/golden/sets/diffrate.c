/* SPDX-License-Identifier: MIT */
#include "tests/golden/chain.h"

struct cls_rows {
    const float *attn; /* [heads][n] */
    int32_t n;
};

static float value(const void *arg, int32_t row, int32_t column)
{
    const struct cls_rows *a = arg;

    return a->attn[(int64_t)column * a->n + row];
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0}, attn_shape[8] = {0};
    const float *x = golden_f32(c, "in.x", shape, NULL);
    const float *attn = golden_f32(c, "in.cls_attn_rows", attn_shape, NULL);
    const struct cls_rows arg = {attn, (int32_t)shape[1]};
    struct wn_rows *rows = x ? golden_rows(c, x, 1, 1, arg.n - 1, true, (int32_t)shape[2]) : NULL;

    if (rows && attn) { /* the tensor is the feature layer of some encoder */
        golden_set_attn(c, rows, 1, (int32_t)attn_shape[1], 22, 24, value, &arg);
        golden_set_size(c, rows, golden_f32(c, "in.size", NULL, NULL));
    }
    if (golden_run_chain(c, &rows, true,
                         "diffrate=keep=%d:prune=%d:order=paper:compat=released",
                         (int)golden_int(c, "merge_kept"), (int)golden_int(c, "prune_kept"))) {
        golden_expect_f32(c, "out.x", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
        golden_expect_groups(c, "out.group", rows, 1, arg.n);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_diffrate = {
    .name = "diffrate",
    .runs_kernels = true,
    .run = run,
};
