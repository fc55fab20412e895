/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int part = 0; part < 5; part++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_trim_params p = {rows.n, rows.n_frames,
                                             rows.rows * part / 4 + part % 2};

            kt_check(kt, &p, (void *[]){rows.ptr, kt_out(kt, rows.n)}, "%s to %d", rows.name,
                     p.most);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_trim_params p = {rows.n, rows.n_frames, 8000};

    kt_bench(kt, &p, (void *[]){rows.ptr, kt_out(kt, rows.n)}, (int64_t)rows.n * 4,
             "64 of 196 rows");
}

const struct kt_kernel kt_kernel_trim = {"trim", cases, bench};
