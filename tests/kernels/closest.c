/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* Ranges of m targets, some of them empty. */
static int32_t *ranges(struct kt *kt, int32_t n, int32_t m)
{
    int32_t *range = kt_ints(kt, 2 * (int64_t)n, 0, m);

    for (int32_t i = 0; i < n; i++) {
        if (range[2 * i] > range[2 * i + 1] && kt_below(kt, 4)) {
            const int32_t first = range[2 * i + 1];
            range[2 * i + 1] = range[2 * i];
            range[2 * i] = first;
        }
    }
    return range;
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 3, 64, 65, 200};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const int32_t m = kt_between(kt, 1, 60);
            const struct wn_closest_params p = {rows.n, rows.n_frames,
                                                dims[(shape + style) % WN_LEN(dims)],
                                                1 + style % 3};
            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, p.dim, (enum kt_style)style), rows.ptr,
                                kt_floats(kt, m, p.dim, (enum kt_style)style),
                                ranges(kt, rows.n_frames * p.slots, m),
                                kt_out(kt, (int64_t)rows.n * p.slots)},
                     "%s, %d wide, %s", rows.name, p.dim, kt_style_name((enum kt_style)style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 196);
    const struct wn_closest_params p = {rows.n, rows.n_frames, 1024, 1};
    int32_t *range = kt_ints(kt, 16, 0, 0);

    for (int f = 0; f < 8; f++)
        range[2 * f + 1] = 80;
    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), rows.ptr,
                        kt_floats(kt, 80, p.dim, KT_PLAIN), range, kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 4, "8 frames of 196, 80 targets, 1024 wide");
}

const struct kt_kernel kt_kernel_closest = {"closest", cases, bench};
