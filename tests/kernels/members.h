/* SPDX-License-Identifier: MIT */
/* Inputs that member_count and member_fill share. */
#ifndef KT_MEMBERS_H
#define KT_MEMBERS_H

#include "harness.h"

/* Rows of the output, each standing for another row of its frame, and what the other rows go to. */
struct kt_members {
    struct kt_rows rows, out;
    int32_t *to;   /* [rows.n] */
    int32_t *base; /* [out.n] */
};

static inline struct kt_members kt_members(struct kt *kt, struct kt_rows rows, int32_t most)
{
    struct kt_members m = {.rows = rows, .out = kt_fewer_rows(kt, &rows, most)};

    m.to = kt_ints(kt, rows.n, WN_NONE, WN_NONE);
    m.base = kt_ints(kt, m.out.n, WN_NONE, WN_NONE);
    for (int32_t f = 0; f < rows.n_frames; f++) {
        const int32_t first = m.out.ptr[f], count = m.out.ptr[f + 1] - first;
        const int32_t shift = kt_between(kt, 0, rows.ptr[f + 1] - rows.ptr[f] - count);
        for (int32_t j = 0; j < count; j++)
            m.base[first + j] = rows.ptr[f] + shift + j;
        for (int32_t i = rows.ptr[f]; i < rows.ptr[f + 1]; i++) {
            if (count && kt_below(kt, 4))
                m.to[i] = m.base[first + kt_below(kt, count)];
        }
    }
    return m;
}

#endif
