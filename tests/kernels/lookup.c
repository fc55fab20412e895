/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        const struct kt_rows rows = kt_rows(kt, shape);
        const struct wn_lookup_params p = {rows.n, rows.n_frames};
        int32_t *cell = kt_ints(kt, rows.n, 0, 99);
        int32_t *at = kt_ints(kt, rows.n_frames, 0, 900);
        int32_t *table = kt_ints(kt, 1000, INT32_MIN, INT32_MAX); /* NaNs are words too */

        kt_check(kt, &p, (void *[]){cell, rows.ptr, at, table, kt_out(kt, rows.n)}, "%s",
                 rows.name);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_lookup_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p,
             (void *[]){kt_ints(kt, rows.n, 0, 195), rows.ptr, kt_ints(kt, 64, 0, 63 * 196),
                        kt_ints(kt, rows.n, 0, 1000), kt_out(kt, rows.n)},
             (int64_t)rows.n * 12, "64 frames of 196");
}

const struct kt_kernel kt_kernel_lookup = {"lookup", cases, bench};
