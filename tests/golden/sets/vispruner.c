/* SPDX-License-Identifier: MIT */
#include "tests/golden/chain.h"

struct cls_rows {
    const float *attn; /* [batch][heads][n] */
    int32_t n, heads;
};

static float value(const void *arg, int32_t row, int32_t column)
{
    const struct cls_rows *a = arg;

    return a->attn[((int64_t)(row / a->n) * a->heads + column) * a->n + row % a->n];
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0}, attn_shape[8] = {0};
    const float *x = golden_f32(c, "in.features", shape, NULL);
    const float *attn = golden_f32(c, "in.cls_attn", attn_shape, NULL);
    const struct cls_rows arg = {attn, (int32_t)shape[1], (int32_t)attn_shape[1]};
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, x, (int32_t)shape[0], 1, arg.n, false,
                                                          (int32_t)shape[2]);

    if (rows) /* the tensor is the last layer but one of some encoder */
        golden_set_attn(c, rows, 1, arg.heads, 22, 24, value, &arg);
    if (golden_run_chain(c, &rows, false, "vispruner=keep=%d:important=%g",
                         (int)golden_int(c, "visual_token_num"),
                         golden_num(c, "important_ratio")))
        golden_expect_i32(c, "out.idx", rows->cell, rows->n);
    wn_rows_destroy(&rows);
}

const struct golden_set golden_vispruner = {
    .name = "vispruner",
    .runs_kernels = true,
    .run = run,
};
