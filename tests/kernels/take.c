/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t widths[] = {1, 3, 16, 64, 257};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(widths); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_take_params p = {rows.n, rows.n_frames, widths[i]};
            int32_t *x = kt_ints(kt, (int64_t)50 * p.width, INT32_MIN, INT32_MAX); /* any words */
            int32_t *idx = kt_ints(kt, rows.n, 0, 49);

            kt_check(kt, &p,
                     (void *[]){x, idx, rows.ptr, kt_out(kt, (int64_t)rows.n * p.width)},
                     "%s, %d wide", rows.name, p.width);
        }
    }
    const struct kt_rows rows = kt_rows(kt, 8); /* more than a cache holds */
    const struct wn_take_params p = {rows.n, rows.n_frames, 1601};
    int32_t *x = kt_ints(kt, (int64_t)50 * p.width, INT32_MIN, INT32_MAX);

    kt_check(kt, &p,
             (void *[]){x, kt_ints(kt, rows.n, 0, 49), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.width)},
             "%s, %d wide", rows.name, p.width);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 16, 196);
    const struct wn_take_params p = {rows.n, rows.n_frames, 3584};
    float *x = kt_floats(kt, rows.n, p.width, KT_PLAIN);
    int32_t *idx = kt_ints(kt, rows.n, 0, rows.n - 1);

    kt_bench(kt, &p, (void *[]){x, idx, rows.ptr, kt_out(kt, (int64_t)rows.n * p.width)},
             (int64_t)rows.n * p.width * 8, "16 x 196 of 3584");
}

const struct kt_kernel kt_kernel_take = {"take", cases, bench};
