/* SPDX-License-Identifier: MIT */
#include "parts.h"

struct wn_picked wn_snapkv(struct wn_kv *b, const struct wn_snapkv *p, struct wn_heads q,
                           struct wn_heads k)
{
    const int32_t window = WN_MIN(p->window, k.n);
    const struct wn_attend a = {
        .q = q,
        .k = k,
        .first = q.n - window,
        .n_queries = window,
        .seen = k.n - window + 1,
    };
    const struct wn_span all = {k.n, k.n};
    const struct wn_span span[] = {{k.n - window, p->capacity - window}, {window, window}};

    if (k.n < p->capacity)
        return wn_kv_pick(b, WN_NONE, k.heads, k.n, &all, 1, false);
    const struct wn_heads received = {
        .data = wn_kv_received(b, &a, NULL),
        .heads = k.heads,
        .n = k.n,
        .dim = 1,
    };
    return wn_kv_pick(b, wn_kv_pool(b, received, window, p->width, p->max_pool), k.heads, k.n,
                      span, WN_LEN(span), p->by_score);
}
