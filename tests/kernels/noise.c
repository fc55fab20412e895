/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 3; i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_noise_params p = {rows.n, rows.n_frames, i ? kt_random(kt) : 0};
            int32_t *id = kt_ints(kt, rows.n_frames, i ? INT32_MIN : 0, i ? INT32_MAX : 0);
            int32_t *cell = kt_ints(kt, rows.n, i ? INT32_MIN : 0, i ? INT32_MAX : 0);

            kt_check(kt, &p, (void *[]){rows.ptr, id, cell, kt_out(kt, rows.n)}, "%s, seed %u",
                     rows.name, p.seed);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_noise_params p = {rows.n, rows.n_frames, 1};

    kt_bench(kt, &p,
             (void *[]){rows.ptr, kt_ints(kt, 64, 0, 1000), kt_ints(kt, rows.n, 0, 195),
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 196");
}

const struct kt_kernel kt_kernel_noise = {"noise", cases, bench};
