/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const float shares[] = {0, 0.3f, 0.975f, 1, 2};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_enough_params p = {
                rows.n, rows.n_frames, shares[(shape + style) % WN_LEN(shares)],
            };
            float *value = kt_floats(kt, rows.n, 1, style);
            int32_t *rank = kt_ints(kt, rows.n, 0, 40);

            kt_check(kt, &p, (void *[]){value, rank, rows.ptr, kt_out(kt, rows.n)}, "%s, %g, %s",
                     rows.name, p.share, kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 4096);
    const struct wn_enough_params p = {rows.n, rows.n_frames, 0.975f};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_EQUAL), kt_ints(kt, rows.n, 0, 4095), rows.ptr,
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * 12, "8 segments of 4096");
}

const struct kt_kernel kt_kernel_enough = {"enough", cases, bench};
