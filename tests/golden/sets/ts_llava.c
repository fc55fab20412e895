/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/select/select.h"
#include "tests/golden/chain.h"

/* out.NAME_N_K: K of N. */
static void check_table(struct golden_case *c, const char *name, bool middles)
{
    int n, k;

    if (sscanf(name + (middles ? 8 : 10), "%d_%d", &n, &k) < 2) {
        golden_fail(c, "%s is no name of a table", name);
        return;
    }
    int32_t *list = wn_calloc((size_t)k, sizeof(*list));
    if (list && middles)
        wn_select_middles(n, k, list);
    else if (list)
        wn_select_linspace(n, k, list);
    if (list)
        golden_expect_i32(c, name, list, k);
    free(list);
}

static void check_tokens(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const int32_t T = (int32_t)golden_int(c, "num_frames");
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, x, T, 1, (int32_t)shape[0] / T, false,
                                                          (int32_t)shape[1]);

    if (golden_run_chain(c, &rows, false, "ts_llava=keep=%d",
                         (int)golden_int(c, "num_sampled_tokens"))) {
        golden_expect_i32(c, "out.token_index", golden_sources(rows), rows->n);
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
    }
    wn_rows_destroy(&rows);
}

static void check_thumbnail(struct golden_case *c)
{
    const int32_t k = (int32_t)golden_int(c, "thumbnail_frames");
    const int32_t side = (int32_t)golden_int(c, "final_hw");
    int32_t list[64], grid[2];
    int64_t shape[8] = {0};
    const float *in = golden_f32(c, "in.frames", shape, NULL);

    if (c->failed || k > 64)
        return;
    wn_select_linspace((int32_t)golden_int(c, "num_frames"), k, list);
    golden_expect_i32(c, "out.frame_index", list, k);
    wn_thumbnail_grid(k, &grid[0], &grid[1]);
    golden_expect_i32(c, "out.grid_rc", grid, 2);
    const int64_t n = shape[1] * (side / grid[0] * grid[0]) * (side / grid[1] * grid[1]);
    float *out = wn_calloc((size_t)n, sizeof(*out));
    if (out) {
        wn_thumbnail(in, (int32_t)shape[1], (int32_t)shape[2], (int32_t)shape[3], grid[0], grid[1],
                     side, out);
        golden_expect_f32(c, "out.thumbnail", out, n);
    }
    free(out);
}

static void run(struct golden_case *c)
{
    for (int i = 0; i < c->file->n && !c->failed; i++) {
        const char *name = c->file->tensor[i].name;
        if (!strncmp(name, "out.seq_", 8))
            check_table(c, name, true);
        if (!strncmp(name, "out.index_", 10))
            check_table(c, name, false);
    }
    if (golden_has_tensor(c, "in.tokens"))
        check_tokens(c);
    if (golden_has_tensor(c, "in.frames"))
        check_thumbnail(c);
}

const struct golden_set golden_ts_llava = {
    .name = "ts_llava",
    .runs_kernels = true,
    .run = run,
};
