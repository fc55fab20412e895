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

#endif
