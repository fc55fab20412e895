/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* Rows of each frame: random ones, in any order, some twice. */
static int32_t *targets(struct kt *kt, const struct kt_rows *rows, const struct kt_rows *chosen)
{
    int32_t *target = kt_ints(kt, rows->n, 0, 0);

    for (int32_t f = 0; f < rows->n_frames; f++) {
        for (int32_t k = chosen->ptr[f]; k < chosen->ptr[f + 1]; k++)
            target[k] = kt_between(kt, rows->ptr[f], rows->ptr[f + 1] - 1);
    }
    return target;
}

static void check(struct kt *kt, int shape, int32_t dim, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct kt_rows chosen = kt_fewer_rows(kt, &rows, 21);
    const struct wn_nearest_params p = {rows.n, rows.n_frames, dim};
    float *x = kt_floats(kt, rows.n, dim, style);
    int32_t *target = targets(kt, &rows, &chosen);
    int32_t *ask = kt_ints(kt, rows.n, shape == 4 ? 1 : 0, 1);

    kt_check(kt, &p,
             (void *[]){x, rows.ptr, target, chosen.ptr, ask, kt_out(kt, rows.n),
                        kt_out(kt, rows.n)},
             "%s, %d wide, %s", rows.name, dim, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 2, 63, 64, 65, 130};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, dims[(shape + style) % WN_LEN(dims)], style);
    }
    for (int i = 0; i < WN_LEN(dims); i++)
        check(kt, 4, dims[i], KT_TIES);
    check(kt, 4, 1152, KT_PLAIN);
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 576);
    const struct kt_rows chosen = kt_even_rows(kt, 8, 10);
    const struct wn_nearest_params p = {rows.n, rows.n_frames, 1024};
    float *x = kt_floats(kt, rows.n, p.dim, KT_PLAIN);

    kt_bench(kt, &p,
             (void *[]){x, rows.ptr, targets(kt, &rows, &chosen), chosen.ptr,
                        kt_ints(kt, rows.n, 1, 1), kt_out(kt, rows.n), kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 4, "8 x 576 of 1024 to 10");
}

const struct kt_kernel kt_kernel_nearest = {"nearest", cases, bench};
