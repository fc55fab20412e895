/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* A random order of each frame's rows, and the first ones of it kept; frames with mode != 0 keep
 * any rows. how: 0 none, 1 all, 2 some. */
static void order(struct kt *kt, const struct kt_rows *rows, const int32_t *mode, int how,
                  int32_t *rank, int32_t *keep)
{
    for (int32_t f = 0; f < rows->n_frames; f++) {
        const int32_t first = rows->ptr[f], m = rows->ptr[f + 1] - first;
        const int32_t kept = how == 0 ? 0 : how == 1 ? m : kt_between(kt, 0, m);
        for (int32_t j = 0; j < m; j++) {
            const int32_t k = kt_below(kt, j + 1);
            rank[first + j] = rank[first + k];
            rank[first + k] = j;
        }
        for (int32_t j = first; j < first + m; j++)
            keep[j] = mode[f] ? kt_below(kt, 2) : rank[j] < kept;
    }
}

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 12; i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_compact_params p = {rows.n, rows.n_frames, i % 2};
            int32_t *rank = kt_ints(kt, rows.n, 0, 0), *keep = kt_ints(kt, rows.n, 0, 1);
            int32_t *mode = kt_ints(kt, rows.n_frames, i < 6 ? 0 : -1, i < 6 ? 0 : 1);

            order(kt, &rows, mode, i / 2 % 3, rank, keep);
            kt_check(kt, &p,
                     (void *[]){keep, rank, mode, rows.ptr, kt_out(kt, rows.n),
                                kt_out(kt, rows.n_frames + 1)},
                     "%s, kept %d, %s%s", rows.name, i / 2 % 3, i % 2 ? "by rank" : "ascending",
                     i < 6 ? "" : ", modes");
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_compact_params p = {rows.n, rows.n_frames, 1};
    int32_t *rank = kt_ints(kt, rows.n, 0, 0), *keep = kt_ints(kt, rows.n, 0, 0);
    int32_t *mode = kt_ints(kt, rows.n_frames, 0, 0);

    order(kt, &rows, mode, 2, rank, keep);
    kt_bench(kt, &p,
             (void *[]){keep, rank, mode, rows.ptr, kt_out(kt, rows.n),
                        kt_out(kt, rows.n_frames + 1)},
             (int64_t)rows.n * 12, "64 frames of 196");
}

const struct kt_kernel kt_kernel_compact = {"compact", cases, bench};
