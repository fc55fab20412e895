/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 3; i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_pair_params p = {rows.n, rows.n_frames};
            int32_t *cell = kt_ints(kt, rows.n, 0, i ? 195 : 7); /* some twice in a frame */
            int32_t *ref = kt_ints(kt, rows.n_frames, WN_NONE, rows.n_frames - 1);

            for (int32_t f = 0; i == 2 && f < rows.n_frames; f++)
                ref[f] = f - 1;
            kt_check(kt, &p, (void *[]){cell, rows.ptr, ref, kt_out(kt, rows.n)}, "%s, %s",
                     rows.name, i == 2 ? "the frame before" : "any frame");
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_pair_params p = {rows.n, rows.n_frames};
    int32_t *cell = kt_ints(kt, rows.n, 0, 0), *ref = kt_ints(kt, rows.n_frames, 0, 0);

    for (int32_t i = 0; i < rows.n; i++)
        cell[i] = i % 196;
    for (int32_t f = 0; f < rows.n_frames; f++)
        ref[f] = f - 1;
    kt_bench(kt, &p, (void *[]){cell, rows.ptr, ref, kt_out(kt, rows.n)}, (int64_t)rows.n * 8,
             "64 frames of 196");
}

const struct kt_kernel kt_kernel_pair = {"pair", cases, bench};
