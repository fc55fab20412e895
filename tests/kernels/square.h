/* SPDX-License-Identifier: MIT */
/* Matrices of rows against the rows of their frame. */
#ifndef KT_SQUARE_H
#define KT_SQUARE_H

#include "harness.h"

/* The most rows of a frame, at least 1. */
static inline int32_t kt_width(const struct kt_rows *rows)
{
    int32_t most = 1;

    for (int32_t f = 0; f < rows->n_frames; f++)
        most = WN_MAX(most, rows->ptr[f + 1] - rows->ptr[f]);
    return most;
}

/* Frames that a search makes products of, within what software devices loop. */
static inline struct kt_rows kt_rows_for_search(struct kt *kt, int shape)
{
    return shape == 2 ? kt_even_rows(kt, 1, 220) : kt_rows(kt, shape);
}

/* How many of m rows to take, for m in 0 .. n: `most` at most, sometimes more than there are. */
static inline int32_t *kt_steps(struct kt *kt, const struct kt_rows *rows, int32_t most)
{
    return kt_ints(kt, (int64_t)rows->n + 1, 0, most);
}

/* Rows of a matrix: all of them, or a part, which may be none or cut frames. */
struct kt_strip {
    int32_t skip, n;
};
static inline struct kt_strip kt_strip(struct kt *kt, const struct kt_rows *rows, int turn)
{
    const int32_t skip = turn % 2 ? kt_between(kt, 0, rows->n) : 0;

    return (struct kt_strip){skip, turn % 2 ? kt_between(kt, 0, rows->n - skip) : rows->n};
}

/* The same frames without the first one, whose rows stay where they are. */
static inline struct kt_rows kt_later_rows(struct kt *kt, const struct kt_rows *rows)
{
    struct kt_rows later = *rows;

    if (rows->n_frames < 2)
        return later;
    later.n_frames--;
    later.ptr = kt_ints(kt, (int64_t)later.n_frames + 1, 0, 0);
    for (int32_t f = 0; f <= later.n_frames; f++)
        later.ptr[f] = rows->ptr[f + 1];
    return later;
}

#endif
