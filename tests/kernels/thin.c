/* SPDX-License-Identifier: MIT */
#include "square.h"

/* A list of each segment's rows in some order. */
static void check(struct kt *kt, int shape, enum kt_style style, int32_t from, int32_t left)
{
    const struct kt_rows all = kt_rows(kt, shape);
    const struct kt_rows rows = style % 2 ? kt_later_rows(kt, &all) : all;
    const int32_t width = kt_width(&rows);
    const struct wn_thin_params p = {
        .n = rows.n,
        .n_segments = rows.n_frames,
        .width = width,
        .step = 1 + (shape + left) % 9,
        .most = WN_MAX(width - from, 0),
    };
    int32_t *rank = kt_ints(kt, rows.n, 0, 0), *begin = kt_ints(kt, rows.n + 1, 0, 0);
    int32_t *end = kt_ints(kt, rows.n + 1, 0, 0);

    for (int32_t m = 0; m <= rows.n; m++) {
        begin[m] = WN_MIN(from, m);
        end[m] = WN_MIN(left, m - begin[m]);
    }
    for (int32_t f = 0; f < rows.n_frames; f++) {
        const int32_t m = rows.ptr[f + 1] - rows.ptr[f], turn = kt_below(kt, WN_MAX(m, 1));
        for (int32_t i = 0; i < m; i++)
            rank[rows.ptr[f] + i] = (i + turn) % m;
    }
    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.width, style), rank, rows.ptr, begin, end,
                        kt_out(kt, rows.n), kt_out(kt, 2 * (int64_t)rows.n), kt_out(kt, rows.n)},
             "%s, %s, %d stay and %d of the others, %d at a time", rows.name, kt_style_name(style),
             from, left, p.step);
}

/* No longer lists: llvmpipe ends loops after 65535 turns. */
static void cases(struct kt *kt)
{
    static const int32_t from[] = {0, 3, 20, 1000}, left[] = {0, 1, 6, 33};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, style,
                  shape == 2 ? 1000 + style : from[(shape + style) % WN_LEN(from)],
                  left[(shape + style / 2) % WN_LEN(left)]);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 4, 576);
    const struct wn_thin_params p = {rows.n, rows.n_frames, 576, 8, 544};
    int32_t *rank = kt_ints(kt, rows.n, 0, 0);

    for (int32_t i = 0; i < rows.n; i++)
        rank[i] = i % 576;
    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 576, KT_PLAIN), rank, rows.ptr,
                        kt_ints(kt, rows.n + 1, 32, 32), kt_ints(kt, rows.n + 1, 32, 32),
                        kt_out(kt, rows.n), kt_out(kt, 2 * (int64_t)rows.n), kt_out(kt, rows.n)},
             (int64_t)rows.n * p.width * 4, "4 frames of 576 to 64");
}

const struct kt_kernel kt_kernel_thin = {"thin", cases, bench};
