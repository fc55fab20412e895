/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

static float value(const void *arg, int32_t row, int32_t column)
{
    return ((const float *)arg)[row];
}

static struct wn_rows *frames(struct golden_case *c, int32_t T, int32_t each, int32_t before)
{
    int64_t s[8] = {0}, g[8] = {0};
    const float *x = golden_f32(c, "in.hidden", s, NULL);
    const float *attn = golden_f32(c, "in.frame_attn", NULL, NULL);
    const float *global = golden_f32(c, "in.frame_global", g, NULL);
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, x + before * s[1], T, 1, each, false,
                                                          (int32_t)s[1]);
    if (!rows)
        return NULL;
    golden_set_attn(c, rows, 1, 1, 25, 27, value, attn);
    rows->global_dim = (int32_t)g[1];
    rows->global = wn_calloc((size_t)T * (size_t)g[1], sizeof(*rows->global));
    if (rows->global)
        memcpy(rows->global, global, (size_t)T * (size_t)g[1] * sizeof(*global));
    else
        golden_fail(c, "out of memory");
    return rows;
}

/* With the text around them, which stays as it is. */
static void check_rows(struct golden_case *c, const struct wn_rows *rows, int32_t before,
                       int32_t video)
{
    int64_t s[8] = {0};
    const float *x = golden_f32(c, "in.hidden", s, NULL);
    const int32_t after = (int32_t)s[0] - before - video, n = before + rows->n + after;
    int32_t *index = golden_alloc(c, n);
    float *y = golden_alloc(c, n * s[1]);

    for (int32_t i = 0; index && y && i < n; i++) {
        const int32_t r = i - before;
        const bool text = r < 0 || r >= rows->n;
        index[i] = r < 0 ? i : text ? i - rows->n + video : before + rows->w.idx[rows->w.ptr[r]];
        memcpy(y + i * s[1], text ? x + index[i] * s[1] : rows->data + r * s[1],
               (size_t)s[1] * sizeof(*y));
    }
    golden_expect_i32(c, "out.keep_index", index, n);
    golden_expect_f32(c, "out.hidden", y, n * s[1]);
}

/* A frame that tells others has rows of them; those of all of them are its segment. */
static void check_segments(struct golden_case *c, const struct wn_rows *rows, int32_t T,
                           int32_t each, int32_t salient)
{
    int32_t *context = golden_alloc(c, T), *end = golden_alloc(c, T), *size = golden_alloc(c, T);
    int32_t n = 0;

    for (int32_t f = 0; context && end && size && f < T; f++) {
        context[f] = rows->frame_ptr[f + 1] - rows->frame_ptr[f] - salient;
        for (int32_t k = rows->w.ptr[rows->frame_ptr[f]]; k < rows->w.ptr[rows->frame_ptr[f + 1]];
             k++)
            end[f] = WN_MAX(end[f], rows->w.idx[k] / each + 1);
    }
    for (int32_t f = 0, first = 0; context && end && size && f < T; f++) {
        int32_t begin = f;
        if (!context[f] || end[f] != f + 1) /* the last frame of a segment tells it */
            continue;
        for (int32_t k = rows->w.ptr[rows->frame_ptr[f]]; k < rows->w.ptr[rows->frame_ptr[f + 1]];
             k++)
            begin = WN_MIN(begin, rows->w.idx[k] / each);
        if (begin != first)
            golden_fail(c, "a segment begins at frame %d, not %d", (int)first, (int)begin);
        size[n++] = f + 1 - first;
        first = f + 1;
    }
    golden_expect_i32(c, "out.context_per_frame", context, T);
    golden_expect_i32(c, "out.segment_sizes", size, n);
}

static void run(struct golden_case *c)
{
    const int32_t T = (int32_t)golden_int(c, "frame_num");
    const int32_t each = (int32_t)golden_int(c, "frame_token_len");
    const int32_t before = (int32_t)golden_int(c, "video_start_idx");
    const char *keep = golden_str(c, "retention_ratio"), *tau = golden_str(c, "DySeg_tau");
    const char *context = golden_str(c, "STPrune_d"), *beta = golden_str(c, "DTM_beta");
    const int32_t all = (int32_t)(each * golden_num(c, "retention_ratio"));
    struct wn_rows *rows = frames(c, T, each, before);

    if (golden_run_chain(c, &rows, false,
                         "fastvid=keep=%s:tau=%s:context=%s:beta=%s:segments=%d:step=%d", keep, tau,
                         context, beta, (int)golden_int(c, "DySeg_c"),
                         (int)golden_int(c, "DTM_p"))) {
        check_rows(c, rows, before, T * each);
        check_segments(c, rows, T, each, all - (int32_t)(all * golden_num(c, "STPrune_d")));
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_fastvid = {
    .name = "fastvid",
    .runs_kernels = true,
    .run = run,
};
