/* SPDX-License-Identifier: MIT */
#include "square.h"

static void check(struct kt *kt, int shape, enum kt_style style, int32_t most, bool all)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct kt_strip s = kt_strip(kt, &rows, shape + style / 2);
    const struct wn_likely_params p = {s.n, rows.n_frames, kt_width(&rows) + shape % 2, most,
                                       s.skip};
    const int64_t n = (int64_t)rows.n * most;

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, s.n, p.width, style), rows.ptr,
                        kt_ints(kt, rows.n, all, 1), kt_ints(kt, rows.n, all, 1),
                        kt_steps(kt, &rows, WN_LIKELY_MOST), kt_out(kt, n), kt_out(kt, n),
                        kt_out(kt, n)},
             "%s, %d at most, %s", rows.name, most, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t most[] = {1, 2, WN_LIKELY_MOST};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, style, most[(shape + style) % WN_LEN(most)], style % 2);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 577);
    const struct wn_likely_params p = {rows.n, rows.n_frames, 577, 2, 0};
    const int64_t n = (int64_t)rows.n * 2;

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.width, KT_PLAIN), rows.ptr,
                        kt_ints(kt, rows.n, 1, 1), kt_ints(kt, rows.n, 1, 1),
                        kt_ints(kt, (int64_t)rows.n + 1, 2, 2), kt_out(kt, n), kt_out(kt, n),
                        kt_out(kt, n)},
             (int64_t)rows.n * p.width * 4, "8 x 577 x 577, 2 each");
}

const struct kt_kernel kt_kernel_likely = {"likely", cases, bench};
