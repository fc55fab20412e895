/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* The same place in the frame before or after, for most rows; places may lack a frame. */
static int32_t *links(struct kt *kt, const struct kt_rows *rows, int step)
{
    int32_t *link = kt_ints(kt, rows->n, WN_NONE, WN_NONE);

    for (int32_t f = 0; f < rows->n_frames; f++) {
        const int32_t g = f + step;
        if (g < 0 || g >= rows->n_frames)
            continue;
        const int32_t m = rows->ptr[g + 1] - rows->ptr[g];
        for (int32_t i = rows->ptr[f]; i < rows->ptr[f + 1] && i - rows->ptr[f] < m; i++)
            link[i] = rows->ptr[g] + i - rows->ptr[f] - (kt_below(kt, 30) == 0 && i > rows->ptr[f]);
    }
    return link;
}

static void check(struct kt *kt, int shape, int32_t dim, int32_t length, enum kt_style style)
{
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_bank_params p = {rows.n, rows.n_frames, dim, length};

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, dim, style), links(kt, &rows, -1),
                        links(kt, &rows, 1), rows.ptr, kt_out(kt, (int64_t)rows.n * dim),
                        kt_out(kt, rows.n), kt_out(kt, rows.n), kt_out(kt, rows.n)},
             "%s, %d wide, %d runs, %s", rows.name, dim, length, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 3, 64, 65, 200}, lengths[] = {1, 2, 5, 12};
    static const enum kt_style styles[] = {KT_PLAIN, KT_EQUAL, KT_TIES, KT_ZEROS};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++)
            check(kt, shape, dims[(shape + i) % WN_LEN(dims)], lengths[(shape + i) % 4], styles[i]);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 32, 64);
    const struct wn_bank_params p = {rows.n, rows.n_frames, 1024, 10};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), links(kt, &rows, -1),
                        links(kt, &rows, 1), rows.ptr, kt_out(kt, (int64_t)rows.n * p.dim),
                        kt_out(kt, rows.n), kt_out(kt, rows.n), kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 8, "32 frames of 64, 1024 wide, 10 runs");
}

const struct kt_kernel kt_kernel_bank = {"bank", cases, bench};
