/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

struct cls_rows {
    const float *attn; /* [batch][heads][1 + n] */
    int32_t n, heads;
};

static float value(const void *arg, int32_t row, int32_t column)
{
    const struct cls_rows *a = arg;
    const int64_t image = row / a->n, patch = row % a->n;

    return a->attn[(image * a->heads + column) * (a->n + 1) + 1 + patch];
}

/* Without the CLS rows of `hidden`. */
static struct wn_rows *patches(struct golden_case *c, int32_t *n)
{
    int64_t shape[8] = {0}, attn_shape[8] = {0};
    const float *hidden = golden_f32(c, "in.hidden", shape, NULL);
    const float *attn = golden_f32(c, "in.cls_attn", attn_shape, NULL);
    const struct cls_rows arg = {attn, (int32_t)shape[1] - 1, (int32_t)attn_shape[1]};
    const size_t frame = (size_t)arg.n * (size_t)shape[2];
    float *data = c->failed ? NULL : wn_calloc((size_t)shape[0], frame * sizeof(*data));
    struct wn_rows *rows = NULL;

    *n = arg.n;
    for (int64_t b = 0; data && b < shape[0]; b++)
        memcpy(data + (size_t)b * frame, hidden + (b * shape[1] + 1) * shape[2],
               frame * sizeof(*data));
    if (data)
        rows = golden_rows(c, data, (int32_t)shape[0], 1, arg.n, false, (int32_t)shape[2]);
    if (rows) /* the tensor is the last layer but one of some encoder */
        golden_set_attn(c, rows, 1, arg.heads, 22, 24, value, &arg);
    free(data);
    return rows;
}

static void run(struct golden_case *c)
{
    const int keep = (int)golden_int(c, "visual_token_num");
    int32_t n = 0;
    struct wn_rows *rows = patches(c, &n), *all = patches(c, &n);

    if (golden_run_chain(c, &rows, false, "fastervlm=keep=%d", keep)) {
        golden_expect_i32(c, "out.idx", rows->cell, rows->n);
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * rows->dim);
    }
    /* When all stay, every row shows its score. */
    if (golden_run_chain(c, &all, false, "fastervlm=keep=%d", (int)n))
        golden_expect_f32(c, "out.score", all->score, all->n);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_fastervlm = {
    .name = "fastervlm",
    .runs_kernels = true,
    .run = run,
};
