/* SPDX-License-Identifier: MIT */
#include "parts.h"

struct wn_picked wn_streamingllm(struct wn_kv *b, const struct wn_streamingllm *p, int32_t heads,
                                 int32_t n)
{
    const bool full = n + p->coming <= p->start + p->recent;
    const int32_t recent = full ? n : WN_MAX(p->recent - p->coming, 0);
    const int32_t start = full ? 0 : WN_MIN(p->start, n - WN_MIN(recent, n));
    const int32_t tail = WN_MIN(recent, n);
    const struct wn_span span[] = {{start, start}, {n - start - tail, 0}, {tail, tail}};

    return wn_kv_pick(b, WN_NONE, heads, n, span, WN_LEN(span), false);
}
