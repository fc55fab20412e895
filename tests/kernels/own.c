/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        const struct kt_rows rows = kt_rows(kt, shape);
        const struct wn_own_params p = {rows.n, rows.n_frames};
        int32_t *to = kt_ints(kt, rows.n, WN_NONE, WN_MAX(0, rows.rows - 1));

        for (int32_t i = 0; i < rows.n; i++) {
            if (kt_below(kt, 2))
                to[i] = i;
        }
        kt_check(kt, &p, (void *[]){to, rows.ptr, kt_out(kt, rows.n)}, "%s", rows.name);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_own_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p, (void *[]){kt_ints(kt, rows.n, 0, rows.n), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 196");
}

const struct kt_kernel kt_kernel_own = {"own", cases, bench};
