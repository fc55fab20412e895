/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 2 * KT_STYLES; i++) {
            const enum kt_style style = i / 2;
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_rank_params p = {rows.n, rows.n_frames, i % 2};
            float *key = kt_floats(kt, rows.n, 1, style);

            kt_check(kt, &p, (void *[]){key, rows.ptr, kt_out(kt, rows.n)}, "%s, %s, %s", rows.name,
                     kt_style_name(style), p.descending ? "descending" : "ascending");
        }
    }
}

static void measure(struct kt *kt, int32_t n_frames, int32_t each)
{
    const struct kt_rows rows = kt_even_rows(kt, n_frames, each);
    const struct wn_rank_params p = {rows.n, rows.n_frames, 1};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "%d frames of %d", n_frames, each);
}

static void bench(struct kt *kt)
{
    measure(kt, 64, 196);
    measure(kt, 16, 576);
    measure(kt, 1, 64 * 196);
}

const struct kt_kernel kt_kernel_rank = {"rank", cases, bench};
