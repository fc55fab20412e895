/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* The same place in the next frame, for most rows. */
static int32_t *next_rows(struct kt *kt, const struct kt_rows *rows)
{
    int32_t *next = kt_ints(kt, rows->n, WN_NONE, WN_NONE);

    for (int32_t f = 0; f + 1 < rows->n_frames; f++) {
        const int32_t m = rows->ptr[f + 2] - rows->ptr[f + 1];
        for (int32_t i = rows->ptr[f]; i < rows->ptr[f + 1] && i - rows->ptr[f] < m; i++)
            next[i] = kt_below(kt, 40) ? rows->ptr[f + 1] + i - rows->ptr[f] : WN_NONE;
    }
    return next;
}

/* Most rows are their own. */
static int32_t *mates(struct kt *kt, const struct kt_rows *rows)
{
    int32_t *mate = kt_ints(kt, rows->n, 0, 0);

    for (int32_t i = 0; i < rows->n; i++)
        mate[i] = kt_below(kt, 4) ? i : WN_NONE;
    return mate;
}

static int32_t *starts(struct kt *kt, int32_t n, int32_t longest)
{
    int32_t *start = kt_ints(kt, n, 0, 0);

    for (int32_t t = 0; t < n;) {
        const int32_t end = WN_MIN(n, t + kt_between(kt, 1, longest));
        for (int32_t i = t; i < end; i++)
            start[i] = t;
        t = end;
    }
    return start;
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 3, 64, 65, 200};
    static const enum kt_style styles[] = {KT_PLAIN, KT_EQUAL, KT_TIES, KT_ZEROS, KT_SPREAD};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < WN_LEN(styles); i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_steady_params p = {rows.n, rows.n_frames,
                                               dims[(shape + i) % WN_LEN(dims)], 0.3f};

            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, p.dim, styles[i]), next_rows(kt, &rows),
                                mates(kt, &rows), starts(kt, rows.n_frames, 1 + i * 2), rows.ptr,
                                kt_out(kt, rows.n)},
                     "%s, %d wide, %s", rows.name, p.dim, kt_style_name(styles[i]));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 16, 196);
    const struct wn_steady_params p = {rows.n, rows.n_frames, 1024, 0.8f};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), next_rows(kt, &rows),
                        mates(kt, &rows), starts(kt, rows.n_frames, 8), rows.ptr,
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 4, "16 frames of 196, 1024 wide");
}

const struct kt_kernel kt_kernel_steady = {"steady", cases, bench};
