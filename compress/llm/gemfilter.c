/* SPDX-License-Identifier: MIT */
#include "parts.h"

struct wn_picked wn_gemfilter(struct wn_kv *b, const struct wn_gemfilter *p, struct wn_heads q,
                              struct wn_heads k, wn_buf *score)
{
    const struct wn_attend a = {
        .q = q,
        .k = k,
        .first = q.n - 1,
        .n_queries = 1,
        .scale = 1,
    };
    const wn_buf products = wn_kv_logits(b, &a);
    const struct wn_heads sum = {
        .data = wn_kv_over_rows(b, products, q.heads, k.n, 0, k.n, 1, false),
        .heads = 1,
        .n = k.n,
        .dim = 1,
    };
    const struct wn_span span = {k.n, p->keep, true};

    *score = wn_kv_pool(b, sum, 0, p->width, false);
    return wn_kv_pick(b, *score, 1, k.n, &span, 1, p->by_score);
}
