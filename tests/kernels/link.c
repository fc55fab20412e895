/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 6, 64, 66, 200};
    static const int32_t sizes[] = {1, 7, 64, 300};

    for (int i = 0; i < WN_LEN(sizes); i++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const int32_t dim = dims[(i + style) % WN_LEN(dims)], rows = kt_between(kt, 1, 40);
            const struct wn_link_params p = {sizes[i], dim, style % 2 && dim % 2 == 0 ? 2 : 1};
            const int32_t most = kt_below(kt, 3) ? p.n : kt_between(kt, 0, p.n);
            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows, dim, (enum kt_style)style),
                                kt_floats(kt, rows, dim, (enum kt_style)style),
                                kt_ints(kt, 2 * (int64_t)p.n, 0, rows - 1),
                                kt_ints(kt, 1, most, most), kt_out(kt, p.n)},
                     "%d pairs, %d wide, %s", p.n, dim, kt_style_name((enum kt_style)style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct wn_link_params p = {3000, 1024, 1};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, 3000, p.dim, KT_PLAIN), kt_floats(kt, 3000, p.dim, KT_PLAIN),
                        kt_ints(kt, 2 * (int64_t)p.n, 0, 2999), kt_ints(kt, 1, p.n, p.n),
                        kt_out(kt, p.n)},
             (int64_t)2 * p.n * p.dim * 4, "3000 pairs, 1024 wide");
}

const struct kt_kernel kt_kernel_link = {"link", cases, bench};
