/* SPDX-License-Identifier: MIT */
#include "tests/golden/chain.h"

struct cls_rows {
    const float *attn; /* [layers][heads][1 + n] */
    int32_t n;
};

static float value(const void *arg, int32_t row, int32_t column)
{
    const struct cls_rows *a = arg;

    return a->attn[(int64_t)column * (a->n + 1) + 1 + row];
}

static struct wn_rows *patches(struct golden_case *c, int64_t *n)
{
    int64_t shape[8], attn_shape[8];
    const float *hidden = golden_f32(c, "in.hidden", shape, NULL);
    const struct cls_rows arg = {golden_f32(c, "in.cls_attn", attn_shape, NULL),
                                 (int32_t)shape[0] - 1};
    const int32_t layers = (int32_t)attn_shape[0];

    if (c->failed)
        return NULL;
    *n = arg.n;
    struct wn_rows *rows = golden_rows(c, hidden + shape[1], 1, 1, arg.n, false,
                                       (int32_t)shape[1]);
    if (rows)
        golden_set_attn(c, rows, layers, (int32_t)attn_shape[1], layers - 1, layers, value, &arg);
    return rows;
}

static void run(struct golden_case *c)
{
    const int layer = (int)golden_int(c, "start_layer"), keep = (int)golden_int(c, "token_num");
    int64_t n = 0;
    struct wn_rows *rows = patches(c, &n), *all = patches(c, &n);

    if (golden_run_chain(c, &rows, false, "vtc_cls=keep=%d:layer=%d", keep, layer)) {
        golden_expect_i32(c, "out.idx", golden_sources(rows), rows->n);
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * rows->dim);
    }
    /* When all stay, every row shows its score. */
    if (golden_run_chain(c, &all, false, "vtc_cls=keep=%lld:layer=%d", (long long)n, layer))
        golden_expect_f32(c, "out.score", all->score, all->n);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_vtc_cls = {
    .name = "vtc_cls",
    .runs_kernels = true,
    .run = run,
};
