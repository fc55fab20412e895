/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <string.h>

static void check(struct golden_case *c, const struct wn_snapkv *p)
{
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const struct wn_heads q = golden_heads(c, &b, "in.q"), k = golden_heads(c, &b, "in.k");
    const struct wn_heads v = golden_heads(c, &b, "in.v");
    const struct wn_picked kept = wn_snapkv(&b, p, q, k);
    const int64_t rows = (int64_t)kept.heads * kept.each, size = rows * k.dim;
    const int32_t *idx = golden_out(c, &b, kept.idx, rows);
    const float *kept_k = golden_out(c, &b, wn_kv_take(&b, k, &kept).data, size);
    const float *kept_v = golden_out(c, &b, wn_kv_take(&b, v, &kept).data, size);
    if (!golden_end(c, &b))
        return;
    if (!p->by_score) {
        golden_expect_i32(c, "out.kept_sorted", golden_keys(c, idx, rows, k.n), rows);
    } else if (golden_has_tensor(c, "out.kept")) { /* not where plateaus leave the order open */
        golden_expect_i32(c, "out.kept", golden_keys(c, idx, rows, k.n), rows);
        golden_expect_f32(c, "out.k", kept_k, size);
        golden_expect_f32(c, "out.v", kept_v, size);
    }
}

static void run(struct golden_case *c)
{
    struct wn_snapkv p = {
        .window = (int32_t)golden_int(c, "window_size"),
        .capacity = (int32_t)golden_int(c, "max_capacity_prompt"),
        .width = (int32_t)golden_int(c, "kernel_size"),
        .max_pool = !strcmp(golden_str(c, "pooling"), "maxpool"),
    };

    check(c, &p);
    p.by_score = true;
    check(c, &p);
}

const struct golden_set golden_snapkv = {
    .name = "snapkv",
    .runs_kernels = true,
    .run = run,
};
