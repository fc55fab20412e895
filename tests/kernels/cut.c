/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int modes = 0; modes < 3; modes++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_cut_params p = {rows.n, rows.n_frames};
            int32_t *rank = kt_ints(kt, rows.n, 0, 60);
            int32_t *table = kt_ints(kt, rows.n + 1, 0, 40);
            int32_t *mode = kt_ints(kt, rows.n_frames, modes == 1 ? -1 : 0, modes ? 1 : 0);

            kt_check(kt, &p, (void *[]){rank, rows.ptr, table, mode, kt_out(kt, rows.n)},
                     "%s, modes %d", rows.name, modes);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_cut_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p,
             (void *[]){kt_ints(kt, rows.n, 0, 195), rows.ptr, kt_ints(kt, rows.n + 1, 0, 100),
                        kt_ints(kt, rows.n_frames, 0, 0), kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 196");
}

const struct kt_kernel kt_kernel_cut = {"cut", cases, bench};
