/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_over_params p = {rows.n, rows.n_frames, shape % 2 ? 1 : 0.5f};
            float *x = kt_floats(kt, rows.n, 1, style), *t = kt_floats(kt, rows.n_frames, 1, style);

            kt_check(kt, &p, (void *[]){x, t, rows.ptr, kt_out(kt, rows.n)}, "%s, %s", rows.name,
                     kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_over_params p = {rows.n, rows.n_frames, 0.5f};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), kt_floats(kt, 64, 1, KT_PLAIN),
                        rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 segments of 196");
}

const struct kt_kernel kt_kernel_over = {"over", cases, bench};
