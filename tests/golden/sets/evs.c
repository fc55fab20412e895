/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/chain.h"

struct media {
    int32_t T, h, w; /* frames, and the grid after the encoder merged patches */
};

static struct wn_rows *video(struct golden_case *c, const struct media *m)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);

    if (x && shape[0] != (int64_t)m->T * m->h * m->w)
        golden_fail(c, "in.tokens does not have T frames of the grid");
    return c->failed ? NULL : golden_rows(c, x, m->T, m->h, m->w, false, (int32_t)shape[1]);
}

static void check_mask(struct golden_case *c, const struct wn_rows *rows, int32_t n)
{
    int32_t *mask = wn_calloc((size_t)n, sizeof(*mask));
    const int32_t *src = golden_sources(rows);

    for (int32_t i = 0; mask && src && i < rows->n; i++)
        mask[src[i]] = 1;
    if (mask)
        golden_expect_i32(c, "out.mask", mask, n);
    golden_expect_i32(c, "out.count", &rows->n, 1);
    free(mask);
}

/* Positions of all rows before any goes: time, row, column, and the width for what follows. */
static void check_mrope(struct golden_case *c, const struct media *m)
{
    const double step = golden_num(c, "tokens_per_second") * golden_num(c, "video_second_per_grid");
    const int32_t n = m->T * m->h * m->w;
    int32_t *pos = wn_calloc((size_t)n, 4 * sizeof(*pos));

    for (int32_t i = 0; pos && i < n; i++) {
        pos[4 * i] = (int32_t)(i / (m->h * m->w) * step);
        pos[4 * i + 1] = i / m->w % m->h;
        pos[4 * i + 2] = i % m->w;
        pos[4 * i + 3] = m->w;
    }
    if (pos)
        golden_expect_i32(c, "out.mrope", pos, (int64_t)4 * n);
    free(pos);
}

static void run(struct golden_case *c)
{
    const int merge = (int)golden_int(c, "spatial_merge_size");
    const char *q = golden_str(c, "q");
    const struct media m = {
        .T = (int32_t)golden_int(c, "T"),
        .h = (int32_t)golden_int(c, "H") / WN_MAX(merge, 1),
        .w = (int32_t)golden_int(c, "W") / WN_MAX(merge, 1),
    };
    struct wn_rows *rows = video(c, &m), *all = video(c, &m);

    if (golden_run_chain(c, &rows, false, "evs=q=%s", q))
        check_mask(c, rows, m.T * m.h * m.w);
    /* When all stay, every row shows its score. */
    if (golden_run_chain(c, &all, false, "evs=q=0"))
        golden_expect_f32(c, "mid.dissimilarity", all->score, all->n);
    if (!c->failed)
        check_mrope(c, &m);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_evs = {
    .name = "evs",
    .runs_kernels = true,
    .run = run,
};
