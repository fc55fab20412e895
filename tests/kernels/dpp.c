/* SPDX-License-Identifier: MIT */
#include "square.h"

/* Its matrix is one of unit rows: none of huge numbers, whose squares leave the range of floats. */
static void cases(struct kt *kt)
{
    static const enum kt_style styles[] = {KT_PLAIN, KT_EQUAL, KT_TIES, KT_ZEROS, KT_TINY};
    static const int32_t most[] = {0, 1, 7, 40};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_dpp_params p = {rows.n, rows.n_frames, kt_width(&rows),
                                            most[(shape + i) % WN_LEN(most)]};
            float *s = kt_floats(kt, rows.n, p.width, styles[i]);

            kt_check(kt, &p,
                     (void *[]){s, kt_floats(kt, rows.n, 1, styles[(i + shape) % 2]), rows.ptr,
                                kt_steps(kt, &rows, 50), kt_out(kt, (int64_t)rows.n * p.most),
                                kt_out(kt, rows.n), kt_out(kt, rows.n)},
                     "%s, %s, up to %d steps", rows.name, kt_style_name(styles[i]), p.most);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 4, 576);
    const struct wn_dpp_params p = {rows.n, rows.n_frames, 576, 64};
    int32_t *table = kt_ints(kt, rows.n + 1, 64, 64);

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.width, KT_EQUAL),
                        kt_floats(kt, rows.n, 1, KT_EQUAL), rows.ptr, table,
                        kt_out(kt, (int64_t)rows.n * p.most), kt_out(kt, rows.n),
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * 64 * 8, "4 frames of 576, 64 steps");
}

const struct kt_kernel kt_kernel_dpp = {"dpp", cases, bench};
