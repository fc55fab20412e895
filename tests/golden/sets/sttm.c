/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

/* t, y0, x0, y1, x1 of each square, from the rows that it is made of. */
static int32_t *boxes(struct golden_case *c, const struct wn_rows *rows, int32_t h, int32_t w)
{
    int32_t *box = golden_alloc(c, 5 * (int64_t)rows->n);

    for (int32_t r = 0; box && r < rows->n; r++) {
        const int32_t *idx = rows->w.idx, first = idx[rows->w.ptr[r]];
        int32_t *own = box + 5 * r;
        own[0] = first / (h * w);
        own[1] = first / w % h;
        own[2] = first % w;
        for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++) {
            own[3] = WN_MAX(own[3], idx[k] / w % h + 1);
            own[4] = WN_MAX(own[4], idx[k] % w + 1);
        }
    }
    return box;
}

static void check(struct golden_case *c, const struct wn_rows *rows, const struct wn_rows *squares,
                  int32_t h, int32_t w)
{
    int32_t *box = boxes(c, squares, h, w), *merged = golden_alloc(c, 5 * (int64_t)rows->n);
    int32_t *count = golden_alloc(c, rows->n);

    for (int32_t r = 0, s = 0; box && merged && count && r < rows->n; r++) {
        count[r] = rows->w.ptr[r + 1] - rows->w.ptr[r];
        while (s < squares->n && squares->w.idx[squares->w.ptr[s]] != rows->w.idx[rows->w.ptr[r]])
            s++;
        if (s < squares->n)
            memcpy(merged + 5 * r, box + 5 * s, 5 * sizeof(*box));
    }
    golden_expect_f32(c, "mid.spatial_tokens", squares->data, (int64_t)squares->n * squares->dim);
    golden_expect_i32(c, "mid.spatial_tyxyx", box, 5 * (int64_t)squares->n);
    golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
    golden_expect_i32(c, "out.num_patch", count, rows->n);
    golden_expect_i32(c, "out.tyxyx", merged, 5 * (int64_t)rows->n);
}

static bool yes(struct golden_case *c, const char *key)
{
    return !strcmp(golden_str(c, key), "True");
}

static void run(struct golden_case *c)
{
    int64_t s[8] = {0};
    const float *x = golden_f32(c, "in.tokens", s, NULL);
    const int32_t T = (int32_t)s[0], h = (int32_t)s[1], w = (int32_t)s[2], dim = (int32_t)s[3];
    const char *threshold = golden_str(c, "threshold");
    const char *temporal = golden_str(c, "temporal_thresh"), *head = golden_str(c, "head_dim");
    const int root = (int)golden_int(c, "root_level"), slow = yes(c, "slow_ver");
    const int heads = strcmp(head, "None") ? (int)golden_int(c, "head_dim") : 0;
    struct wn_rows *rows = x ? golden_rows(c, x, T, h, w, false, dim) : NULL;
    struct wn_rows *squares = x ? golden_rows(c, x, T, h, w, false, dim) : NULL;

    if (golden_run_chain(c, &squares, false,
                         "sttm=threshold=%s:temporal=2:root=%d:head_dim=%d:compat=released",
                         threshold, root, heads) &&
        golden_run_chain(c, &rows, false, "sttm=threshold=%s:temporal=%s:root=%d:head_dim=%d:"
                         "weighted_avg=%d:slow=%d:compat=released", threshold, temporal, root,
                         heads, yes(c, "weighted_avg"), slow))
        check(c, rows, squares, h, w);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&squares);
}

const struct golden_set golden_sttm = {
    .name = "sttm",
    .runs_kernels = true,
    .run = run,
};
