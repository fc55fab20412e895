/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

static float value(const void *arg, int32_t row, int32_t column)
{
    return ((const float *)arg)[row];
}

/* Frames of h x w places, with a newline after each row of them. */
static struct wn_rows *with_newlines(struct golden_case *c, const float *x, const float *newline,
                                     int32_t T, int32_t side, int32_t dim)
{
    const int32_t each = side * (side + 1);
    float *data = golden_alloc(c, (int64_t)T * each * dim);

    for (int32_t i = 0; data && i < T * each; i++) {
        const int32_t y = i / (side + 1), column = i % (side + 1);
        memcpy(data + (int64_t)i * dim,
               column < side ? x + ((int64_t)y * side + column) * dim : newline,
               (size_t)dim * sizeof(*data));
    }
    struct wn_rows *rows = data ? golden_rows(c, data, T, 1, each, false, dim) : NULL;
    struct wn_layout *layout = rows ? rows->frames[0].layout : NULL;
    if (layout) {
        layout->grid_h = layout->grid_w = side;
        for (int32_t i = 0; i < each; i++) {
            layout->pos[i][0] = i % (side + 1) < side ? i / (side + 1) : -1;
            layout->pos[i][1] = i % (side + 1) < side ? i % (side + 1) : -1;
        }
    }
    return rows;
}

/* Attention of rows with a place; the others have none. */
static float *attention(struct golden_case *c, const struct wn_rows *rows)
{
    const float *a = golden_f32(c, "in.attn", NULL, NULL);
    float *all = golden_alloc(c, rows->n);

    for (int32_t i = 0, k = 0; a && all && i < rows->n; i++) {
        if (rows->frames[0].layout->pos[rows->cell[i]][0] >= 0)
            all[i] = a[k++];
    }
    return all;
}

/* Windows end where a frame has no row that is made of two frames; their rows are counted. */
static void check_windows(struct golden_case *c, const struct wn_rows *rows, int32_t each)
{
    int64_t s[8] = {0};
    const int32_t *window = golden_i32(c, "out.windows", s, NULL);
    const int32_t n = (int32_t)s[0];
    int32_t *count = golden_alloc(c, n), *still = golden_alloc(c, n), *end = golden_alloc(c, 2 * n);
    int32_t *places = golden_alloc(c, (int64_t)n * each);

    for (int32_t i = 0, r = 0; window && count && still && end && places && i < n; i++) {
        end[2 * i] = rows->n;
        for (; r < rows->n && rows->w.idx[rows->w.ptr[r]] / each <= window[2 * i + 1]; r++) {
            count[i]++;
            for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++) {
                const int32_t t = rows->w.idx[k] / each;
                end[2 * i] = WN_MIN(end[2 * i], t);
                end[2 * i + 1] = WN_MAX(end[2 * i + 1], t);
                places[i * each + rows->w.idx[k] % each] |= rows->w.ptr[r + 1] - rows->w.ptr[r] > 1;
            }
        }
        for (int32_t k = 0; k < each; k++)
            still[i] += places[i * each + k];
    }
    golden_expect_i32(c, "out.windows", end, 2 * n);
    golden_expect_i32(c, "out.tokens_per_window", count, n);
    golden_expect_i32(c, "out.static_positions", still, n);
}

/* The cosines that decided, from a run where every frame stands by itself and nothing else does. */
static void check_saving(struct golden_case *c, int32_t T, int32_t each)
{
    int64_t s[8] = {0};
    const int32_t *window = golden_i32(c, "out.windows", s, NULL);
    int64_t shape[8] = {0};
    const int32_t *still = golden_i32(c, "out.static_positions", shape, NULL);
    float saved = 0;

    for (int64_t i = 0; window && still && i < s[0]; i++)
        saved += (float)((window[2 * i + 1] - window[2 * i]) * still[i]);
    const float all = (float)T * (float)each;
    const float share = (float)golden_num(c, "RETAIN_RATIO") / ((all - saved) / all);
    const float ratio = share < 1 ? share : 1;
    golden_expect_f32(c, "out.reduced", &saved, 1);
    golden_expect_f32(c, "out.retain_ratio", &ratio, 1);
}

static void run(struct golden_case *c)
{
    int64_t s[8] = {0};
    const float *x = golden_f32(c, "in.tokens", s, NULL);
    const float *newline = golden_f32(c, "in.newline", NULL, NULL);
    const int32_t side = (int32_t)golden_int(c, "grid"), T = (int32_t)s[0], dim = (int32_t)s[2];
    const bool grid = !strcmp(golden_str(c, "newline_position"), "grid");
    const char *keep = golden_str(c, "RETAIN_RATIO"), *tau = golden_str(c, "T_tau");
    const char *beta = golden_str(c, "BETA");
    struct wn_rows *rows = c->failed ? NULL
                         : grid ? with_newlines(c, x, newline, T, side, dim)
                                : golden_rows(c, x, T, side, side, false, dim);

    if (rows)
        golden_set_attn(c, rows, 1, 1, 25, 27, value, attention(c, rows));
    if (golden_run_chain(c, &rows, false,
                         "holitom=keep=%s:tau=%s:beta=%s:k=%d:window=%d:order=%s", keep, tau, beta,
                         (int)golden_int(c, "K"), (int)golden_int(c, "MAX_WINDOW_SIZE"),
                         grid ? "spatial" : "paper")) {
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        check_windows(c, rows, grid ? side * (side + 1) : side * side);
        check_saving(c, T, side * side);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_holitom = {
    .name = "holitom",
    .runs_kernels = true,
    .run = run,
};
