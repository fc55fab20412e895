/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>
#include <stdlib.h>

struct wn_picked wn_a2sf(struct wn_kv *b, const struct wn_a2sf *p, struct wn_heads q,
                         struct wn_heads k)
{
    const int32_t window = p->window ? WN_MIN(p->window, q.n) : q.n;
    const int32_t recent = WN_MIN(p->recent, k.n);
    const struct wn_span all = {k.n, k.n};
    const struct wn_span span[] = {{k.n - recent, p->budget - recent}, {recent, recent}};
    const struct wn_attend a = {
        .q = q,
        .k = k,
        .first = q.n - window,
        .n_queries = window,
        .seen = k.n - window + 1,
    };

    if (k.n <= p->budget)
        return wn_kv_pick(b, WN_NONE, k.heads, k.n, &all, 1, false);
    float *weight = (float *)wn_kv_scratch(b, window);
    for (int32_t i = 0; weight && i < window; i++)
        weight[i] = p->window ? 1 : (float)pow(p->factor, window - 1 - i);
    const wn_buf score = wn_kv_received(b, &a, weight);
    free(weight);
    return wn_kv_pick(b, score, k.heads, k.n, span, WN_LEN(span), false);
}
