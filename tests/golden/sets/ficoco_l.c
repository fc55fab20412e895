/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

/* Targets and weights in order, from the ranks of all. */
static void check_targets(struct golden_case *c, const struct wn_ficoco_l_out *o, int32_t r,
                          int32_t v, const int32_t *order, const float *value)
{
    int32_t *target = golden_alloc(c, (int64_t)r * o->targets);
    float *top = golden_alloc(c, (int64_t)r * o->targets);

    for (int32_t i = 0; target && top && i < r * v; i++) {
        if (order[i] < o->targets) {
            target[i / v * o->targets + order[i]] = i % v;
            top[i / v * o->targets + order[i]] = value[i];
        }
    }
    golden_expect_i32(c, "out.targets", target, (int64_t)r * o->targets);
    golden_expect_f32(c, "out.top_values", top, (int64_t)r * o->targets);
}

static void run(struct golden_case *c)
{
    const int32_t text = (int32_t)golden_int(c, "text_tokens");
    const struct wn_ficoco_l p = {
        .n_visual = (int32_t)golden_int(c, "v_tokens"),
        .s = (int32_t)golden_int(c, "v_tokens") + text,
        .merge = (int32_t)golden_int(c, "r"),
        .alpha = (float)golden_num(c, "a"),
        .gamma = (float)golden_num(c, "g"),
        .released = true,
    };
    const int32_t v = p.n_visual, r = p.merge; /* text rows follow the visual ones */
    int64_t shape[8] = {0};
    const float *att = golden_f32(c, "in.att_logits", NULL, NULL);
    const float *hidden = golden_f32(c, "in.hidden", shape, NULL);
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const int32_t dim = (int32_t)shape[1];
    const struct wn_ficoco_l_out o =
        wn_ficoco_l(&b, &p, golden_input(&b, att, 1, p.s, p.s).data,
                    golden_input(&b, hidden, 1, v, dim));
    const int32_t *merged = golden_out(c, &b, o.merged.idx, r);
    const int32_t *stay = golden_out(c, &b, o.stay.idx, v - r);
    const int32_t *order = golden_out(c, &b, o.order, (int64_t)r * v);
    const float *value = golden_out(c, &b, o.value, (int64_t)r * v);
    const float *rows = golden_out(c, &b, o.rows, (int64_t)(v - r) * dim);
    if (golden_end(c, &b)) {
        golden_expect_i32(c, "out.merge_idx", merged, r);
        golden_expect_i32(c, "out.remain_idx", stay, v - r);
        check_targets(c, &o, r, v, order, value);
        golden_expect_f32(c, "out.features", rows, (int64_t)(v - r) * dim);
    }
}

const struct golden_set golden_ficoco_l = {
    .name = "ficoco_l",
    .runs_kernels = true,
    .run = run,
};
