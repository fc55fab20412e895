/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 4; i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const int32_t most = i / 2 ? INT32_MAX : 1000; /* sums wrap, floats are rounded */
            const struct wn_mix_params p = {
                .n = rows.n,
                .n_frames = rows.n_frames,
                .a = kt_between(kt, -most, most),
                .b = kt_between(kt, -most, most),
                .c = kt_between(kt, -most, most),
                .as_float = i % 2,
            };
            int32_t *x = kt_ints(kt, rows.n, -most, most), *z = kt_ints(kt, rows.n, -most, most);

            kt_check(kt, &p, (void *[]){x, z, rows.ptr, kt_out(kt, rows.n)}, "%s, up to %d%s",
                     rows.name, most, p.as_float ? ", as float" : "");
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_mix_params p = {rows.n, rows.n_frames, 1, -1, 0, 1};

    kt_bench(kt, &p,
             (void *[]){kt_ints(kt, rows.n, 0, 99), kt_ints(kt, rows.n, 0, 99), rows.ptr,
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * 12, "64 frames of 196");
}

const struct kt_kernel kt_kernel_mix = {"mix", cases, bench};
