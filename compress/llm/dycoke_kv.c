/* SPDX-License-Identifier: MIT */
#include "parts.h"

/* The image parts of both steps, means of heads: [2][n_image]. */
static wn_buf means(struct wn_kv *b, const struct wn_dycoke_kv *p, wn_buf attn)
{
    const wn_buf y = wn_plan_temp(b->plan, "image attention", (int64_t)2 * p->n_image);
    const struct wn_reduce_params r = {
        .n = 2,
        .width = p->heads * p->stride,
        .offset = p->image,
        .n_c = p->n_image,
        .step_c = 1,
        .n_a = p->heads,
        .step_a = p->stride,
        .n_b = 1,
        .scale = 1.0f / (float)WN_MAX(p->heads, 1),
    };

    WN_CALL(b, reduce, &r, attn, y);
    return y;
}

struct wn_picked wn_dycoke_kv(struct wn_kv *b, const struct wn_dycoke_kv *p, wn_buf attn,
                              wn_buf *similarity)
{
    const int32_t mate[2] = {WN_NONE, p->first ? WN_NONE : 0};
    const wn_buf mean = means(b, p, attn);
    const struct wn_pair_cos_params c = {
        .n = 2,
        .n_frames = 1,
        .dim = p->n_image,
        .scale = 1,
    };
    const struct wn_span span[] = {
        {p->image, p->image},
        {p->n_image, p->keep},
        {p->n - p->image - p->n_image, p->n},
    };

    *similarity = wn_plan_temp(b->plan, "similarity", 2);
    WN_CALL(b, pair_cos, &c, mean, wn_plan_owned(b->plan, "mate", mate, 2), wn_kv_ptr(b, 1, 2),
            *similarity);
    const wn_buf score = wn_kv_over_rows(b, attn, p->heads, p->stride, p->heads * p->stride, p->n,
                                         1.0f / (float)WN_MAX(p->heads, 1), false);
    return wn_kv_pick(b, score, 1, p->n, span, WN_LEN(span), false);
}
