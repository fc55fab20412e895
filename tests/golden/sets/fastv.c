/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

static void run(struct golden_case *c)
{
    const struct wn_fastv p = {
        .image = (int32_t)golden_int(c, "image_token_start"),
        .n_image = (int32_t)golden_int(c, "image_token_length"),
        .drop = golden_num(c, "fastv_r"),
    };
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    struct wn_heads attn = golden_heads(c, &b, "in.attn_last_row");
    const struct wn_heads hidden = golden_heads(c, &b, "in.hidden");
    attn.heads = attn.n;
    attn.n = attn.dim;
    const struct wn_picked kept = wn_fastv(&b, &p, attn);
    const struct wn_heads rows = wn_kv_take(&b, hidden, &kept);
    const int32_t *idx = golden_out(c, &b, kept.idx, kept.each);
    const float *data = golden_out(c, &b, rows.data, (int64_t)rows.n * rows.dim);
    if (golden_end(c, &b)) {
        golden_expect_i32(c, "out.keep", idx, kept.each);
        golden_expect_i32(c, "out.position_ids", idx, kept.each); /* they keep their places */
        golden_expect_f32(c, "out.hidden", data, (int64_t)rows.n * rows.dim);
    }
}

const struct golden_set golden_fastv = {
    .name = "fastv",
    .runs_kernels = true,
    .run = run,
};
