/* SPDX-License-Identifier: MIT */
/* Inputs that around_count and around_fill share. */
#ifndef KT_AROUND_H
#define KT_AROUND_H

#include "square.h"

/* Flagged rows, and one more of each frame that has some which are not. */
struct kt_around {
    struct kt_rows rows, out;
    int32_t *flag; /* [rows.n] */
    int32_t *base; /* [out.n] */
};

static inline struct kt_around kt_around(struct kt *kt, struct kt_rows rows, int32_t rare)
{
    struct kt_around a = {.rows = rows, .out = rows};

    a.flag = kt_ints(kt, rows.n, 0, rare);
    a.base = kt_ints(kt, rows.n, 0, 0);
    a.out.ptr = kt_ints(kt, (int64_t)rows.n_frames + 1, 0, 0);
    a.out.rows = 0;
    for (int32_t i = 0; i < rows.n; i++)
        a.flag[i] = a.flag[i] == 0;
    for (int32_t f = 0; f < rows.n_frames; f++) {
        int32_t first = WN_NONE;
        for (int32_t i = rows.ptr[f]; i < rows.ptr[f + 1]; i++) {
            if (a.flag[i])
                a.base[a.out.rows++] = i;
            else if (first == WN_NONE)
                first = i;
        }
        if (first != WN_NONE)
            a.base[a.out.rows++] = first;
        a.out.ptr[f + 1] = a.out.rows;
    }
    return a;
}

#endif
