/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

static void check_output(struct golden_case *c)
{
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const struct wn_heads q = golden_heads(c, &b, "in.q"), v = golden_heads(c, &b, "in.v");
    const struct wn_attend a = {
        .q = q,
        .k = golden_heads(c, &b, "in.k"),
        .n_queries = q.n,
        .seen = 1,
    };
    const wn_buf y = golden_attend(c, &b, wn_kv_attention(&b, &a), q.heads, q.n, v);
    const float *out = golden_out(c, &b, y, (int64_t)q.heads * q.n * v.dim);
    if (golden_end(c, &b))
        golden_expect_f32(c, "out.attn_out", out, (int64_t)q.heads * q.n * v.dim);
}

static void run(struct golden_case *c)
{
    const struct wn_a2sf p = {
        .budget = (int32_t)golden_int(c, "total_budget"),
        .recent = (int32_t)golden_int(c, "recent_budget"),
        .window = (int32_t)WN_MAX(golden_int(c, "observation_window"), 0),
        .factor = golden_num(c, "forgetting_factor"),
    };
    struct wn_kv b;

    check_output(c);
    if (!golden_begin(c, &b))
        return;
    const struct wn_heads k = golden_heads(c, &b, "in.k");
    const struct wn_picked kept = wn_a2sf(&b, &p, golden_heads(c, &b, "in.q"), k);
    const int64_t rows = (int64_t)kept.heads * kept.each;
    const int32_t *idx = golden_out(c, &b, kept.idx, rows);
    if (golden_end(c, &b))
        golden_expect_i32(c, "out.kept", golden_keys(c, idx, rows, k.n), rows);
}

const struct golden_set golden_a2sf = {
    .name = "a2sf",
    .runs_kernels = true,
    .run = run,
};
