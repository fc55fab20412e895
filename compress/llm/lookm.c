/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <stdlib.h>

/* ---- what stays ---- */

/* Flags of the text keys [heads][n]; how many stand before the recent ones. */
static wn_buf text_keys(struct wn_kv *b, const struct wn_lookm *p, struct wn_heads score,
                        int32_t *n_text)
{
    const int32_t n = score.n, all = score.heads * n;
    int32_t *text = wn_kv_scratch(b, all);
    wn_buf flags = WN_NONE;

    *n_text = 0;
    for (int32_t j = 0; text && j < n; j++) {
        bool image = j >= n - p->recent; /* the code treats them alike */
        for (int32_t i = 0; i < p->n_images; i++)
            image |= j >= p->image[i] && j - p->image[i] < p->n_image;
        *n_text += !image;
        for (int32_t h = 0; h < score.heads; h++)
            text[h * n + j] = !image;
    }
    if (text)
        flags = wn_plan_owned(b->plan, "text", text, all);
    free(text);
    return flags;
}

struct wn_picked wn_lookm(struct wn_kv *b, const struct wn_lookm *p, struct wn_heads score)
{
    const int32_t n = score.n, all = score.heads * n, recent = WN_MIN(p->recent, n);
    const int32_t start = p->image ? 0 : WN_MIN(p->start, n - recent);
    int32_t n_text = 0;
    wn_buf key = score.data;

    if (p->image) {
        const wn_buf text = text_keys(b, p, score, &n_text);
        if (p->released)
            key = wn_kv_blend(b, key, 1, wn_kv_mix(b, text, -1, text, 0, 1, true, all), -65516, 0,
                              0, all);
        else
            key = wn_kv_where(b, key, text, 3e38f, all);
    }
    const struct wn_span span[] = {
        {start, start},
        {n - recent - start, WN_MAX(p->heavy - start, n_text)},
        {recent, recent},
    };
    return wn_kv_pick(b, key, score.heads, n, span, WN_LEN(span), false);
}

/* ---- merging ---- */

struct merge {
    const struct wn_picked *picked;
    int32_t heads, n, all, gone; /* gone: keys of a head that go */
    wn_buf ptr, away, to, cosine; /* away: flags of those */
};

static wn_buf flip(struct wn_kv *b, wn_buf flags, int32_t n)
{
    return wn_kv_mix(b, flags, -1, flags, 0, 1, false, n);
}

/* The integers x where flag, else WN_NONE: `where` copies the bits of its value. */
static wn_buf or_none(struct wn_kv *b, wn_buf x, wn_buf flag, int32_t n)
{
    const union { int32_t i; float f; } none = {WN_NONE};

    return wn_kv_where(b, x, flip(b, flag, n), none.f, n);
}

static void join(struct wn_kv *b, struct merge *m, struct wn_heads k)
{
    const wn_buf unit = wn_plan_temp(b->plan, "unit keys", (int64_t)m->all * k.dim);

    m->to = wn_plan_temp(b->plan, "to", m->all);
    m->cosine = wn_plan_temp(b->plan, "cosine", m->all);
    WN_CALL(b, unit, (&(struct wn_unit_params){m->all, m->heads, k.dim}), k.data, m->ptr, unit);
    WN_CALL(b, nearest, (&(struct wn_nearest_params){m->all, m->heads, k.dim}), unit, m->ptr,
            m->picked->idx, m->picked->ptr, m->away, m->to, m->cosine);
}

/* Those that reach the mean of all, key by key. */
static wn_buf filter(struct wn_kv *b, const struct merge *m)
{
    const wn_buf y = wn_plan_temp(b->plan, "filter", m->all);
    const struct wn_over_params p = {
        .n = m->all,
        .n_segments = 1,
        .factor = 1.0f / (float)(m->heads * m->gone),
    };

    WN_CALL(b, over, &p, m->cosine, wn_kv_total(b, m->cosine, m->all), wn_kv_ptr(b, 1, m->all),
            y);
    return y;
}

/* ---- as the code does it: by places in each head's list of those that go ---- */

struct lists {
    wn_buf rows;   /* [heads][gone] */
    wn_buf place;  /* [all] of each row in its head's list; kept ones stand behind */
    wn_buf filter; /* [n] flags of places */
};

static int32_t head_start(int32_t i, const void *gone)
{
    return i * *(const int32_t *)gone;
}

static void make_lists(struct wn_kv *b, const struct merge *m, struct lists *l)
{
    const int32_t size = m->heads * m->gone;
    struct wn_picked gone = {.heads = m->heads, .n = m->n, .keep = m->away};
    const struct wn_over_params p = {
        .n = m->gone,
        .n_segments = 1,
        .factor = 1.0f / (float)m->gone,
    };

    wn_kv_compact(b, &gone);
    l->rows = gone.idx;
    l->place = wn_plan_temp(b->plan, "place", m->all);
    WN_CALL(b, rank, (&(struct wn_rank_params){m->all, m->heads, 1}),
            wn_kv_as_floats(b, m->away, m->all), m->ptr, l->place);
    const wn_buf cosine = wn_kv_index(b, m->cosine, l->rows, wn_kv_ptr(b, 1, size), 1, size, 1);
    const wn_buf mean = wn_kv_over_rows(b, cosine, m->heads, m->gone, 0, m->gone,
                                        1.0f / (float)m->heads, false);
    l->filter = wn_plan_temp(b->plan, "filter", m->n);
    WN_CALL(b, over, &p, mean, wn_kv_total(b, mean, m->gone), wn_kv_ptr(b, 1, m->gone),
            l->filter);
}

/* table [n behind the last start] by each row's place, kept rows whatever stands there. */
static wn_buf by_place(struct wn_kv *b, const struct merge *m, const struct lists *l,
                       int32_t step, wn_buf table)
{
    const wn_buf y = wn_plan_temp(b->plan, "by place", m->all);

    WN_CALL(b, lookup, (&(struct wn_lookup_params){m->all, m->heads}), l->place, m->ptr,
            wn_kv_table(b, m->heads, head_start, &step), table, y);
    return y;
}

/* The c-th key that goes takes the place of the c-th one that reaches the mean. */
static wn_buf shifted(struct wn_kv *b, const struct merge *m, const struct lists *l)
{
    const int32_t size = m->heads * m->gone;
    const wn_buf ptr = wn_kv_ptr(b, 1, size), one = wn_kv_ptr(b, 1, m->gone);
    const wn_buf column = wn_kv_repeat(b, size, m->gone);
    const wn_buf order = wn_plan_temp(b->plan, "order", m->gone);
    const wn_buf list = wn_plan_temp(b->plan, "list", m->gone);
    const wn_buf list_ptr = wn_plan_temp(b->plan, "list ptr", 2);
    const wn_buf starts = wn_kv_table(b, size, head_start, &(int32_t){1});
    const wn_buf spread = wn_plan_temp(b->plan, "targets", (int64_t)size + m->n);

    WN_CALL(b, rank, (&(struct wn_rank_params){m->gone, 1, 1}),
            wn_kv_as_floats(b, l->filter, m->gone), one, order);
    const wn_buf every = wn_kv_mix(b, order, 0, order, 0, 1, false, m->gone);
    WN_CALL(b, compact, (&(struct wn_compact_params){m->gone, 1, 1}), every, order,
            wn_kv_repeat(b, 1, 1), one, list, list_ptr);
    /* Targets by place, none where the mean is not reached. */
    const wn_buf to = or_none(b, wn_kv_index(b, m->to, l->rows, ptr, 1, size, 1),
                              wn_kv_index(b, l->filter, column, ptr, 1, size, 1), size);
    /* Row of head h's list: list[c] + h * gone, where h * gone = i - i % gone. */
    const wn_buf within = wn_kv_mix(b, wn_kv_index(b, list, column, ptr, 1, size, 1), 1, column,
                                    -1, 0, false, size);
    const wn_buf from = wn_kv_mix(b, within, 1, starts, 1, 0, false, size);
    WN_CALL(b, take, (&(struct wn_take_params){size, 1, 1}), to, from, ptr, spread);
    return or_none(b, by_place(b, m, l, m->gone, spread), m->away, m->all);
}

/* ---- W ---- */

static float pivot_share(int32_t c, bool first)
{
    const float parts = (float)c + 1;

    return first ? (1 + 0.5f * (float)c) / parts : 0.5f / parts;
}

static float mean_share(int32_t c, bool first)
{
    return 1 / ((float)c + 1);
}

static wn_buf shares(struct wn_kv *b, int32_t n, float (*share)(int32_t c, bool first))
{
    float *v = (float *)wn_kv_scratch(b, 2 * ((int64_t)n + 1));
    wn_buf buf = WN_NONE;

    for (int32_t c = 0; v && c <= n; c++) {
        v[2 * c] = share(c, true);
        v[2 * c + 1] = share(c, false);
    }
    if (v)
        buf = wn_plan_owned(b->plan, "share", v, 2 * ((int64_t)n + 1));
    free(v);
    return buf;
}

struct weights {
    wn_buf ptr, idx, w;
};

static struct weights weigh(struct wn_kv *b, const struct merge *m, wn_buf to,
                            float (*share)(int32_t c, bool first), bool by_cosine)
{
    const int32_t n_out = m->heads * m->picked->each, size = m->all + n_out;
    const wn_buf base = m->picked->idx, out_ptr = m->picked->ptr;
    const wn_buf count = wn_plan_temp(b->plan, "members", n_out);
    struct weights w = {
        .ptr = wn_plan_temp(b->plan, "W ptr", (int64_t)n_out + 1),
        .idx = wn_plan_temp(b->plan, "W idx", size),
        .w = wn_plan_temp(b->plan, "W", size),
    };

    WN_CALL(b, member_count, (&(struct wn_member_count_params){n_out, m->heads}), m->ptr, to,
            out_ptr, base, count);
    WN_CALL(b, scan, (&(struct wn_scan_params){n_out, m->heads}), count, out_ptr, w.ptr);
    WN_CALL(b, member_fill, (&(struct wn_member_fill_params){n_out, m->heads}), m->ptr, to, out_ptr,
            base, w.ptr, shares(b, m->all, share), w.idx, w.w);
    if (by_cosine) {
        const wn_buf own = wn_kv_where(b, m->cosine, m->picked->keep, 1, m->all);
        const wn_buf factor = wn_kv_index(b, own, w.idx, w.ptr, n_out, size, 1);
        w.w = wn_kv_blend(b, w.w, 0, factor, 0, 1, 0, size);
    }
    return w;
}

static struct wn_heads combine(struct wn_kv *b, const struct merge *m, const struct weights *w,
                               struct wn_heads x)
{
    const int32_t n_out = m->heads * m->picked->each;
    const struct wn_heads y = {
        .data = wn_plan_temp(b->plan, "merged", (int64_t)n_out * x.dim),
        .heads = x.heads,
        .n = m->picked->each,
        .dim = x.dim,
    };

    WN_CALL(b, combine, (&(struct wn_combine_params){n_out, m->heads, x.dim}), x.data, w->ptr,
            w->idx, w->w, m->picked->ptr, y.data);
    return y;
}

/* Of those that reach the mean: whom each joins. */
static wn_buf filtered(struct wn_kv *b, const struct merge *m, enum wn_lookm_how how,
                       bool released, wn_buf *flags)
{
    struct lists l;

    if (!released) {
        *flags = filter(b, m);
        return or_none(b, m->to, *flags, m->all);
    }
    make_lists(b, m, &l);
    *flags = l.filter;
    if (how == WN_LOOKM_AVERAGE)
        return shifted(b, m, &l);
    return or_none(b, m->to, by_place(b, m, &l, 0, l.filter), m->all);
}

struct wn_lookm_out wn_lookm_merge(struct wn_kv *b, enum wn_lookm_how how, bool released,
                                   const struct wn_picked *picked, struct wn_heads k,
                                   struct wn_heads v)
{
    struct merge m = {
        .picked = picked,
        .heads = k.heads,
        .n = k.n,
        .all = k.heads * k.n,
        .gone = k.n - picked->each,
    };
    struct wn_lookm_out out = {.to = WN_NONE, .filter = WN_NONE};

    if (picked->heads != k.heads || picked->n != k.n || picked->each < 1 || m.gone < 1) {
        wn_plan_fail(b->plan, WN_ERR_ARG, "lookm merges %d of %d keys into %d", (int)m.gone,
                     (int)k.n, (int)picked->each);
        return out;
    }
    m.ptr = wn_kv_ptr(b, m.heads, m.n);
    m.away = flip(b, picked->keep, m.all);
    join(b, &m, k);
    out.to = m.to;
    const wn_buf to = how == WN_LOOKM_PIVOT ? m.to : filtered(b, &m, how, released, &out.filter);
    const struct weights w = weigh(b, &m, to, how == WN_LOOKM_PIVOT ? pivot_share : mean_share,
                                   how == WN_LOOKM_WEIGHTED);
    out.k = combine(b, &m, &w, k);
    out.v = combine(b, &m, &w, v);
    return out;
}
