/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/chain.h"

/* Where each row went: a row has the largest share in the part that it joined, where it counts
 * once more. */
static void check_closest(struct golden_case *c, const struct wn_rows *rows, int32_t n)
{
    int32_t *to = golden_alloc(c, n);
    float *most = golden_alloc(c, n), *share = golden_alloc(c, n);

    for (int32_t r = 0; to && most && share && r < rows->n; r++) {
        const int32_t first = rows->w.ptr[r], end = rows->w.ptr[r + 1];
        for (int32_t k = first; k < end; k++)
            share[rows->w.idx[k]] = 0;
        for (int32_t k = first; k < end; k++) {
            const int32_t i = rows->w.idx[k];
            share[i] += rows->w.weight[k];
            if (share[i] * (float)(end - first) > most[i]) {
                most[i] = share[i] * (float)(end - first);
                to[i] = r;
            }
        }
    }
    golden_expect_i32(c, "out.closest", to, n);
}

/* The parts of frames. */
static void check_frames(struct golden_case *c, const struct wn_rows *rows, int32_t each)
{
    int32_t *count = golden_alloc(c, rows->n_frames);
    int32_t *part = golden_alloc(c, (int64_t)rows->n_frames * each);

    for (int32_t f = 0; count && part && f < rows->n_frames; f++) {
        count[f] = rows->frame_ptr[f + 1] - rows->frame_ptr[f];
        for (int32_t r = rows->frame_ptr[f]; r < rows->frame_ptr[f + 1]; r++) {
            for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++)
                part[rows->w.idx[k]] = r - rows->frame_ptr[f];
        }
    }
    golden_expect_i32(c, "out.step1_per_frame", count, rows->n_frames);
    golden_expect_i32(c, "mid.frame_component", part, (int64_t)rows->n_frames * each);
}

static void run(struct golden_case *c)
{
    int64_t s[8] = {0};
    const float *x = golden_f32(c, "in.tokens", s, NULL);
    const char *tau = golden_str(c, "tau");
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)s[0], 1, (int32_t)s[1], false,
                                           (int32_t)s[2]) : NULL;

    if (golden_run_chain(c, &rows, false, "llava_scissor=tau=%s", tau)) {
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        check_closest(c, rows, (int32_t)(s[0] * s[1]));
    }
    wn_rows_destroy(&rows);
    rows = x ? golden_rows(c, x, (int32_t)s[0], 1, (int32_t)s[1], false, (int32_t)s[2]) : NULL;
    if (golden_run_chain(c, &rows, false, "llava_scissor=per=frame:tau=%s", tau))
        check_frames(c, rows, (int32_t)s[1]);
    wn_rows_destroy(&rows);
}

const struct golden_set golden_llava_scissor = {
    .name = "llava_scissor",
    .runs_kernels = true,
    .run = run,
};
