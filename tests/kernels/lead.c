/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, int shape, enum kt_style style, int32_t labels)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_lead_params p = {rows.n, rows.n_frames};

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, style), kt_ints(kt, rows.n, -1, labels), rows.ptr,
                        kt_out(kt, rows.n)},
             "%s, labels up to %d, %s", rows.name, labels, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t labels[] = {-1, 0, 3, 40, 2000000000};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, style, labels[(shape + style) % WN_LEN(labels)]);
    }
    for (int i = 0; i < WN_LEN(labels); i++)
        check(kt, 4, KT_TIES, labels[i]);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 576);
    const struct wn_lead_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), kt_ints(kt, rows.n, 0, 143), rows.ptr,
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * 12, "64 frames of 576");
}

const struct kt_kernel kt_kernel_lead = {"lead", cases, bench};
