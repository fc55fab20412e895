/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

static const int32_t *choose(struct golden_case *c, bool by_score, int32_t *each)
{
    int64_t shape[8] = {0}, sizes[8] = {0};
    const float *attn = golden_f32(c, "in.attn", shape, NULL);
    const int32_t *size = golden_i32(c, "in.sizes", sizes, NULL);
    struct wn_prunevid_window *window = golden_alloc(c, sizes[0] * 3);
    const struct wn_prunevid_select p = {
        .alpha = golden_num(c, "alpha"),
        .window = window,
        .n_windows = (int32_t)sizes[0],
        .by_score = by_score,
    };
    struct wn_kv b;

    for (int64_t w = 0; size && window && w < sizes[0]; w++)
        window[w] = (struct wn_prunevid_window){size[3 * w], size[3 * w + 1] / size[3 * w + 2],
                                                size[3 * w + 2]}; /* there: of all frames */
    if (!golden_begin(c, &b))
        return NULL;
    const int32_t rows = (int32_t)(shape[0] * shape[1]), n = (int32_t)shape[2];
    const struct wn_picked kept =
        wn_prunevid_select(&b, &p, golden_input(&b, attn, rows, n, 1).data, rows, n);
    const int32_t *idx = golden_out(c, &b, kept.idx, kept.each);
    *each = kept.each;
    return golden_end(c, &b) ? idx : NULL;
}

static void run(struct golden_case *c)
{
    int32_t n = 0;
    const int32_t *idx = choose(c, true, &n), *sorted = choose(c, false, &n);

    if (idx && sorted) {
        golden_expect_i32(c, "out.index", idx, n);
        golden_expect_i32(c, "out.index_sorted", sorted, n);
    }
}

const struct golden_set golden_prunevid_select = {
    .name = "prunevid_select",
    .runs_kernels = true,
    .run = run,
};
