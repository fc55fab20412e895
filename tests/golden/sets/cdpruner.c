/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "compress/build.h"
#include "tests/golden/chain.h"

static double cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0;

    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* What a text tower would give each row: the mean over text segments of the negated cosine. */
static float *text_scores(struct golden_case *c, int64_t n)
{
    int64_t image_shape[8] = {0}, text_shape[8] = {0};
    const float *image = golden_f32(c, "in.image_embeds", image_shape, NULL);
    const float *text = golden_f32(c, "in.text_embeds", text_shape, NULL);
    const int64_t dim = image_shape[2];
    float *score = image && text ? wn_calloc((size_t)n, sizeof(*score)) : NULL;

    for (int64_t i = 0; score && i < n; i++) {
        double sum = 0;
        for (int64_t t = 0; t < text_shape[0]; t++)
            sum -= cosine(image + i * dim, text + t * dim, dim);
        score[i] = (float)(sum / (double)text_shape[0]);
    }
    return score;
}

/* The filter's own step from scores to relevance. */
static void check_relevance(struct golden_case *c, const float *score, int32_t n)
{
    const struct wn_stretch_params p = {.n = n, .n_frames = 1, .offset = 1e-6f};
    const int32_t ptr[2] = {0, n};
    float *y = wn_calloc((size_t)n, sizeof(*y));
    struct wn_plan *plan = NULL;
    int err;

    TRY(wn_plan_create(&plan));
    const wn_buf out = wn_plan_temp(plan, "relevance", n);
    wn_plan_call(plan, &wn_kernel_stretch, &p,
                 (const wn_buf[]){wn_plan_input(plan, "score", score, n),
                                  wn_plan_input(plan, "ptr", ptr, 2), out});
    wn_plan_output(plan, out, y);
    TRY(c->backend->run(c->backend, plan));
    golden_expect_f32(c, "mid.relevance", y, n);
fail:
    if (err < 0)
        golden_fail(c, "relevance: %s", c->log->last_error);
    wn_plan_destroy(&plan);
    free(y);
}

static void check(struct golden_case *c, const char *order, const char *name)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.features", shape, NULL);
    const int keep = (int)golden_int(c, "visual_token_num");
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)shape[0], 1, (int32_t)shape[1], false,
                                           (int32_t)shape[2]) : NULL;

    if (!rows)
        return;
    rows->score = text_scores(c, rows->n);
    if (rows->score)
        check_relevance(c, rows->score, rows->n);
    if (golden_run_chain(c, &rows, false, "cdpruner=keep=%d:relevance=score:order=%s", keep,
                         order))
        golden_expect_i32(c, name, rows->cell, rows->n);
    wn_rows_destroy(&rows);
}

static void run(struct golden_case *c)
{
    check(c, "spatial", "out.idx");
    check(c, "paper", "out.order");
}

const struct golden_set golden_cdpruner = {
    .name = "cdpruner",
    .runs_kernels = true,
    .run = run,
};
