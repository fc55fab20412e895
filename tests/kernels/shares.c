/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const float scales[] = {1, 0.1f, 4, -2};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_shares_params p = {
                rows.n, rows.n_frames, scales[(shape + style) % WN_LEN(scales)],
            };

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, 1, style), rows.ptr, kt_out(kt, rows.n)},
                     "%s, scale %g, %s", rows.name, p.scale, kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 576);
    const struct wn_shares_params p = {rows.n, rows.n_frames, 4};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 576");
}

const struct kt_kernel kt_kernel_shares = {"shares", cases, bench};
