/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, int shape, enum kt_style style, int32_t side, int32_t window)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_dents_params p = {rows.n, rows.n_frames, style % 2, side, window};
    float *grid = kt_floats(kt, side * side, 1, KT_PLAIN);

    for (int32_t c = 0; c < side * side; c++) {
        if (kt_below(kt, 3) == 0)
            grid[c] = kt_below(kt, 2) ? 3e38f : 1e9f;
    }
    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, style), rows.ptr, grid, kt_out(kt, rows.n),
                        kt_out(kt, side * side)},
             "%s, side %d by %d, %s", rows.name, side, window, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t sides[] = {1, 2, 5, 8, 24};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, style, sides[(shape + style) % WN_LEN(sides)], 2);
    }
    for (int i = 0; i < WN_LEN(sides); i++) {
        check(kt, 4, KT_TIES, sides[i], 3);
        check(kt, 4, KT_PLAIN, sides[i], 1);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 1, 577);
    const struct wn_dents_params p = {rows.n, rows.n_frames, 1, 24, 2};
    float *grid = kt_floats(kt, 576, 1, KT_PLAIN);

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, grid, kt_out(kt, rows.n),
                        kt_out(kt, 576)},
             (int64_t)rows.n * 16, "a frame of 577");
}

const struct kt_kernel kt_kernel_dents = {"dents", cases, bench};
