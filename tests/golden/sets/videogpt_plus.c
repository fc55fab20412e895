/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "tests/golden/chain.h"

/* Frames of a tensor pooled to h x w, each with a square grid of `each` rows. */
static struct wn_rows *pooled(struct golden_case *c, const char *name, int32_t each, int h, int w)
{
    int64_t s[8] = {0};
    const float *x = golden_f32(c, name, s, NULL);
    const int32_t frames = (int32_t)(s[0] * s[1] / each), side = (int32_t)lround(sqrt(each));
    struct wn_rows *rows = x ? golden_rows(c, x, frames, side, side, false, (int32_t)s[2]) : NULL;

    golden_run_chain(c, &rows, false, "pool=rows=%d:columns=%d", h, w);
    return rows;
}

static void pool(struct golden_case *c)
{
    const char *shape = golden_str(c, "shape");
    int64_t s[8] = {0};
    int h = 0, w = 0;

    golden_f32(c, "in.tokens", s, NULL);
    if (!shape || sscanf(shape, "(%d, %d)", &h, &w) < 2) {
        golden_fail(c, "no shape");
        return;
    }
    struct wn_rows *rows = pooled(c, "in.tokens", (int32_t)s[1], h, w);
    if (rows)
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
    wn_rows_destroy(&rows);
}

/* Four video frames make a chunk; all context frames stand before them. */
static void project(struct golden_case *c)
{
    int64_t s[8] = {0}, v[8] = {0};

    golden_f32(c, "in.context", s, NULL);
    golden_f32(c, "in.video", v, NULL);
    struct wn_rows *rows = pooled(c, "in.context", (int32_t)s[1], 12, 12);
    struct wn_rows *video = pooled(c, "in.video", (int32_t)v[1] / 4, 8, 8);
    const int64_t all = rows && video ? rows->n + video->n : 0;
    float *y = golden_alloc(c, all * s[2]);

    for (int64_t i = 0; y && i < all * s[2]; i++)
        y[i] = i < rows->n * s[2] ? rows->data[i] : video->data[i - rows->n * s[2]];
    if (y)
        golden_expect_f32(c, "out.tokens", y, all * s[2]);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&video);
}

static void run(struct golden_case *c)
{
    if (golden_has_tensor(c, "in.video"))
        project(c);
    else
        pool(c);
}

const struct golden_set golden_videogpt_plus = {
    .name = "videogpt_plus",
    .runs_kernels = true,
    .run = run,
};
