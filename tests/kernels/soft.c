/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, struct wn_soft_params p, enum kt_style style)
{
    const int64_t heads = (p.rows + (int64_t)p.n_queries * p.group - 1) / p.n_queries / p.group;
    float *x = kt_floats(kt, p.rows, p.width, style);
    int32_t *allow = kt_ints(kt, WN_MAX(heads, 1) * p.width, 0, 1);

    kt_check(kt, &p, (void *[]){x, allow, kt_out(kt, (int64_t)p.rows * p.width)},
             "%d rows of %d, end %d + %d, flagged %d, %s", (int)p.rows, (int)p.width, (int)p.end,
             (int)p.step, (int)p.flagged, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const struct wn_soft_params shapes[] = {
        {1, 1, 1, 1, 1, 0, 0},     {6, 63, 3, 1, 61, 1, 0},   {8, 64, 2, 2, 64, 0, 1},
        {12, 65, 4, 3, 1, 1, 0},   {5, 200, 1, 1, 150, 0, 1}, {40, 40, 20, 1, 1, 1, 1},
        {3, 129, 3, 1, 0, 64, 0},
    };

    for (int style = 0; style < KT_STYLES; style++) {
        for (int i = 0; i < WN_LEN(shapes); i++)
            check(kt, shapes[i], style);
    }
}

static void bench(struct kt *kt)
{
    const struct wn_soft_params p = {32 * 32, 2048, 32, 1, 2017, 1, 0};
    float *x = kt_floats(kt, p.rows, p.width, KT_PLAIN);

    kt_bench(kt, &p,
             (void *[]){x, kt_ints(kt, 1, 1, 1), kt_out(kt, (int64_t)p.rows * p.width)},
             (int64_t)p.rows * p.width * 8, "32 heads of 32 rows of 2048");
}

const struct kt_kernel kt_kernel_soft = {"soft", cases, bench};
