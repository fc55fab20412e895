/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "compress/build.h"
#include "tests/golden/chain.h"

/* Cosines of every frame of `rows` with frame ref[f], as the filter has them; [n]. */
static float *cosines(struct golden_case *c, const struct wn_rows *rows, const int32_t *ref)
{
    struct wn_build b = {.rows = rows};
    float *y = wn_calloc((size_t)rows->n, sizeof(*y));
    int err = wn_plan_create(&b.plan);

    if (!y || err < 0)
        goto fail;
    b.in = (struct wn_view){
        .n = rows->n,
        .n_frames = rows->n_frames,
        .dim = rows->dim,
        .ptr = wn_plan_input(b.plan, "ptr", rows->frame_ptr, (int64_t)rows->n_frames + 1),
        .cell = wn_plan_input(b.plan, "cell", rows->cell, rows->n),
        .data = wn_plan_input(b.plan, "data", rows->data, (int64_t)rows->n * rows->dim),
    };
    wn_plan_output(b.plan, wn_build_pair_cos(&b, ref, 0, 1, -2), y);
    TRY(c->backend->run(c->backend, b.plan));
    wn_plan_destroy(&b.plan);
    return y;
fail:
    golden_fail(c, "cosines: %s", c->log->last_error);
    wn_plan_destroy(&b.plan);
    free(y);
    return NULL;
}

/* Frames first, first + step, ... against the one `lag` before each. */
static void check_cosines(struct golden_case *c, const char *name, const struct wn_rows *rows,
                          int32_t first, int32_t step, int32_t lag)
{
    const int32_t T = rows->n_frames, n = rows->n / T;
    int64_t shape[8] = {0};
    int32_t *ref = wn_calloc((size_t)T, sizeof(*ref));

    if (!golden_has_tensor(c, name) || !golden_f32(c, name, shape, NULL) || !ref) {
        free(ref);
        return;
    }
    for (int32_t t = 0; t < T; t++)
        ref[t] = t >= lag ? t - lag : WN_NONE;
    float *y = cosines(c, rows, ref), *out = wn_calloc((size_t)rows->n, sizeof(*out));
    int64_t k = 0;
    for (int32_t t = first; y && out && t < T && k < shape[0] * n; t += step) {
        for (int32_t j = 0; j < n; j++)
            out[k++] = y[t * n + j];
    }
    if (y && out)
        golden_expect_f32(c, name, out, k);
    free(out);
    free(y);
    free(ref);
}

static void check_counts(struct golden_case *c, const struct wn_rows *rows, int32_t n_frames,
                         int32_t n)
{
    int32_t *count = wn_calloc((size_t)n_frames, sizeof(*count));
    const int32_t *src = golden_sources(rows);

    for (int32_t i = 0; count && i < rows->n; i++)
        count[src[i] / n]++;
    if (count)
        golden_expect_i32(c, "out.kept_per_frame", count, n_frames);
    free(count);
}

static void run(struct golden_case *c)
{
    const char *ratio = golden_str(c, "merging_ratio");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const int32_t T = (int32_t)shape[0], n = (int32_t)shape[1];
    struct wn_rows *rows = x ? golden_rows(c, x, T, 1, n, false, (int32_t)shape[2]) : NULL;

    if (rows) {
        check_cosines(c, "mid.sim_pairs", rows, 1, 2, 1);
        check_cosines(c, "mid.sim_even_even", rows, 2, 4, 2);
    }
    if (golden_run_chain(c, &rows, false, "dycoke=ratio=%s:order=paper:compat=released", ratio)) {
        golden_expect_i32(c, "out.src_index", golden_sources(rows), rows->n);
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        check_counts(c, rows, T, n);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_dycoke_ttm = {
    .name = "dycoke_ttm",
    .runs_kernels = true,
    .run = run,
};
