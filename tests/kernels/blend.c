/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t sizes[] = {0, 1, 63, 64, 65, 1000};

    for (int style = 0; style < KT_STYLES; style++) {
        for (int i = 0; i < WN_LEN(sizes); i++) {
            const struct wn_blend_params p = {
                .n = sizes[i],
                .a = kt_unit(kt),
                .b = i % 2 ? kt_unit(kt) : 0,
                .c = i % 3 ? kt_unit(kt) : 0,
                .d = i % 4 ? 0 : kt_unit(kt),
            };
            float *x = kt_floats(kt, p.n, 1, style), *z = kt_floats(kt, p.n, 1, style);
            kt_check(kt, &p, (void *[]){x, z, kt_out(kt, p.n)}, "%d, %s", (int)p.n,
                     kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct wn_blend_params p = {.n = 1 << 22, .a = 1, .b = 1};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, p.n, 1, KT_PLAIN), kt_floats(kt, p.n, 1, KT_PLAIN),
                        kt_out(kt, p.n)},
             (int64_t)p.n * 12, "4 M values");
}

const struct kt_kernel kt_kernel_blend = {"blend", cases, bench};
