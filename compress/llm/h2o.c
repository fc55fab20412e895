/* SPDX-License-Identifier: MIT */
#include "parts.h"

wn_buf wn_h2o_score(struct wn_kv *b, const struct wn_attend *a, wn_buf score)
{
    const wn_buf now = wn_kv_received(b, a, NULL);

    return score == WN_NONE ? now
                            : wn_kv_blend(b, now, 1, score, 1, 0, 0, a->k.heads * a->k.n);
}

struct wn_picked wn_h2o_evict(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score)
{
    const int32_t recent = WN_MIN(p->recent, score.n);
    const struct wn_span span[] = {{score.n - recent, p->heavy}, {recent, recent}};

    return wn_kv_pick(b, score.data, score.heads, score.n, span, WN_LEN(span), false);
}

wn_buf wn_kv_next_mask(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score,
                       wn_buf *scored)
{
    const int32_t n = score.n, recent = WN_MIN(p->recent, n);
    const int32_t lost = p->released && recent > 0; /* the key before the recent ones */
    const int32_t fresh = WN_MAX(recent - 1, 0);    /* the next query's key is recent, too */
    const struct wn_span all = {n, n};
    const struct wn_span span[] = {{n - fresh - lost, p->heavy}, {lost, 0}, {fresh, fresh}};
    const struct wn_span own[] = {{n - fresh - lost, p->heavy}, {lost + fresh, n}};

    if (n <= p->heavy + p->recent) {
        *scored = wn_kv_pick(b, WN_NONE, score.heads, n, &all, 1, false).keep;
        return *scored;
    }
    *scored = wn_kv_pick(b, score.data, score.heads, n, own, WN_LEN(own), false).keep;
    return wn_kv_pick(b, score.data, score.heads, n, span, WN_LEN(span), false).keep;
}

wn_buf wn_h2o_mask(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score, wn_buf *next)
{
    const int32_t n = score.heads * score.n;
    wn_buf scored;
    const wn_buf allow = wn_kv_next_mask(b, p, score, &scored);

    *next = wn_kv_blend(b, score.data, 0, wn_kv_as_floats(b, scored, n), 0, 1, 0, n);
    return allow;
}
