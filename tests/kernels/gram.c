/* SPDX-License-Identifier: MIT */
#include "square.h"

static void check(struct kt *kt, int shape, int32_t dim, enum kt_style style)
{
    const struct kt_rows all = kt_rows(kt, shape);
    const struct kt_rows rows = shape % 3 == 1 ? kt_later_rows(kt, &all) : all;
    const struct kt_strip strip = kt_strip(kt, &rows, shape + style);
    const struct wn_gram_params p = {
        .n = strip.n,
        .n_frames = rows.n_frames,
        .dim = dim,
        .width = kt_width(&rows) + shape % 3,
        .skip = strip.skip,
        .listed = WN_NONE,
        .runs = 1 + shape % 4,
    };

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, dim, style), rows.ptr,
                        kt_out(kt, (int64_t)strip.n * p.width), rows.ptr, rows.ptr},
             "%s, %d of %d rows from %d, %d wide, %s", rows.name, strip.n, rows.n, strip.skip, dim,
             kt_style_name(style));
}

/* Rows of a list, in any order, with gaps. */
static void check_listed(struct kt *kt, int shape, int32_t dim)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const int32_t n = 1 + kt_below(kt, 100), first = rows.ptr[0];
    const int32_t last = rows.ptr[rows.n_frames] - 1;
    int32_t *list = kt_ints(kt, n, 0, 0), *end = kt_ints(kt, 3, 0, 0);
    const struct wn_gram_params p = {
        .n = 1 + kt_below(kt, n),
        .n_frames = rows.n_frames,
        .dim = dim,
        .width = kt_width(&rows),
        .skip = kt_below(kt, 1 + n / 2),
        .listed = 2,
        .runs = 1 + shape % 3,
    };

    for (int32_t r = 0; r < n; r++)
        list[r] = last < first || kt_below(kt, 9) == 0 ? WN_NONE : kt_between(kt, first, last);
    for (int32_t r = 1; shape % 2 && r < n; r++)
        list[r] = list[r - 1] >= last ? WN_NONE : list[r - 1] + 1;
    end[2] = kt_below(kt, n + 1);
    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, dim, KT_PLAIN), rows.ptr,
                        kt_out(kt, (int64_t)p.n * p.width), list, end},
             "%s, %d listed rows from %d, %d wide", rows.name, p.n, p.skip, dim);
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 2, 63, 64, 65, 130};

    /* Dots of all pairs are many: each shape once, each kind of numbers on a small shape. */
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        check(kt, shape, dims[(shape + 5) % WN_LEN(dims)], KT_PLAIN);
        check(kt, shape, 3, KT_EQUAL);
        check_listed(kt, shape, dims[shape % WN_LEN(dims)]);
        check_listed(kt, shape, 70);
    }
    for (int style = 0; style < KT_STYLES; style++)
        check(kt, 4, dims[style % WN_LEN(dims)], style);
    check(kt, 4, 1152, KT_PLAIN);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 2, 576);
    const struct wn_gram_params p = {rows.n, rows.n_frames, 1024, 576, 0, WN_NONE, 1};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.width), rows.ptr, rows.ptr},
             (int64_t)rows.n * (p.dim + p.width) * 4, "2 x 576 of 1024");
}

const struct kt_kernel kt_kernel_gram = {"gram", cases, bench};
