/* SPDX-License-Identifier: MIT */
#include "square.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct kt_strip s = kt_strip(kt, &rows, shape + style / 2);
            const struct wn_tally_params p = {s.n, rows.n_frames, kt_width(&rows) + style % 3,
                                              style % 2, s.skip};

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, s.n, p.width, style), rows.ptr,
                                kt_out(kt, rows.n)},
                     "%s, from %d, %s", rows.name, p.first, kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 577);
    const struct wn_tally_params p = {rows.n, rows.n_frames, 577, 1, 0};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.width, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * p.width * 4, "8 x 577 x 577");
}

const struct kt_kernel kt_kernel_tally = {"tally", cases, bench};
