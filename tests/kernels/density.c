/* SPDX-License-Identifier: MIT */
#include "square.h"

static void check(struct kt *kt, int shape, int32_t k, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct kt_strip s = kt_strip(kt, &rows, shape + style);
    const struct wn_density_params p = {s.n, rows.n_frames, kt_width(&rows), s.skip, k, shape % 2,
                                        0.25f};

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, s.n, p.width, style), kt_floats(kt, rows.n, 1, style),
                        rows.ptr, kt_out(kt, rows.n), kt_out(kt, rows.n),
                        kt_ints(kt, (int64_t)rows.n + 1, 0, 9)},
             "%s, k %d, %s", rows.name, k, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t k[] = {1, 4, 5, 7, WN_DENSITY_MOST};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, k[(shape + style) % WN_LEN(k)], style);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_density_params p = {rows.n, rows.n_frames, 196, 0, 7, 0, 1};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.width, KT_PLAIN),
                        kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n),
                        kt_out(kt, rows.n), kt_ints(kt, (int64_t)rows.n + 1, 0, 9)},
             (int64_t)rows.n * p.width * 4, "64 frames of 196");
}

const struct kt_kernel kt_kernel_density = {"density", cases, bench};
