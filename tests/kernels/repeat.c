/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, int shape, int32_t parts)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_repeat_params p = {rows.n_frames / parts, parts};

    kt_check(kt, &p,
             (void *[]){rows.ptr, kt_out(kt, 2 * (int64_t)rows.n),
                        kt_out(kt, (parts + 1) * (int64_t)p.n_frames + 1)},
             "%s, %d parts", rows.name, parts);
}

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        check(kt, shape, 1);
        if (shape > 2)
            check(kt, shape, 2);
        if (shape == 4 || shape == 5)
            check(kt, shape, 3);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_repeat_params p = {rows.n_frames, 1};

    kt_bench(kt, &p,
             (void *[]){rows.ptr, kt_out(kt, 2 * (int64_t)rows.n),
                        kt_out(kt, 2 * (int64_t)p.n_frames + 1)},
             (int64_t)rows.n * 8, "64 frames of 196");
}

const struct kt_kernel kt_kernel_repeat = {"repeat", cases, bench};
