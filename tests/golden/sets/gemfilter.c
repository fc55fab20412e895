/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

static const int32_t *choose(struct golden_case *c, const struct wn_gemfilter *p, int32_t *n,
                             const float **score)
{
    struct wn_kv b;
    wn_buf pooled = WN_NONE;

    if (!golden_begin(c, &b))
        return NULL;
    const struct wn_heads q = golden_heads(c, &b, "in.q_last"), k = golden_heads(c, &b, "in.k");
    const struct wn_picked kept = wn_gemfilter(&b, p, q, k, &pooled);
    const int32_t *idx = golden_out(c, &b, kept.idx, kept.each);
    *n = kept.each;
    *score = golden_out(c, &b, pooled, k.n);
    return golden_end(c, &b) ? idx : NULL;
}

static void run(struct golden_case *c)
{
    struct wn_gemfilter p = {
        .keep = (int32_t)golden_int(c, "topk"),
        .width = (int32_t)golden_int(c, "kernel_size"),
    };
    const float *score = NULL;
    int32_t n = 0;
    const int32_t *selected = choose(c, &p, &n, &score);
    float *top = golden_alloc(c, n);

    if (selected)
        golden_expect_i32(c, "out.selected", selected, n);
    p.by_score = true;
    const int32_t *idx = choose(c, &p, &n, &score);
    for (int32_t i = 0; idx && top && i < n; i++)
        top[i] = score[idx[i]];
    if (idx) {
        golden_expect_i32(c, "out.indices", idx, n);
        golden_expect_f32(c, "out.top_values", top, n);
    }
}

const struct golden_set golden_gemfilter = {
    .name = "gemfilter",
    .runs_kernels = true,
    .run = run,
};
