/* SPDX-License-Identifier: MIT */
#include "parts.h"

struct wn_picked wn_mustdrop(struct wn_kv *b, const struct wn_mustdrop *p, struct wn_heads attn,
                             wn_buf key)
{
    const int32_t n = p->n_image, heads = WN_MAX(attn.heads, 1);
    const int32_t width = p->text * attn.n;
    const float one = 1;
    /* Means over heads first: the largest of means is not the mean of the largest. */
    const wn_buf mean = wn_kv_over_rows(b, attn.data, heads, width, 0, width, 1.0f / (float)heads,
                                        false);
    const wn_buf sum = wn_kv_over_rows(b, mean, p->text, attn.n, p->image, n, 1, false);
    const wn_buf largest = wn_kv_over_rows(b, mean, p->text, attn.n, p->image, n, 1, true);
    const wn_buf all = wn_kv_ptr(b, 1, n);
    const wn_buf by_sum = wn_plan_temp(b->plan, "by sum", n);
    const wn_buf by_largest = wn_plan_temp(b->plan, "by largest", n);
    struct wn_picked picked = {.heads = 1, .n = n};

    WN_CALL(b, over, (&(struct wn_over_params){n, 1, p->global_thr}), sum, wn_kv_total(b, sum, n),
            all, by_sum);
    WN_CALL(b, over, (&(struct wn_over_params){n, 1, p->individual_thr}), largest,
            wn_plan_owned(b->plan, "one", &one, 1), all, by_largest);
    picked.keep = wn_kv_mix(b, by_sum, 1, by_largest, 1, 0, false, n);
    if (key != WN_NONE)
        picked.keep = wn_kv_mix(b, picked.keep, 1, key, 1, 0, false, n);
    wn_kv_compact(b, &picked);
    return picked;
}
