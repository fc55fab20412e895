/* SPDX-License-Identifier: MIT */
#include "parts.h"

wn_buf wn_keyformer_score(struct wn_kv *b, const struct wn_attend *a, wn_buf noise, float tau,
                          wn_buf score)
{
    const int32_t size = a->q.heads * a->n_queries * a->k.n;
    const wn_buf logits = wn_kv_logits(b, a);
    const wn_buf noisy = wn_kv_blend(b, logits, 1 / tau, noise, 1 / tau, 0, 0, size);
    const wn_buf now = wn_kv_columns(b, a, wn_kv_soft(b, a, noisy), NULL);

    return score == WN_NONE ? now
                            : wn_kv_blend(b, now, 1, score, 1, 0, 0, a->k.heads * a->k.n);
}

wn_buf wn_keyformer_mask(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score,
                         wn_buf was, wn_buf *next)
{
    const int32_t n = score.heads * score.n;
    wn_buf scored;
    wn_buf allow = wn_kv_as_floats(b, wn_kv_next_mask(b, p, score, &scored), n);

    if (was != WN_NONE)
        allow = wn_kv_blend(b, allow, 0, wn_kv_as_floats(b, was, n), 0, 1, 0, n);
    *next = wn_kv_blend(b, score.data, 0, allow, 0, 1, 0, n);
    return wn_kv_as_flags(b, allow, n);
}
