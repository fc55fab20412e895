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
                                            most[(shape + i) % WN_LEN(most)], 0};
            float *s = kt_floats(kt, rows.n, p.width, styles[i]);

            kt_check(kt, &p,
                     (void *[]){s, kt_floats(kt, rows.n, 1, styles[(i + shape) % 2]), rows.ptr,
                                kt_steps(kt, &rows, 50), kt_out(kt, (int64_t)rows.n * p.most),
                                kt_out(kt, rows.n), kt_out(kt, 3 * (int64_t)rows.n),
                                kt_out(kt, rows.n)},
                     "%s, %s, up to %d steps", rows.name, kt_style_name(styles[i]), p.most);
        }
    }
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++) {
            const struct kt_rows rows = kt_rows_for_search(kt, shape);
            const struct wn_dpp_params p = {rows.n, rows.n_frames, kt_width(&rows),
                                            most[(shape + i + 2) % WN_LEN(most)],
                                            rows.n > 1000 ? 7 : 65 + shape};
            float *x = kt_floats(kt, rows.n, p.dim, styles[i]);

            kt_check(kt, &p,
                     (void *[]){x, kt_floats(kt, rows.n, 1, styles[(i + shape) % 2]), rows.ptr,
                                kt_steps(kt, &rows, 50), kt_out(kt, (int64_t)rows.n * p.most),
                                kt_out(kt, rows.n), kt_out(kt, 3 * (int64_t)rows.n),
                                kt_out(kt, rows.n)},
                     "rows of %d, %s, %s, up to %d steps", p.dim, rows.name,
                     kt_style_name(styles[i]), p.most);
        }
    }
}

static void bench(struct kt *kt)
{
    static const int32_t dim[] = {0, 1024};

    for (int i = 0; i < WN_LEN(dim); i++) {
        const struct kt_rows rows = kt_even_rows(kt, 4, 576);
        const struct wn_dpp_params p = {rows.n, rows.n_frames, 576, 64, dim[i]};
        int32_t *table = kt_ints(kt, rows.n + 1, 64, 64);
        float *s = dim[i] ? kt_floats(kt, rows.n, dim[i], KT_PLAIN)
                          : kt_floats(kt, rows.n, p.width, KT_EQUAL);

        kt_bench(kt, &p,
                 (void *[]){s, kt_floats(kt, rows.n, 1, KT_EQUAL), rows.ptr, table,
                            kt_out(kt, (int64_t)rows.n * p.most), kt_out(kt, rows.n),
                            kt_out(kt, 3 * (int64_t)rows.n), kt_out(kt, rows.n)},
                 (int64_t)rows.n * 64 * 8, "4 frames of 576%s, 64 steps",
                 dim[i] ? ", rows of 1024" : "");
    }
}

const struct kt_kernel kt_kernel_dpp = {"dpp", cases, bench};
