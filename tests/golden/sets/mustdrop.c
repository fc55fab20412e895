/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/golden/chain.h"
#include "tests/golden/heads.h"

/* ---- inside the language model ---- */

static void run_dual(struct golden_case *c)
{
    const struct wn_mustdrop p = {
        .image = (int32_t)golden_int(c, "v_start"),
        .n_image = (int32_t)golden_int(c, "img"),
        .text = (int32_t)golden_int(c, "text"),
        .global_thr = (float)golden_num(c, "global_thr"),
        .individual_thr = (float)golden_num(c, "individual_thr"),
    };
    int64_t shape[8] = {0};
    const float *attn = golden_f32(c, "in.attn_text_rows", shape, NULL);
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const struct wn_heads in = {
        wn_plan_input(b.plan, "attention", attn, shape[1] * shape[2] * shape[3]),
        (int32_t)shape[1], (int32_t)shape[3], 1,
    };
    const struct wn_picked kept = wn_mustdrop(&b, &p, in, WN_NONE);
    const int32_t *idx = golden_out(c, &b, kept.idx, p.n_image);
    const int32_t *ptr = golden_out(c, &b, kept.ptr, 2);
    if (golden_end(c, &b))
        golden_expect_i32(c, "out.keep", idx, ptr[1]);
}

/* ---- windows of the vision encoder's rows ---- */

/* The last row of each merged window, and the rows that stay themselves: patches, without CLS. */
static void check_rows(struct golden_case *c, const struct wn_rows *rows)
{
    int32_t *dst = golden_alloc(c, rows->n), *stays = golden_alloc(c, rows->n);
    float *size = golden_alloc(c, rows->n);
    int32_t n_dst = 0, n_stays = 0;

    for (int32_t r = 0; dst && stays && size && r < rows->n; r++) {
        const int32_t first = rows->w.ptr[r], end = rows->w.ptr[r + 1];
        size[r] = (float)(end - first);
        if (end - first > 1)
            dst[n_dst++] = rows->w.idx[end - 1] - 1;
        else if (rows->w.idx[first] > 0)
            stays[n_stays++] = rows->w.idx[first] - 1;
    }
    golden_expect_i32(c, "out.dst", dst, n_dst);
    golden_expect_i32(c, "out.unmerged", stays, n_stays);
    golden_expect_f32(c, "out.size", size, rows->n);
}

static void run_windows(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.x", shape, NULL);
    const int32_t side = (int32_t)lround(sqrt((double)shape[1] - 1));
    json_t *window = golden_meta(c, "window");
    const int width = (int)json_integer_value(json_array_get(window, 0));
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, x, 1, side, side, true,
                                                          (int32_t)shape[2]);

    if (golden_run_chain(c, &rows, true, "mustdrop_spatial=threshold=%g:window=%d:order=paper",
                         golden_num(c, "threshold"), width)) {
        golden_expect_f32(c, "out.x", rows->data, (int64_t)rows->n * rows->dim);
        check_rows(c, rows);
    }
    wn_rows_destroy(&rows);
    json_decref(window);
}

static void run(struct golden_case *c)
{
    if (golden_has_tensor(c, "in.x"))
        run_windows(c);
    else
        run_dual(c);
}

const struct golden_set golden_mustdrop = {
    .name = "mustdrop",
    .runs_kernels = true,
    .run = run,
};
