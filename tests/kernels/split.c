/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        const struct kt_rows rows = kt_rows(kt, shape);
        const struct kt_rows first = kt_fewer_rows(kt, &rows, 9);
        const struct wn_split_params p = {rows.n_frames};

        kt_check(kt, &p,
                 (void *[]){rows.ptr, first.ptr, kt_out(kt, 2 * (int64_t)rows.n_frames + 1)}, "%s",
                 rows.name);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct kt_rows first = kt_fewer_rows(kt, &rows, 9);
    const struct wn_split_params p = {rows.n_frames};

    kt_bench(kt, &p, (void *[]){rows.ptr, first.ptr, kt_out(kt, 2 * (int64_t)rows.n_frames + 1)},
             (int64_t)rows.n_frames * 16, "64 frames");
}

const struct kt_kernel kt_kernel_split = {"split", cases, bench};
