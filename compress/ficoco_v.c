/* SPDX-License-Identifier: MIT */
#include "ficoco_v.h"

#include <stdlib.h>

#include "match.h"

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

static wn_buf blend(struct wn_build *b, wn_buf x, wn_buf z, float a, float c, float d, int64_t n)
{
    const wn_buf y = wn_plan_temp(b->plan, "blend", n);
    const struct wn_blend_params p = {.n = (int32_t)n, .a = a, .b = c, .d = d};

    WN_CALL(b, blend, &p, x, z, y);
    return y;
}

/* factor * the first n numbers of x, whatever frames they are of. */
static wn_buf times(struct wn_build *b, wn_buf x, int32_t factor, int32_t n)
{
    const wn_buf y = wn_plan_temp(b->plan, "times", n);
    const struct wn_mix_params p = {.n = n, .n_frames = 0, .a = factor};

    WN_CALL(b, mix, &p, x, x, wn_build_ints(b, "n", &n, 1), y);
    return y;
}

/* Of what rows see of each other. */
static struct wn_strip strip_of(struct wn_build *b, struct wn_ficoco_v *p, int32_t k)
{
    if (p->mutual == WN_NONE)
        return wn_build_strip(b, &p->products, k);
    return (struct wn_strip){.s = p->mutual, .n = b->in.n};
}

static int32_t count_strips(const struct wn_ficoco_v *p)
{
    return p->mutual == WN_NONE ? p->products.n_strips : 1;
}

/* ---- scores ---- */

/* i32 [n] the place of each row in its frame. */
static wn_buf places(struct wn_build *b)
{
    return wn_build_rank(b, wn_build_mix(b, b->in.cell, 0, b->in.cell, 0, 0, true));
}

/* What the first row of each frame sees. */
static wn_buf seen_by_first(struct wn_build *b, const struct wn_ficoco_v *p, wn_buf place)
{
    const wn_buf y = wn_plan_temp(b->plan, "seen", b->in.n);

    WN_CALL(b, lookup, (&(struct wn_lookup_params){b->in.n, b->in.n_frames}), place, b->in.ptr,
            times(b, b->in.ptr, p->width, b->in.n_frames + 1), p->mutual, y);
    return y;
}

static wn_buf first_rows(struct wn_build *b, wn_buf place)
{
    const wn_buf y = wn_plan_temp(b->plan, "first rows", b->in.n);
    int32_t *one = wn_build_scratch(b, (int64_t)b->in.n + 1);

    if (one) {
        one[0] = 1;
        WN_CALL(b, lookup, (&(struct wn_lookup_params){b->in.n, b->in.n_frames}), place, b->in.ptr,
                wn_build_zeros(b, b->in.n_frames),
                wn_build_ints(b, "one", one, (int64_t)b->in.n + 1), y);
    }
    free(one);
    return y;
}

/* Over each frame a vector of length 1, with 0 for rows that do not count. */
static wn_buf even(struct wn_build *b, wn_buf x, wn_buf out)
{
    const wn_buf y = wn_plan_temp(b->plan, "even", b->in.n);

    WN_CALL(b, unit, (&(struct wn_unit_params){b->in.n, b->in.n_frames, 0}), put(b, x, out, 0),
            b->in.ptr, y);
    return y;
}

static int32_t window_of(const struct wn_layout *layout, int32_t cell, void *arg)
{
    const int32_t w = *(const int32_t *)arg, across = (layout->grid_w + w - 1) / w;

    if (wn_is_special(layout, cell) || layout->pos[cell][0] < 0)
        return -1;
    return layout->pos[cell][0] / w * across + layout->pos[cell][1] / w;
}

/* The lowest of each window. */
static wn_buf lows(struct wn_build *b, const struct wn_ficoco_v *p, wn_buf score)
{
    const int32_t n = b->in.n, cells = p->side * p->side;
    const wn_buf flag = wn_plan_temp(b->plan, "lowest", n);
    int32_t window = p->window;

    if (!p->released) {
        WN_CALL(b, lead, (&(struct wn_lead_params){n, b->in.n_frames}), score,
                wn_build_lookup(b, window_of, &window), b->in.ptr, flag);
        return flag;
    }
    const wn_buf out = wn_plan_temp(b->plan, "grid", cells);
    const struct wn_dents_params d = {
        .n = n,
        .n_frames = b->in.n_frames,
        .first = p->first,
        .side = p->side,
        .window = p->window,
    };
    WN_CALL(b, dents, &d, score, b->in.ptr, wn_plan_owned(b->plan, "grid", p->grid, cells), flag,
            out);
    if (p->grid_out)
        wn_plan_output(b->plan, out, p->grid_out);
    return flag;
}

/* Half of a score above 0, twice one below, where flagged: it gets less either way. */
static wn_buf lower(struct wn_build *b, wn_buf score, wn_buf flag)
{
    static const union { float f; int32_t i; } factor[3] = {{1}, {2}, {0.5f}};
    const int32_t table[3] = {factor[0].i, factor[1].i, factor[2].i}, n = b->in.n;
    const wn_buf high = wn_plan_temp(b->plan, "above 0", n);
    const wn_buf times_by = wn_plan_temp(b->plan, "factor", n);
    const wn_buf zeros = wn_build_zeros(b, b->in.n_frames);
    float *tiny = (float *)wn_build_scratch(b, b->in.n_frames);

    for (int32_t f = 0; tiny && f < b->in.n_frames; f++)
        tiny[f] = 1e-37f; /* above 0 */
    if (tiny)
        WN_CALL(b, over, (&(struct wn_over_params){n, b->in.n_frames, 1}), score,
                wn_plan_owned(b->plan, "tiny", tiny, b->in.n_frames), b->in.ptr, high);
    free(tiny);
    const wn_buf both = put(b, high, flip(b, flag), 0);
    WN_CALL(b, lookup, (&(struct wn_lookup_params){n, b->in.n_frames}),
            wn_build_mix(b, flag, 1, both, 1, 0, false), b->in.ptr, zeros,
            wn_build_ints(b, "factors", table, 3), times_by);
    return blend(b, score, times_by, 0, 0, 1, n);
}

/* How much each row matters: what CLS sees of it, less how much it looks at the others. *out: rows
 * that are not scored. */
static wn_buf scores(struct wn_build *b, struct wn_ficoco_v *p, wn_buf *out)
{
    const wn_buf place = places(b);
    const wn_buf looks = wn_plan_temp(b->plan, "looks", b->in.n);
    wn_buf cls = p->cls;

    *out = p->released ? first_rows(b, place) : p->special;
    if (cls == WN_NONE && p->first)
        cls = seen_by_first(b, p, place);
    for (int32_t k = 0; k < count_strips(p); k++) {
        const struct wn_strip s = strip_of(b, p, k);
        const struct wn_tally_params t = {
            .n = s.n,
            .n_frames = b->in.n_frames,
            .width = p->width,
            .first = p->first,
            .skip = s.skip,
        };
        WN_CALL(b, tally, &t, s.s, b->in.ptr, looks);
    }
    const wn_buf own = even(b, looks, *out);
    if (cls == WN_NONE)
        return blend(b, own, own, p->beta - 1, 0, 0, b->in.n);
    return blend(b, even(b, cls, *out), own, p->beta, p->beta - 1, 0, b->in.n);
}

/* ---- where rows go ---- */

/* Of m columns so many lie above the quantile .998 of a row. */
static int32_t likely_of(int32_t m, const void *arg)
{
    return WN_MAX(m - 1 - (int32_t)(0.998 * (m - 1)), 1);
}

/* f32 or i32 [n * most]: x of the row, for each of its targets. */
static wn_buf for_each(struct wn_build *b, const struct wn_ficoco_v *p, wn_buf x, wn_buf row,
                       wn_buf ptr)
{
    const int64_t n = (int64_t)b->in.n * p->most;
    const wn_buf y = wn_plan_temp(b->plan, "of each", n);

    WN_CALL(b, take, (&(struct wn_take_params){(int32_t)n, b->in.n_frames, 1}), x, row, ptr, y);
    return y;
}

/* Where kept rows stand: for most * row the number of the output that the authors' code takes. */
static wn_buf slots(struct wn_build *b, const struct wn_ficoco_v *p, const struct wn_list *list)
{
    int32_t *slot = wn_build_scratch(b, (int64_t)b->in.n * p->most), in = 0, out = 0;
    wn_buf y = WN_NONE;

    for (int32_t f = 0; slot && f < b->in.n_frames; f++) {
        const int32_t kept = list->count[f], gone = b->in.count[f] - kept;
        for (int32_t j = 0; j < b->in.count[f]; j++)
            slot[(in + j) * p->most] = kept ? out + (j < kept ? j : WN_MAX(j - gone, 0)) : 0;
        in += b->in.count[f];
        out += kept;
    }
    if (slot)
        y = wn_build_ints(b, "slots", slot, (int64_t)b->in.n * p->most);
    free(slot);
    return y;
}

/* Targets moved as in the authors' code: to whatever stands at the old number of the target. */
static wn_buf moved(struct wn_build *b, const struct wn_ficoco_v *p, const struct wn_list *list,
                    wn_buf ask, wn_buf base, wn_buf ptr)
{
    const union { int32_t i; float f; } none = {WN_NONE};
    const int32_t n = b->in.n * p->most, n_frames = b->in.n_frames;
    const wn_buf safe = wn_plan_temp(b->plan, "target", n), at = wn_plan_temp(b->plan, "slot", n);
    const wn_buf row = wn_plan_temp(b->plan, "row", n), to = wn_plan_temp(b->plan, "to", n);
    const wn_buf y = wn_plan_temp(b->plan, "moved", n), idle = wn_plan_temp(b->plan, "idle", n);
    const struct wn_mix_params flip_all = {.n = n, .n_frames = n_frames, .a = -1, .c = 1};
    const struct wn_mix_params scale = {.n = n, .n_frames = n_frames, .a = p->most};

    WN_CALL(b, mix, &flip_all, ask, ask, ptr, idle);
    WN_CALL(b, where, (&(struct wn_where_params){n, n_frames, 0}), p->to, idle, ptr, safe);
    WN_CALL(b, lookup, (&(struct wn_lookup_params){n, n_frames}), safe, ptr,
            wn_build_zeros(b, n_frames), slots(b, p, list), at);
    WN_CALL(b, take, (&(struct wn_take_params){n, n_frames, 1}), base, at, ptr, row);
    WN_CALL(b, mix, &scale, row, row, ptr, to);
    WN_CALL(b, where, (&(struct wn_where_params){n, n_frames, none.f}), to, idle, ptr, y);
    return y;
}

/* W and what it makes: each kept row with those that go into it, by their parts. */
static void join(struct wn_build *b, const struct wn_ficoco_v *p, wn_buf base, wn_buf to,
                 wn_buf weight, wn_buf row, wn_buf ptr)
{
    const int32_t n = b->in.n * p->most, n_frames = b->in.n_frames, n_out = b->out.n;
    const wn_buf from = times(b, base, p->most, n_out);
    const wn_buf count = wn_plan_temp(b->plan, "members", n_out);
    const wn_buf idx = wn_plan_temp(b->plan, "W idx", (int64_t)n + n_out);
    const wn_buf unused = wn_plan_temp(b->plan, "W", (int64_t)n + n_out);

    b->w_ptr = wn_plan_temp(b->plan, "W ptr", (int64_t)n_out + 1);
    b->w_idx = wn_plan_temp(b->plan, "W idx", (int64_t)n + n_out);
    b->w = wn_plan_temp(b->plan, "W", (int64_t)n + n_out);
    b->out.size = wn_plan_temp(b->plan, "size", n_out);
    WN_CALL(b, member_count, (&(struct wn_member_count_params){n_out, n_frames}), ptr, to,
            b->out.ptr, from, count);
    WN_CALL(b, scan, (&(struct wn_scan_params){n_out, n_frames}), count, b->out.ptr, b->w_ptr);
    WN_CALL(b, member_fill, (&(struct wn_member_fill_params){n_out, n_frames}), ptr, to,
            b->out.ptr, from, b->w_ptr, wn_build_zeros(b, 2 * ((int64_t)n + 1)), idx, unused);
    WN_CALL(b, weigh, (&(struct wn_weigh_params){n_out, n_frames}), weight, b->w_ptr, idx,
            b->out.ptr, b->w, b->out.size);
    WN_CALL(b, take, (&(struct wn_take_params){n + n_out, n_out, 1}), row, idx, b->w_ptr, b->w_idx);
    b->out.data = wn_build_combine(b, b->in.data, b->in.dim);
}

/* ---- the step ---- */

/* The row of each of its targets: i / most. */
static wn_buf rows_of(struct wn_build *b, const struct wn_ficoco_v *p)
{
    const int64_t n = (int64_t)b->in.n * p->most;
    int32_t *v = wn_build_scratch(b, n);
    wn_buf y = WN_NONE;

    for (int64_t i = 0; v && i < n; i++)
        v[i] = (int32_t)(i / p->most);
    if (v)
        y = wn_build_ints(b, "rows", v, n);
    free(v);
    return y;
}

static wn_buf kept_rows(struct wn_build *b, const struct wn_ficoco_v *p, struct wn_list *list,
                        wn_buf score, wn_buf gone)
{
    const wn_buf size = b->in.size;

    if (p->by_score) {
        const wn_buf key = blend(b, score, score, -1, 0, 0, b->in.n);
        list->rank = wn_build_rank(b, put(b, key, gone, -3e38f));
        list->mode = wn_build_zeros(b, b->in.n_frames);
    }
    b->in.size = WN_NONE;
    const wn_buf base = wn_build_list(b, list);
    b->in.size = size;
    return base;
}

int wn_build_ficoco_v(struct wn_build *b, struct wn_ficoco_v *p)
{
    struct wn_list list = {.rank = WN_NONE};
    wn_buf out, mode;
    const wn_buf raw = scores(b, p, &out);
    const wn_buf score = put(b, lower(b, raw, lows(b, p, raw)), out, 1e9f);
    b->in.score = score;

    if (p->released && !b->in.count)
        return wn_fail(b->log, WN_ERR_UNSUPPORTED, "%s=compat=released must be the first filter "
                       "that drops rows", b->filter);
    list.keep = wn_build_cut(b, &(struct wn_select){.key = score, .table = p->table}, &p->rank,
                             &mode);
    list.count = wn_build_counts(b, p->table, NULL, &list.n_out);
    p->most = WN_MIN(likely_of(wn_build_most(b), NULL), WN_LIKELY_MOST);
    const int64_t n = (int64_t)b->in.n * p->most;
    const wn_buf gone = flip(b, list.keep), part = wn_plan_temp(b->plan, "part", n);
    const wn_buf ask = p->released ? gone : put(b, gone, p->special, 0);
    const wn_buf allow = p->released ? wn_build_fill(b, 1) : put(b, list.keep, p->special, 0);
    const wn_buf count = wn_build_table(b, likely_of, NULL);
    p->to = wn_plan_temp(b->plan, "to", n);
    p->value = wn_plan_temp(b->plan, "likely", n);
    for (int32_t k = 0; k < count_strips(p); k++) {
        const struct wn_strip s = strip_of(b, p, k);
        const struct wn_likely_params l = {s.n, b->in.n_frames, p->width, p->most, s.skip};
        WN_CALL(b, likely, &l, s.s, b->in.ptr, ask, allow, count, p->to, p->value, part);
    }
    const wn_buf ptr = times(b, b->in.ptr, p->most, b->in.n_frames + 1), row = rows_of(b, p);
    const wn_buf base = kept_rows(b, p, &list, score, gone);
    wn_buf to = p->to, weight = part;
    if (p->released)
        to = moved(b, p, &list, for_each(b, p, ask, row, ptr), base, ptr);
    else if (b->in.size != WN_NONE)
        weight = blend(b, part, for_each(b, p, b->in.size, row, ptr), 0, 0, 1, n);
    join(b, p, base, to, weight, row, ptr);
    return WN_OK;
}
