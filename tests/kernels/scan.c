/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 2; i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_scan_params p = {rows.n, rows.n_frames};
            int32_t *x = kt_ints(kt, rows.n, i ? -1000 : 0, i ? 1000 : 1);

            kt_check(kt, &p, (void *[]){x, rows.ptr, kt_out(kt, rows.n + 1)}, "%s, %s", rows.name,
                     i ? "of both signs" : "flags");
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_scan_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p, (void *[]){kt_ints(kt, rows.n, 0, 9), rows.ptr, kt_out(kt, rows.n + 1)},
             (int64_t)rows.n * 8, "64 frames of 196");
}

const struct kt_kernel kt_kernel_scan = {"scan", cases, bench};
