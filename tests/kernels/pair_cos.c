/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, int shape, int32_t dim, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_pair_cos_params p = {
        .n = rows.n,
        .n_frames = rows.n_frames,
        .dim = dim,
        .offset = shape % 2 ? 1 : kt_unit(kt),
        .scale = shape % 2 ? -1 : kt_unit(kt),
        .none = 2,
    };
    float *x = kt_floats(kt, rows.n, dim, style);
    int32_t *mate = kt_ints(kt, rows.n, WN_NONE, WN_MAX(0, rows.rows - 1));

    for (int32_t i = 0; i < rows.rows; i += 5)
        mate[i] = i; /* a row is as near to itself as can be */
    kt_check(kt, &p, (void *[]){x, mate, rows.ptr, kt_out(kt, rows.n)}, "%s, %d wide, %s",
             rows.name, dim, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 2, 63, 64, 65, 130};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, dims[(shape + style) % WN_LEN(dims)], style);
    }
    for (int i = 0; i < WN_LEN(dims); i++)
        check(kt, 4, dims[i], KT_PLAIN);
    check(kt, 4, 1152, KT_PLAIN);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 32, 196); /* 64 would pass a plan's 128 MiB */
    const struct wn_pair_cos_params p = {
        .n = rows.n,
        .n_frames = rows.n_frames,
        .dim = 3584,
        .scale = 1,
        .none = -1,
    };
    float *x = kt_floats(kt, rows.n, p.dim, KT_PLAIN);
    int32_t *mate = kt_ints(kt, rows.n, WN_NONE, WN_NONE);

    for (int32_t i = 196; i < rows.n; i++)
        mate[i] = i - 196;
    kt_bench(kt, &p, (void *[]){x, mate, rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 4, "32 x 196 of 3584, the frame before");
}

const struct kt_kernel kt_kernel_pair_cos = {"pair_cos", cases, bench};
