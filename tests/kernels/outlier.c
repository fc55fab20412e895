/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* As the kernel `rank` gives it. */
static int32_t *ranks(struct kt *kt, const struct kt_rows *rows, const float *x)
{
    int32_t *rank = kt_ints(kt, rows->n, 0, 0);

    for (int32_t f = 0; f < rows->n_frames; f++) {
        for (int32_t i = rows->ptr[f]; i < rows->ptr[f + 1]; i++) {
            for (int32_t j = rows->ptr[f]; j < rows->ptr[f + 1]; j++)
                rank[i] += wn_before(x[j], j, x[i], i);
        }
    }
    return rank;
}

static void cases(struct kt *kt)
{
    static const enum kt_style styles[] = {KT_PLAIN, KT_EQUAL, KT_TIES, KT_ZEROS, KT_HUGE,
                                           KT_SPREAD};
    static const float factors[] = {1.5f, 0, 0.2f, 3};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_outlier_params p = {
                rows.n, rows.n_frames, factors[(shape + i) % WN_LEN(factors)],
            };
            float *x = kt_floats(kt, rows.n, 1, styles[i]);

            kt_check(kt, &p, (void *[]){x, ranks(kt, &rows, x), rows.ptr, kt_out(kt, rows.n)},
                     "%s, factor %g, %s", rows.name, p.factor, kt_style_name(styles[i]));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 576);
    const struct wn_outlier_params p = {rows.n, rows.n_frames, 1.5f};
    float *x = kt_floats(kt, rows.n, 1, KT_PLAIN);

    kt_bench(kt, &p, (void *[]){x, ranks(kt, &rows, x), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 12, "64 frames of 576");
}

const struct kt_kernel kt_kernel_outlier = {"outlier", cases, bench};
