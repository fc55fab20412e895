/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "tests/golden/chain.h"

/* To the nearest half-precision number, as a double. */
static double to_half(double x)
{
    int exponent;

    frexp(x, &exponent);
    const double step = ldexp(1, WN_MAX(exponent, -13) - 11);
    return nearbyint(x / step) * step;
}

/* The authors pool positions in half precision and truncate. */
static void check_positions(struct golden_case *c, const struct wn_rows *rows)
{
    const int32_t *before = golden_i32(c, "in.position_ids", NULL, NULL);
    int32_t *pos = wn_calloc((size_t)rows->n, sizeof(*pos));

    for (int32_t r = 0; before && pos && r < rows->n; r++) {
        const int32_t from = rows->w.ptr[r], to = rows->w.ptr[r + 1];
        double sum = 0;
        for (int32_t k = from; k < to; k++)
            sum += to_half(before[rows->w.idx[k]]);
        pos[r] = (int32_t)to_half(sum / (to - from));
    }
    if (before && pos)
        golden_expect_i32(c, "out.position_ids", pos, rows->n);
    free(pos);
}

static void run(struct golden_case *c)
{
    const int stride = (int)golden_int(c, "stride");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.hidden", shape, NULL);
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)shape[0], 1, (int32_t)shape[1], false,
                                           (int32_t)shape[2]) : NULL;

    if (golden_run_chain(c, &rows, false, "pool=stride=%d", stride)) {
        golden_expect_f32(c, "out.hidden", rows->data, (int64_t)rows->n * rows->dim);
        check_positions(c, rows);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_llavolta = {
    .name = "llavolta",
    .runs_kernels = true,
    .run = run,
};
