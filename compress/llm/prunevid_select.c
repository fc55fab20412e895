/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <stdlib.h>

/* Counts are of the code: int(n * alpha) in double. */
static struct wn_span part(const struct wn_prunevid_select *p, int32_t n)
{
    return (struct wn_span){n, (int32_t)(n * p->alpha)};
}

struct wn_picked wn_prunevid_select(struct wn_kv *b, const struct wn_prunevid_select *p,
                                    wn_buf attn, int32_t rows, int32_t n)
{
    int64_t n_spans = 0, at = 0;
    struct wn_picked picked = {0};

    for (int32_t w = 0; w < p->n_windows; w++)
        n_spans += 1 + WN_MAX(p->window[w].n_frames, 0);
    struct wn_span *span = wn_calloc((size_t)WN_MAX(n_spans, 1), sizeof(*span));
    for (int32_t w = 0; span && w < p->n_windows; w++) {
        span[at++] = part(p, p->window[w].n_static);
        for (int32_t f = 0; f < p->window[w].n_frames; f++)
            span[at++] = part(p, p->window[w].n_dynamic);
    }
    if (span)
        picked = wn_kv_pick(b, wn_kv_over_rows(b, attn, rows, n, 0, n, 1, true), 1, n, span,
                            (int32_t)n_spans, p->by_score);
    else
        wn_plan_fail(b->plan, WN_ERR_NOMEM, "out of memory for prunevid_select");
    free(span);
    return picked;
}
