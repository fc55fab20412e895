/* SPDX-License-Identifier: MIT */
#include "match.h"

#include <ctype.h>
#include <stdlib.h>

bool wn_is_special(const struct wn_layout *layout, int32_t cell)
{
    return layout->pos[cell][0] < 0 && (!layout->tile || layout->tile[cell] < 0);
}

int32_t wn_count_special(const struct wn_layout *layout)
{
    int32_t n = 0;

    for (int32_t c = 0; c < layout->n_rows; c++)
        n += wn_is_special(layout, c);
    return n;
}

static int32_t special_flag(const struct wn_layout *layout, int32_t cell, void *arg)
{
    return wn_is_special(layout, cell);
}

wn_buf wn_build_special(struct wn_build *b, int32_t *most)
{
    *most = 0;
    for (int32_t f = 0; f < b->in.n_frames; f++) {
        const struct wn_layout *layout = b->rows->frames[f].layout;
        if (!f || layout != b->rows->frames[f - 1].layout)
            *most = WN_MAX(*most, wn_count_special(layout));
    }
    return *most ? wn_build_lookup(b, special_flag, NULL) : WN_NONE;
}

int32_t wn_match_least(int32_t m, int32_t special, int32_t every)
{
    const int32_t targets = m / every;
    const int32_t joining = every == 2 ? (m - special) / 2 : m - targets - special;

    return m - (targets ? WN_MAX(joining, 0) : 0);
}

/* x with `value` where flag is set; x itself where there are no flags. */
static wn_buf put(struct wn_build *b, wn_buf x, wn_buf flag, float value)
{
    if (flag == WN_NONE)
        return x;
    const wn_buf y = wn_plan_temp(b->plan, "put", b->in.n);

    WN_CALL(b, where, (&(struct wn_where_params){b->in.n, b->in.n_frames, value}), x, flag,
            b->in.ptr, y);
    return y;
}

static wn_buf flip(struct wn_build *b, wn_buf flags)
{
    return wn_build_mix(b, flags, -1, flags, 0, 1, false);
}

struct edges {
    wn_buf ends; /* targets, and special rows among them */
    wn_buf to, value;
    wn_buf free; /* rows that join none */
};

static void find(struct wn_build *b, const struct wn_match *m, struct edges *e)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf list = wn_plan_temp(b->plan, "targets", n);
    const wn_buf list_ptr = wn_plan_temp(b->plan, "targets ptr", (int64_t)n_frames + 1);
    const wn_buf known = wn_plan_temp(b->plan, "joins", n);

    e->ends = wn_plan_temp(b->plan, "ends", n);
    e->to = wn_plan_temp(b->plan, "nearest", n);
    e->value = wn_plan_temp(b->plan, "cosine", n);
    e->free = wn_plan_temp(b->plan, "free", n);
    WN_CALL(b, chunk, (&(struct wn_chunk_params){n, n_frames, m->every, 1}), b->in.ptr, e->ends);
    const wn_buf target = put(b, e->ends, m->special, 0);
    const wn_buf ask = put(b, flip(b, e->ends), m->special, 0);
    WN_CALL(b, compact, (&(struct wn_compact_params){n, n_frames, 0}), target, target, b->in.ptr,
            b->in.ptr, list, list_ptr);
    WN_CALL(b, nearest, (&(struct wn_nearest_params){n, n_frames, m->dim}), m->unit, b->in.ptr,
            list, list_ptr, ask, e->to, e->value);
    /* Where no target was found, `follow` gives the row itself. */
    WN_CALL(b, follow, (&(struct wn_follow_params){n, n_frames}), e->to, target, b->in.ptr, known);
    WN_CALL(b, own, (&(struct wn_own_params){n, n_frames}), known, b->in.ptr, e->free);
}

/* The best edges of each frame. */
static wn_buf pick(struct wn_build *b, const struct wn_match *m, const struct edges *e)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    int32_t *joins = wn_build_scratch(b, (int64_t)n + 1);
    const wn_buf best = wn_plan_temp(b->plan, "best", n);
    const wn_buf rank = wn_build_rank(b, put(b, e->value, e->free, -4));

    for (int32_t i = 0; joins && i <= n; i++)
        joins[i] = WN_MAX(i - m->stay[i], 0);
    if (joins)
        WN_CALL(b, cut, (&(struct wn_cut_params){n, n_frames}), rank, b->in.ptr,
                wn_build_ints(b, "joins", joins, (int64_t)n + 1), wn_build_zeros(b, n_frames),
                best);
    free(joins);
    return put(b, best, e->free, 0);
}

static wn_buf paper_order(struct wn_build *b, const struct wn_match *m, const struct edges *e,
                          wn_buf joins)
{
    wn_buf key;

    if (m->by_value) { /* cosines lie above -2 */
        key = put(b, put(b, e->value, e->ends, -3), m->special, 2);
    } else {
        const wn_buf class = wn_build_mix(b, e->ends, -1, e->ends, 0, 1, true);
        key = put(b, class, m->special, 2);
    }
    return wn_build_rank(b, put(b, key, joins, -4));
}

/* How many stay, where the host can tell: every frame has as many rows that may join as shall. */
static void count(struct wn_build *b, struct wn_match *m)
{
    int32_t *kept = b->in.count ? wn_build_scratch(b, b->in.n_frames) : NULL, total = 0;
    bool sure = kept;

    m->list.n_out = b->in.n;
    for (int32_t f = 0; sure && f < b->in.n_frames; f++) {
        const int32_t rows = b->in.count[f], targets = rows / m->every;
        const int32_t joins = WN_MAX(rows - m->stay[rows], 0);
        sure = !joins || (joins <= rows - targets - m->n_special &&
                           targets > m->n_special);
        kept[f] = rows - joins;
        total += kept[f];
    }
    m->list.count = sure ? wn_build_keep_ints(b, kept, b->in.n_frames) : NULL;
    if (m->list.count)
        m->list.n_out = total;
    free(kept);
}

void wn_build_match(struct wn_build *b, struct wn_match *m)
{
    const union { int32_t i; float f; } none = {WN_NONE}; /* `where` copies bits */
    struct edges e;

    find(b, m, &e);
    const wn_buf joins = pick(b, m, &e), stays = flip(b, joins);
    m->to = put(b, e.to, stays, none.f);
    m->list = (struct wn_list){
        .keep = stays,
        .rank = m->paper ? paper_order(b, m, &e, joins) : WN_NONE,
        .mode = m->paper ? wn_build_zeros(b, b->in.n_frames) : WN_NONE,
    };
    count(b, m);
}

bool wn_rounds_next(struct wn_rounds *r)
{
    bool moved = false;

    for (int32_t m = 0; m <= r->most; m++)
        r->stay[m] = m;
    for (int32_t i = 0; i < r->n; i++) {
        const int32_t m = r->now[i];
        const int32_t next = WN_MAX(r->aim[i], wn_match_least(m, r->special, r->every));
        r->stay[m] = WN_MIN(r->stay[m], WN_MIN(next, m));
    }
    for (int32_t i = 0; i < r->n; i++) {
        moved |= r->stay[r->now[i]] < r->now[i];
        r->now[i] = r->stay[r->now[i]];
    }
    return moved;
}

int32_t wn_match_schedule(int32_t r, double inflect, int32_t layer, int32_t n_layers)
{
    const int32_t low = (int32_t)(r * (1 - inflect)), high = 2 * r - low;
    const double step = n_layers > 1 ? (double)(high - low) / (n_layers - 1) : 0;

    return (int32_t)(low + step * layer);
}

static bool read_count(const char **text, int32_t *count)
{
    char *end;
    const long v = isdigit((unsigned char)**text) ? strtol(*text, &end, 10) : -1;

    if (v < 0 || v > 1 << 24)
        return false;
    *count = (int32_t)v;
    *text = end;
    return true;
}

bool wn_read_pairs(const char *text, int32_t (**pairs)[2], int32_t *n)
{
    while (*text) {
        int32_t(*list)[2] = wn_regrow(*pairs, (size_t)*n + 1, sizeof(*list));
        if (!list)
            return false;
        *pairs = list;
        int32_t *pair = list[(*n)++];
        if (!read_count(&text, &pair[0]) || *text++ != '/' || !read_count(&text, &pair[1]) ||
            (*text && (*text++ != '+' || !*text)))
            return false;
    }
    return true;
}
