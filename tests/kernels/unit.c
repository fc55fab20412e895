/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, int shape, int32_t dim, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_unit_params p = {rows.n, rows.n_frames, dim};
    float *x = kt_floats(kt, rows.n, dim, style);

    kt_check(kt, &p, (void *[]){x, rows.ptr, kt_out(kt, (int64_t)rows.n * dim)}, "%s, %d wide, %s",
             rows.name, dim, kt_style_name(style));
}

/* Each segment is a row. */
static void check_segments(struct kt *kt, int shape, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_unit_params p = {rows.n, rows.n_frames, 0};

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, style), rows.ptr, kt_out(kt, rows.n)},
             "%s, segments, %s", rows.name, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 2, 63, 64, 65, 130};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            check(kt, shape, dims[(shape + style) % WN_LEN(dims)], style);
            check_segments(kt, shape, style);
        }
    }
    for (int i = 0; i < WN_LEN(dims); i++)
        check(kt, 4, dims[i], KT_SPREAD);
    check(kt, 4, 1152, KT_PLAIN);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 576);
    const struct wn_unit_params p = {rows.n, rows.n_frames, 1024};
    float *x = kt_floats(kt, rows.n, p.dim, KT_PLAIN);

    kt_bench(kt, &p, (void *[]){x, rows.ptr, kt_out(kt, (int64_t)rows.n * p.dim)},
             (int64_t)rows.n * p.dim * 8, "8 x 576 of 1024");
}

const struct kt_kernel kt_kernel_unit = {"unit", cases, bench};
