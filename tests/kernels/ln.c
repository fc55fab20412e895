/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

/* The specification itself: as near as a float allows. */
static void near(struct kt *kt)
{
    for (int i = 0; i < 2000; i++) {
        const float x = ldexpf(1.5f + 0.5f * kt_unit(kt), kt_between(kt, -90, 90));
        const double want = log((double)x);
        if (fabs((double)wn_ln(x) - want) > 1e-7 * fmax(fabs(want), 1))
            fprintf(stderr, "ln(%g) is %g, not %g\n", (double)x, (double)wn_ln(x), want), abort();
    }
}

static void cases(struct kt *kt)
{
    near(kt);
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_ln_params p = {rows.n, rows.n_frames};

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, 1, style), rows.ptr, kt_out(kt, rows.n)},
                     "%s, %s", rows.name, kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 576);
    const struct wn_ln_params p = {rows.n, rows.n_frames};

    kt_bench(kt, &p, (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 576");
}

const struct kt_kernel kt_kernel_ln = {"ln", cases, bench};
