/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t rare[] = {0, 1, 3, 20, 100};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(rare); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_every_params p = {rows.n, rows.n_frames, 1 + (shape + i) % 4};
            int32_t *flag = kt_ints(kt, rows.n, 0, rare[i]);

            for (int32_t r = 0; r < rows.n; r++)
                flag[r] = rare[i] > 0 && flag[r] == rare[i];
            kt_check(kt, &p, (void *[]){flag, rows.ptr, kt_out(kt, rows.n)},
                     "%s, part %d, one in %d", rows.name, p.part, rare[i] + 1);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 576);
    const struct wn_every_params p = {rows.n, rows.n_frames, 3};

    kt_bench(kt, &p, (void *[]){kt_ints(kt, rows.n, 0, 1), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 576");
}

const struct kt_kernel kt_kernel_every = {"every", cases, bench};
