/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>

/* What the steps share. */
struct state {
    const struct wn_ficoco_l *p;
    wn_buf att;
    int32_t v, text, r, targets;
    float alpha, gamma;
};

static int32_t is_first(int32_t i, const void *arg)
{
    return i == 0;
}

static int32_t row_of(int32_t i, const void *width)
{
    return i / *(const int32_t *)width;
}

static int32_t itself(int32_t i, const void *arg)
{
    return i;
}

static int32_t same(int32_t i, const void *count)
{
    return *(const int32_t *)count;
}

/* scale * x[first_row + i][first + c], as [n][n_c]. */
static wn_buf block(struct wn_kv *b, wn_buf x, int32_t width, int32_t first_row, int32_t n,
                    int32_t first, int32_t n_c, int32_t n_a, float scale)
{
    const wn_buf y = wn_plan_temp(b->plan, "block", (int64_t)n * n_c);
    const struct wn_reduce_params p = {
        .n = n,
        .width = width,
        .offset = first_row * width + first,
        .n_c = n_c,
        .step_c = 1,
        .n_a = n_a,
        .step_a = 1,
        .n_b = 1,
        .scale = scale,
    };

    WN_CALL(b, reduce, &p, x, y);
    return y;
}

/* Redundant rows look at other visual rows and not at the text. */
static void choose(struct wn_kv *b, const struct state *s, struct wn_ficoco_l_out *out)
{
    const int32_t v = s->v, text = WN_MAX(s->text, 1);
    const wn_buf visual = block(b, s->att, s->p->s, 0, v, 0, 1, v, 1);
    const wn_buf to_text = block(b, s->att, s->p->s, 0, v, v, 1, s->text, 1.0f / (float)text);
    const wn_buf score = wn_kv_blend(b, visual, s->alpha, to_text, s->alpha - 1, 0, 0, v);
    const wn_buf safe = wn_kv_where(b, score, wn_kv_table(b, v, is_first, NULL), -3e38f, v);
    const struct wn_span span = {v, s->r};

    out->merged = wn_kv_pick(b, safe, 1, v, &span, 1, true);
    out->stay = (struct wn_picked){
        .heads = 1,
        .n = v,
        .keep = wn_kv_mix(b, out->merged.keep, -1, out->merged.keep, 0, 1, false, v),
    };
    wn_kv_compact(b, &out->stay);
    out->stay.each = v - s->r;
}

/* combine with every row of W full: y[i] = sum over k < count of w[i][k] * x[k]. */
static wn_buf product(struct wn_kv *b, wn_buf w, int32_t n, int32_t count, wn_buf x, int32_t dim)
{
    const wn_buf y = wn_plan_temp(b->plan, "product", (int64_t)n * dim);

    WN_CALL(b, combine, (&(struct wn_combine_params){n, 1, dim}), x, wn_kv_ptr(b, n, count),
            wn_kv_repeat(b, n * count, count), w, wn_kv_ptr(b, 1, n), y);
    return y;
}

/* Where a row may not go: itself, and rows that go, too. */
static wn_buf forbidden(struct wn_kv *b, const struct state *s, const struct wn_ficoco_l_out *out)
{
    const int32_t v = s->v, n = s->r * v;
    const wn_buf ptr = wn_kv_ptr(b, 1, n), column = wn_kv_repeat(b, n, v);
    const wn_buf rows = wn_kv_table(b, n, row_of, &v);
    const wn_buf own_row = wn_kv_index(b, out->merged.idx, rows, ptr, 1, n, 1);
    const wn_buf away = wn_kv_mix(b, own_row, 1, column, -1, 0, false, n);
    const wn_buf to = wn_kv_mix(b, away, 1, wn_kv_table(b, n, itself, NULL), 1, 0, false, n);
    const wn_buf diagonal = wn_plan_temp(b->plan, "diagonal", n);

    WN_CALL(b, own, (&(struct wn_own_params){n, 1}), to, ptr, diagonal);
    if (s->p->released)
        return diagonal;
    const wn_buf gone = wn_kv_index(b, out->merged.keep, column, ptr, 1, n, 1);
    return wn_kv_mix(b, diagonal, 1, gone, 1, 0, false, n);
}

/* Weights of every visual row for the rows that go: [merge][v], those beyond `targets` 0: the
 * softmax over the targets alone, which is each one's part of their sum. */
static wn_buf correlate(struct wn_kv *b, const struct state *s, struct wn_ficoco_l_out *out)
{
    const int32_t v = s->v, r = s->r, n = r * v, size = s->p->s;
    const wn_buf rows = wn_kv_index(b, s->att, out->merged.idx, out->merged.ptr, 1, r, size);
    const wn_buf direct = block(b, rows, size, 0, r, 0, v, 1, s->gamma);
    const wn_buf to_text = block(b, rows, size, 0, r, v, s->text, 1, 1 - s->gamma);
    const wn_buf from_text = block(b, s->att, size, v, s->text, 0, v, 1, 1);
    const wn_buf through = product(b, to_text, r, s->text, from_text, v);
    const wn_buf c = wn_kv_where(b, wn_kv_blend(b, direct, 1, through, 1, 0, 0, n),
                                 forbidden(b, s, out), -3e38f, n);
    const wn_buf weight = wn_plan_temp(b->plan, "weights", n);
    const wn_buf keep = wn_plan_temp(b->plan, "targets", n), ptr = wn_kv_ptr(b, r, v);

    struct wn_soft_params p = {
        .rows = r,
        .width = v,
        .n_queries = 1,
        .group = 1,
        .end = v,
    };

    out->value = wn_plan_temp(b->plan, "softmax", n);
    WN_CALL(b, soft, &p, c, c, out->value);
    out->order = wn_plan_temp(b->plan, "order", n);
    WN_CALL(b, rank, (&(struct wn_rank_params){n, r, 1}), c, ptr, out->order);
    WN_CALL(b, cut, (&(struct wn_cut_params){n, r}), out->order, ptr,
            wn_kv_table(b, v + 1, same, &s->targets), wn_kv_repeat(b, r, 1), keep);
    p.flagged = 1;
    WN_CALL(b, soft, &p, c, keep, weight);
    return weight;
}

struct wn_ficoco_l_out wn_ficoco_l(struct wn_kv *b, const struct wn_ficoco_l *p, wn_buf att,
                                   struct wn_heads hidden)
{
    const struct state s = {
        .p = p,
        .att = att,
        .v = p->n_visual,
        .text = p->s - p->n_visual,
        .r = p->merge,
        .targets = p->targets ? p->targets
                              : p->n_visual - 1 - (int32_t)floor(0.998 * (p->n_visual - 1)),
        .alpha = p->alpha != 0 ? p->alpha : 0.6f,
        .gamma = p->gamma != 0 ? p->gamma : 0.6f,
    };
    struct wn_ficoco_l_out out = {.targets = s.targets};
    const int32_t v = s.v, r = s.r, size = hidden.n * hidden.dim;

    if (r < 1 || r >= v || s.text < 1 || hidden.n != v) {
        wn_plan_fail(b->plan, WN_ERR_ARG, "ficoco_l merges %d of %d rows with %d text rows", (int)r,
                     (int)v, (int)s.text);
        return out;
    }
    choose(b, &s, &out);
    const wn_buf by_row = correlate(b, &s, &out);
    const wn_buf weights = wn_plan_temp(b->plan, "W", (int64_t)v * r);
    WN_CALL(b, reduce, (&(struct wn_reduce_params){.n = v, .width = 1, .n_c = r, .step_c = v,
                                                   .n_a = 1, .n_b = 1, .scale = 1}), by_row,
            weights);
    const wn_buf gone = wn_kv_index(b, hidden.data, out.merged.idx, out.merged.ptr, 1, r,
                                    hidden.dim);
    const wn_buf added = product(b, weights, v, r, gone, hidden.dim);
    const wn_buf sum = wn_kv_blend(b, hidden.data, 1, added, 1, 0, 0, size);
    out.rows = wn_kv_index(b, sum, out.stay.idx, out.stay.ptr, 1, v - r, hidden.dim);
    return out;
}
