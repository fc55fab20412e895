/* SPDX-License-Identifier: MIT */
#include "square.h"

static void check(struct kt *kt, int shape, int32_t dim, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_gram_params p = {rows.n, rows.n_frames, dim, kt_width(&rows) + shape % 3};

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, dim, style), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.width)},
             "%s, %d wide, %s", rows.name, dim, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 2, 63, 64, 65, 130};

    /* Dots of all pairs are many: each shape once, each kind of numbers on a small shape. */
    for (int shape = 0; shape < KT_SHAPES; shape++)
        check(kt, shape, dims[(shape + 5) % WN_LEN(dims)], KT_PLAIN);
    for (int style = 0; style < KT_STYLES; style++)
        check(kt, 4, dims[style % WN_LEN(dims)], style);
    check(kt, 4, 1152, KT_PLAIN);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 2, 576);
    const struct wn_gram_params p = {rows.n, rows.n_frames, 1024, 576};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.width)},
             (int64_t)rows.n * (p.dim + p.width) * 4, "2 x 576 of 1024");
}

const struct kt_kernel kt_kernel_gram = {"gram", cases, bench};
