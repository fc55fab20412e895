/* SPDX-License-Identifier: MIT */
#include "around.h"

static void cases(struct kt *kt)
{
    static const int32_t rare[] = {0, 1, 4, 30}, most[] = {0, 1, 5, WN_AROUND_MOST};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(rare); i++) {
            const struct kt_around a = kt_around(kt, kt_rows(kt, shape), rare[i]);
            const struct wn_around_count_params p = {
                a.rows.n, a.rows.n_frames, most[(shape + i) % WN_LEN(most)],
            };

            kt_check(kt, &p,
                     (void *[]){a.rows.ptr, a.flag, a.out.ptr, a.base, kt_out(kt, a.rows.n)},
                     "%s, k %d, one in %d", a.rows.name, p.k, rare[i] + 1);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_around a = kt_around(kt, kt_even_rows(kt, 64, 576), 8);
    const struct wn_around_count_params p = {a.rows.n, a.rows.n_frames, 32};

    kt_bench(kt, &p, (void *[]){a.rows.ptr, a.flag, a.out.ptr, a.base, kt_out(kt, a.rows.n)},
             (int64_t)a.rows.n * 12, "64 frames of 576, one in 9");
}

const struct kt_kernel kt_kernel_around_count = {"around_count", cases, bench};
