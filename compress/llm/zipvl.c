/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <stdlib.h>

struct wn_picked wn_zipvl(struct wn_kv *b, const struct wn_attend *a, float tau)
{
    const int32_t n = a->k.n, all = a->k.heads * n;
    const struct wn_span every = {n, n};
    float *share = (float *)wn_kv_scratch(b, all);
    struct wn_picked picked = {.heads = a->k.heads, .n = n, .keep = WN_NONE};

    /* A causal key is seen by the queries from its own place on. */
    for (int32_t i = 0; share && i < all; i++) {
        const int32_t blind = a->seen ? WN_MAX(i % n - a->seen + 1, 0) : 0;
        share[i] = 1.0f / (float)WN_MAX(a->n_queries - blind, 1);
    }
    if (!share)
        return picked;
    const wn_buf score = wn_kv_blend(b, wn_kv_received(b, a, NULL), 0,
                                     wn_plan_owned(b->plan, "shares", share, all), 0, 1, 0, all);
    free(share);
    const wn_buf ptr = wn_kv_ptr(b, a->k.heads, n), rank = wn_plan_temp(b->plan, "rank", all);
    const wn_buf order = wn_plan_temp(b->plan, "order", all);
    const wn_buf zeros = wn_kv_repeat(b, a->k.heads, 1);
    const wn_buf ones = wn_kv_pick(b, WN_NONE, a->k.heads, n, &every, 1, false).keep;
    const wn_buf out_ptr = wn_plan_temp(b->plan, "order ptr", (int64_t)a->k.heads + 1);
    WN_CALL(b, rank, (&(struct wn_rank_params){all, a->k.heads, 1}), score, ptr, rank);
    WN_CALL(b, compact, (&(struct wn_compact_params){all, a->k.heads, 1}), ones, rank, zeros, ptr,
            order, out_ptr);
    picked.keep = wn_plan_temp(b->plan, "keep", all);
    WN_CALL(b, enough, (&(struct wn_enough_params){all, a->k.heads, tau}),
            wn_kv_index(b, score, order, out_ptr, a->k.heads, all, 1), rank, ptr, picked.keep);
    wn_kv_compact(b, &picked);
    return picked;
}
