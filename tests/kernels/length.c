/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 3, 64, 65, 300};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_length_params p = {rows.n, rows.n_frames,
                                               dims[(shape + style) % WN_LEN(dims)],
                                               (shape + style / 2) % 2};

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, p.dim, style), rows.ptr, kt_out(kt, rows.n)},
                     "%s, %d wide, %s", rows.name, p.dim, kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 16, 196);
    const struct wn_length_params p = {rows.n, rows.n_frames, 3584, 0};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 4, "16 frames of 196, 3584 wide");
}

const struct kt_kernel kt_kernel_length = {"length", cases, bench};
