/* SPDX-License-Identifier: MIT */
#include "square.h"

static void check(struct kt *kt, int shape, int32_t few, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct kt_strip s = kt_strip(kt, &rows, shape + few);
    const struct wn_apart_params p = {s.n, rows.n_frames, kt_width(&rows), s.skip, few, 0.5f};

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, s.n, p.width, style), kt_floats(kt, rows.n, 1, style),
                        kt_floats(kt, rows.n, 1, shape % 2 ? KT_TIES : KT_PLAIN),
                        kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             "%s, few %d, %s", rows.name, few, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const enum kt_style styles[] = {KT_PLAIN, KT_EQUAL, KT_TIES, KT_ZEROS, KT_SPREAD};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++)
            check(kt, shape, (shape + i) % 3 * 7, styles[i]);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_apart_params p = {rows.n, rows.n_frames, 196, 0, 0, 1};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.width, KT_PLAIN),
                        kt_floats(kt, rows.n, 1, KT_PLAIN), kt_floats(kt, rows.n, 1, KT_PLAIN),
                        kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * p.width * 4, "64 frames of 196");
}

const struct kt_kernel kt_kernel_apart = {"apart", cases, bench};
