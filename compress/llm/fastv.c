/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>

struct wn_picked wn_fastv(struct wn_kv *b, const struct wn_fastv *p, struct wn_heads attn)
{
    const struct wn_span span[] = {
        {p->image, p->image},
        {p->n_image, (int32_t)rint(p->n_image * (1 - p->drop))},
        {attn.n - p->image - p->n_image, attn.n},
    };
    const wn_buf mean = wn_kv_over_rows(b, attn.data, attn.heads, attn.n, 0, attn.n,
                                        1.0f / (float)WN_MAX(attn.heads, 1), false);

    return wn_kv_pick(b, mean, 1, attn.n, span, WN_LEN(span), false);
}
