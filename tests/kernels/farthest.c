/* SPDX-License-Identifier: MIT */
#include "square.h"

/* Its matrix is one of unit rows. No denormals: whether one that is chosen from two, but goes into
 * no sum, is flushed is open. */
static void cases(struct kt *kt)
{
    static const enum kt_style styles[] = {KT_PLAIN, KT_EQUAL, KT_TIES, KT_ZEROS, KT_SPREAD};
    static const int32_t most[] = {0, 1, 7, 400};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_farthest_params p = {rows.n, rows.n_frames, kt_width(&rows), 0};
            const int32_t steps = most[(shape + i) % WN_LEN(most)];

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, p.width, styles[i]), rows.ptr,
                                kt_steps(kt, &rows, steps), kt_out(kt, rows.n),
                                kt_out(kt, 3 * (int64_t)rows.n), kt_out(kt, rows.n)},
                     "%s, %s, up to %d steps", rows.name, kt_style_name(styles[i]), steps);
        }
    }
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++) {
            const struct kt_rows rows = kt_rows_for_search(kt, shape);
            const struct wn_farthest_params p = {rows.n, rows.n_frames, kt_width(&rows),
                                                 rows.n > 1000 ? 3 : 65 + shape};
            const int32_t steps = most[(shape + i + 2) % WN_LEN(most)];

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, p.dim, styles[i]), rows.ptr,
                                kt_steps(kt, &rows, steps), kt_out(kt, rows.n),
                                kt_out(kt, 3 * (int64_t)rows.n), kt_out(kt, rows.n)},
                     "rows of %d, %s, %s, up to %d steps", p.dim, rows.name,
                     kt_style_name(styles[i]), steps);
        }
    }
}

static void bench(struct kt *kt)
{
    static const int32_t dim[] = {0, 1024};

    for (int i = 0; i < WN_LEN(dim); i++) {
        const struct kt_rows rows = kt_even_rows(kt, 4, 576);
        const struct wn_farthest_params p = {rows.n, rows.n_frames, 576, dim[i]};
        const int32_t width = dim[i] ? dim[i] : p.width;
        int32_t *table = kt_ints(kt, rows.n + 1, 56, 56);

        kt_bench(kt, &p,
                 (void *[]){kt_floats(kt, rows.n, width, KT_PLAIN), rows.ptr, table,
                            kt_out(kt, rows.n), kt_out(kt, 3 * (int64_t)rows.n),
                            kt_out(kt, rows.n)},
                 (int64_t)rows.n * width * 4, "4 frames of 576%s, 56 steps",
                 dim[i] ? ", rows of 1024" : "");
    }
}

const struct kt_kernel kt_kernel_farthest = {"farthest", cases, bench};
