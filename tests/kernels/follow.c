/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, const struct kt_rows *rows)
{
    const struct wn_follow_params p = {rows->n, rows->n_frames};

    kt_check(kt, &p,
             (void *[]){kt_ints(kt, rows->n, WN_NONE, WN_MAX(0, rows->rows - 1)),
                        kt_ints(kt, rows->n, 0, 1), rows->ptr, kt_out(kt, rows->n)},
             "%s", rows->name);
}

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        const struct kt_rows rows = kt_rows(kt, shape);
        check(kt, &rows);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_follow_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p,
             (void *[]){kt_ints(kt, rows.n, WN_NONE, rows.n - 1), kt_ints(kt, rows.n, 0, 1),
                        rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 12, "64 frames of 196");
}

const struct kt_kernel kt_kernel_follow = {"follow", cases, bench};
