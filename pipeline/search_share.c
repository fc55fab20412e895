/* SPDX-License-Identifier: MIT */
#include "search.h"

#include <stdlib.h>

/* Rows without which a frame is not worth its label. */
#define LEAST_ROWS 4
/* Budgets whose worth of rows is held while later segments may still be more relevant. */
#define HELD_BUDGETS 2

int64_t wn_seek_cells(const struct wn_seek *k, const struct wn_segment *seg)
{
    const struct wn_rows *r = seg->rows;
    int64_t cells = r->n;

    for (int32_t f = 0; f < r->n_frames; f++)
        if (r->frame_ptr[f + 1] > r->frame_ptr[f])
            cells += wn_source_frame_cells(k->src, &r->frames[f]);
    return cells;
}

int wn_seek_reduce(struct wn_seek *k, struct wn_segment *seg, int64_t cells,
                   struct wn_segment **out)
{
    struct wn_budget *budget = NULL;
    struct wn_segment *made = NULL;
    int err;

    if (wn_seek_cells(k, seg) <= cells) {
        *out = wn_segment_ref(seg);
        return WN_OK;
    }
    TRY(wn_refilter_run(&k->scorer, seg, &made));
    TRY(wn_source_make_budget(k->src, &budget, cells, 1));
    TRY(wn_budget_add(budget, &made->rows));
    TRY(wn_budget_take(budget, &made->rows));
    *out = made;
    made = NULL;
fail:
    wn_budget_destroy(&budget);
    wn_segment_unref(&made);
    return err;
}

static struct wn_look *least_relevant(struct wn_seek *k)
{
    struct wn_look *least = NULL;

    for (int32_t i = 0; i < k->n; i++) {
        struct wn_look *look = &k->looks[i];
        if (look->wide && (!least || look->part.relevance < least->part.relevance))
            least = look;
    }
    return least;
}

void wn_seek_hold(struct wn_seek *k, struct wn_segment *seg)
{
    struct wn_look *last = &k->looks[k->n - 1];
    int64_t cells = 0;
    int held = 0;

    last->wide = wn_segment_ref(seg);
    last->cells = wn_seek_cells(k, seg);
    for (int32_t i = 0; i < k->n; i++) {
        cells += k->looks[i].wide ? k->looks[i].cells : 0;
        held += k->looks[i].wide != NULL;
    }
    for (; held > 1 && cells > HELD_BUDGETS * k->tokens; held--) {
        struct wn_look *least = least_relevant(k);
        cells -= least->cells;
        wn_segment_unref(&least->wide);
    }
}

/* ---- who gets how much ---- */

struct claim {
    struct wn_look *look;
    double weight, share;
    bool whole; /* it gets all it has */
};

/* Claims of the segments that matter, each with the square of its relevance: a segment that is
 * twice as relevant gets four times as much. */
static int32_t make_claims(struct wn_seek *k, struct claim *claim)
{
    double best = 0;
    int32_t n = 0;

    for (int32_t i = 0; i < k->n; i++)
        if (k->looks[i].wide)
            best = WN_MAX(best, k->looks[i].part.relevance);
    for (int32_t i = 0; i < k->n; i++) {
        struct wn_look *look = &k->looks[i];
        const double relevance = best > 0 ? look->part.relevance / best : 1;
        if (look->wide && relevance >= WN_LEAST_RELEVANT)
            claim[n++] = (struct claim){.look = look, .weight = relevance * relevance};
    }
    return n;
}

/* By weight, but none more than it has: what that leaves goes to the others. */
static void divide(struct claim *claim, int32_t n, double cells)
{
    double weight = 0;
    bool more = true;

    for (int32_t i = 0; i < n; i++) {
        claim[i].whole = false;
        weight += claim[i].weight;
    }
    while (more) {
        more = false;
        for (int32_t i = 0; i < n; i++) {
            if (claim[i].whole)
                continue;
            claim[i].share = cells * claim[i].weight / weight;
            if (claim[i].share < (double)claim[i].look->cells)
                continue;
            claim[i].whole = more = true;
            claim[i].share = (double)claim[i].look->cells;
            cells -= claim[i].share;
            weight -= claim[i].weight;
        }
    }
}

/* The least claim that would not get a frame of its own; -1: none. */
static int32_t too_small(const struct wn_seek *k, const struct claim *claim, int32_t n)
{
    int32_t least = -1;

    for (int32_t i = 0; i < n; i++) {
        const struct wn_rows *r = claim[i].look->wide->rows;
        const int64_t frame =
            r->n_frames ? wn_source_frame_cells(k->src, &r->frames[0]) + LEAST_ROWS : 1;
        if (!claim[i].whole && claim[i].share < (double)frame &&
            (least < 0 || claim[i].weight < claim[least].weight))
            least = i;
    }
    return least;
}

int wn_seek_share(struct wn_seek *k)
{
    struct claim *claim = wn_calloc((size_t)k->n, sizeof(*claim));
    int err = WN_OK;
    int32_t drop;

    if (!claim)
        return wn_nomem(&k->s->log, "the budget's shares");
    int32_t n = make_claims(k, claim);
    divide(claim, n, (double)k->tokens);
    while (n > 1 && (drop = too_small(k, claim, n)) >= 0) {
        for (int32_t i = drop; i + 1 < n; i++)
            claim[i] = claim[i + 1];
        divide(claim, --n, (double)k->tokens);
    }
    for (int32_t i = 0; i < n; i++) {
        struct wn_look *look = claim[i].look;
        TRY(wn_seek_reduce(k, look->wide, (int64_t)claim[i].share, &look->shown));
        look->part.cells = wn_seek_cells(k, look->shown);
    }
fail:
    for (int32_t i = 0; i < k->n; i++)
        wn_segment_unref(&k->looks[i].wide);
    free(claim);
    return err;
}
