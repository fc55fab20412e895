/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t sizes[] = {1, 2, 4, 7, 64, 1000};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 2 * WN_LEN(sizes); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_chunk_params p = {rows.n, rows.n_frames, sizes[i / 2], i % 2};

            kt_check(kt, &p, (void *[]){rows.ptr, kt_out(kt, rows.n)}, "%s, by %d%s", rows.name,
                     p.size, p.ends ? ", ends" : "");
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_chunk_params p = {rows.n, rows.n_frames, 4, 0};

    kt_bench(kt, &p, (void *[]){rows.ptr, kt_out(kt, rows.n)}, (int64_t)rows.n * 4,
             "64 frames of 196");
}

const struct kt_kernel kt_kernel_chunk = {"chunk", cases, bench};
