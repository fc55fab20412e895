/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "vit_layer.h"
#include "vit_piece.h"
#include "vit_reduction.h"

#define ATTENTION_BYTES (32 << 20) /* of one group's softmax: more gains nothing */

/* ---- a piece ---- */

struct shape { /* of the rows as they are: what a piece is told */
    struct wn_vit_group *group;
    int32_t n_groups, *cls, n_cls, *query;
};

static void shape_free(struct shape *s)
{
    free(s->group);
    free(s->cls);
    free(s->query);
}

static bool weighted(const struct wn_vit_reduction *r, int32_t f)
{
    const struct wn_rows *rows = r->rows;
    bool other = false;

    if (r->of->reducer->proportional && rows->size)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++)
            other |= rows->size[i] != 1;
    return other;
}

static void add_group(const struct wn_vit_reduction *r, struct shape *s, struct wn_vit_group next)
{
    struct wn_vit_group *g = s->n_groups ? &s->group[s->n_groups - 1] : NULL;
    const int64_t one = wn_vit_padded(next.tokens) * next.tokens * r->m->n_heads * 4;

    if (!next.tokens)
        return;
    if (g && g->tokens == next.tokens && g->n_cls == next.n_cls && g->weighted == next.weighted &&
        (g->n + 1) * one <= ATTENTION_BYTES)
        g->n++;
    else
        s->group[s->n_groups++] = next;
}

static int shape_make(const struct wn_vit_reduction *r, struct shape *s)
{
    const struct wn_rows *rows = r->rows;

    s->group = wn_calloc((size_t)rows->n_frames, sizeof(*s->group));
    s->cls = wn_calloc((size_t)rows->n, sizeof(*s->cls));
    s->query = wn_calloc((size_t)rows->n, sizeof(*s->query));
    if (!s->group || !s->cls || !s->query)
        return wn_nomem(r->vit->log, "a piece of the encoder");
    for (int32_t f = 0; f < rows->n_frames; f++) {
        const int32_t row0 = rows->frame_ptr[f], end = rows->frame_ptr[f + 1], cls0 = s->n_cls;
        const struct wn_vit_sequence *seq = &r->seq[rows->frames[f].index];

        for (int32_t t = 0; r->m->cls && t < seq->tiles; t++) /* in the order of their pictures */
            for (int32_t i = row0; i < end; i++)
                if (rows->cell[i] == t)
                    s->cls[s->n_cls++] = i;
        for (int32_t i = row0; i < end; i++)
            s->query[i] = WN_MIN(wn_vit_token_of(r, f, rows->cell[i]).tile - seq->tile0,
                                 WN_MAX(s->n_cls - cls0 - 1, 0));
        add_group(r, s, (struct wn_vit_group){row0, end - row0, 1, cls0, s->n_cls - cls0,
                                              weighted(r, f)});
    }
    return WN_OK;
}

static unsigned cut_taps(const struct wn_vit_reduction *r, int32_t layer)
{
    const struct wn_reducer *red = r->of->reducer;
    unsigned taps = 0;

    for (int i = 0; i < red->n_cuts; i++)
        if (red->cut[i].point > 0 && (red->cut[i].point - 1) / 2 == layer)
            taps |= red->cut[i].taps;
    return taps;
}

static bool taps_of(const struct wn_vit_reduction *r, int32_t layer, enum wn_vit_tap_kind kind)
{
    for (int i = 0; i < r->n_taps; i++)
        if (r->tap[i].layer == layer && r->tap[i].kind == kind)
            return true;
    return false;
}

static void read_free(struct wn_vit_read *read, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        free(read[i].keys);
        free(read[i].attn);
        free(read[i].received);
        free(read[i].logits);
        free(read[i].mutual);
    }
    free(read);
}

static bool room(float **to, bool wanted, int32_t rows, int32_t width)
{
    if (wanted)
        *to = wn_calloc((size_t)rows, (size_t)width * sizeof(**to));
    return !wanted || *to;
}

/* What is read of a layer. */
static bool read_make(const struct wn_vit_reduction *r, struct wn_vit_read *read, int32_t layer)
{
    const unsigned cut = cut_taps(r, layer);
    const int32_t n = r->rows->n, heads = r->m->n_heads;
    const bool cls = cut & WN_TAP_CLS;

    *read = (struct wn_vit_read){.layer = layer};
    for (int32_t f = 0; f < r->rows->n_frames; f++)
        read->width = WN_MAX(read->width, r->rows->frame_ptr[f + 1] - r->rows->frame_ptr[f]);
    return room(&read->keys, cut & WN_TAP_KEYS || taps_of(r, layer, WN_VIT_KEY), n, r->m->dim) &&
           room(&read->attn, (cls && r->m->cls) || taps_of(r, layer, WN_VIT_CLS_ATTN), n, heads) &&
           room(&read->received, (cls && !r->m->cls) || taps_of(r, layer, WN_VIT_RECEIVED), n,
                heads) &&
           room(&read->logits, taps_of(r, layer, WN_VIT_CLS_LOGITS), n, heads) &&
           room(&read->mutual, cut & WN_TAP_MUTUAL, n, read->width);
}

/* Of rows [width] to places of their tokens; by_head: to [tile][head][token], else to
 * [tile][token][width]. */
static void scatter(const struct wn_vit_reduction *r, const float *from, int32_t width, float *to,
                    bool by_head)
{
    const struct wn_rows *rows = r->rows;
    const size_t tokens = (size_t)r->m->n_tokens, w = (size_t)width;

    for (int32_t f = 0; from && to && f < rows->n_frames; f++)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            const struct wn_vit_token t = wn_vit_token_of(r, f, rows->cell[i]);
            float *tile = to + (size_t)t.tile * tokens * w;

            for (size_t c = 0; c < w; c++)
                tile[by_head ? c * tokens + (size_t)t.token : (size_t)t.token * w + c] =
                    from[(size_t)i * w + c];
        }
}

static void give_read(struct wn_vit_reduction *r, struct wn_vit_read *read)
{
    const int32_t dim = r->m->dim, heads = r->m->n_heads;

    for (int i = 0; i < r->n_taps; i++) {
        const struct wn_vit_tap *t = &r->tap[i];

        if (t->layer != read->layer)
            continue;
        if (t->kind == WN_VIT_KEY)
            scatter(r, read->keys, dim, t->to, false);
        else if (t->kind == WN_VIT_CLS_ATTN)
            scatter(r, read->attn, heads, t->to, true);
        else if (t->kind == WN_VIT_CLS_LOGITS)
            scatter(r, read->logits, heads, t->to, true);
        else if (t->kind == WN_VIT_RECEIVED)
            scatter(r, read->received, heads, t->to, true);
    }
    if (!cut_taps(r, read->layer))
        return;
    scatter(r, read->keys, dim, r->keys, false);
    scatter(r, r->m->cls ? read->attn : read->received, heads, r->attn, false);
    free(r->mutual);
    r->mutual = read->mutual;
    r->width = read->width;
    read->mutual = NULL;
}

static void give_states(struct wn_vit_reduction *r)
{
    for (int i = 0; i < r->n_taps; i++)
        if (r->at % 2 == 0 && r->tap[i].kind == WN_VIT_HIDDEN && r->tap[i].layer == r->at / 2)
            scatter(r, r->rows->data, r->m->dim, r->tap[i].to, false);
}

static int run_piece(struct wn_vit_reduction *r, int32_t to)
{
    const int32_t first = (r->at + 1) / 2, n = (to + 1) / 2 - first;
    struct wn_vit_read *read = wn_calloc((size_t)WN_MAX(n, 0) + 1, sizeof(*read));
    struct shape shape = {0};
    int err;

    if (!read)
        return wn_nomem(r->vit->log, "a piece of the encoder");
    for (int32_t i = 0; i < n; i++)
        if (!read_make(r, &read[i], first + i)) {
            err = wn_nomem(r->vit->log, "what is read of the encoder");
            goto fail;
        }
    TRY(shape_make(r, &shape));
    TRY(wn_vit_piece_run(r->vit, &(struct wn_vit_piece){
        .from = r->at,
        .to = to,
        .rows = r->rows->n,
        .group = shape.group,
        .n_groups = shape.n_groups,
        .cls = shape.cls,
        .n_cls = shape.n_cls,
        .query = shape.query,
        .size = r->rows->size,
        .read = read,
        .n_read = n,
        .in = r->rows->data,
        .out = to % 2 && to == r->last ? NULL : r->rows->data,
    }));
    for (int32_t i = 0; i < n; i++)
        give_read(r, &read[i]);
    r->at = to;
    give_states(r);
fail:
    shape_free(&shape);
    read_free(read, n);
    return err;
}

/* ---- cuts ---- */

/* By token, to rows as they are now. */
static float *gather(const struct wn_vit_reduction *r, const float *from, int32_t width)
{
    const struct wn_rows *rows = r->rows;
    const size_t w = (size_t)width;
    float *to = wn_calloc((size_t)rows->n, w * sizeof(*to));

    for (int32_t f = 0; to && f < rows->n_frames; f++)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            const struct wn_vit_token t = wn_vit_token_of(r, f, rows->cell[i]);
            memcpy(to + (size_t)i * w,
                   from + ((size_t)t.tile * (size_t)r->m->n_tokens + (size_t)t.token) * w,
                   w * sizeof(*to));
        }
    return to;
}

static int one_layer(int32_t **to, int32_t layer)
{
    free(*to);
    *to = wn_calloc(1, sizeof(**to));
    if (!*to)
        return WN_ERR_NOMEM;
    **to = layer;
    return WN_OK;
}

static int give_taps(struct wn_vit_reduction *r, const struct wn_cut *cut)
{
    struct wn_rows *rows = r->rows;
    const int32_t layer = (cut->point - 1) / 2;

    if (cut->taps & WN_TAP_CLS) {
        rows->attn_layers = 1;
        rows->attn_heads = r->m->n_heads;
        rows->attn_received = !r->m->cls;
        rows->attn = gather(r, r->attn, r->m->n_heads);
        if (!rows->attn || one_layer(&rows->attn_layer, layer) < 0)
            return WN_ERR_NOMEM;
    }
    if (cut->taps & WN_TAP_KEYS) {
        rows->keys_layers = 1;
        rows->keys_heads = r->m->n_heads;
        rows->keys_dim = r->m->dim / r->m->n_heads;
        rows->keys = gather(r, r->keys, r->m->dim);
        if (!rows->keys || one_layer(&rows->keys_layer, layer) < 0)
            return WN_ERR_NOMEM;
    }
    if (cut->taps & WN_TAP_MUTUAL) { /* of a layer's first cut: rows are those that attended */
        rows->mutual = r->mutual;
        rows->mutual_width = r->width;
        r->mutual = NULL;
    }
    return WN_OK;
}

static void drop_taps(struct wn_rows *rows)
{
    free(rows->attn);
    free(rows->attn_layer);
    free(rows->keys);
    free(rows->keys_layer);
    free(rows->mutual);
    rows->attn = rows->keys = rows->mutual = NULL;
    rows->attn_layer = rows->keys_layer = NULL;
    rows->attn_layers = rows->keys_layers = rows->mutual_width = 0;
}

static int run_cut(struct wn_vit_reduction *r, int number)
{
    struct wn_reducer *red = r->of->reducer;
    const struct wn_cut *cut = &red->cut[number];
    int err = WN_OK;

    if (cut->join > 1)
        TRY(wn_vit_reduction_join(r, cut->join));
    if (!r->rows->n)
        return WN_OK;
    if (cut->taps & WN_TAP_MUTUAL && !r->mutual)
        return wn_fail(r->vit->log, WN_ERR_ARG, "two filters between layers %d and %d: the second "
                       "has no attention to read", cut->point / 2, cut->point / 2 + 1);
    if (give_taps(r, cut) < 0)
        return wn_nomem(r->vit->log, "what filters read of the encoder");
    TRY(red->run(red, number, r->rows));
    drop_taps(r->rows);
    free(r->mutual);
    r->mutual = NULL;
fail:
    return err;
}

/* ---- the whole ---- */

static bool find_ends(struct wn_vit_reduction *r)
{
    for (int i = 0; i < r->n_taps; i++) {
        const struct wn_vit_tap *t = &r->tap[i];

        switch (t->kind) {
        case WN_VIT_PROJECTED:
            r->depth = 2 * r->m->depth;
            r->last = WN_MAX(r->last, r->depth);
            break;
        case WN_VIT_HIDDEN:
            if (t->layer < 0 || t->layer > r->m->n_layers)
                return false;
            r->last = WN_MAX(r->last, 2 * t->layer);
            break;
        case WN_VIT_KEY:
        case WN_VIT_CLS_ATTN:
        case WN_VIT_CLS_LOGITS:
        case WN_VIT_RECEIVED:
            if (t->layer < 0 || t->layer >= r->m->n_layers)
                return false;
            r->last = WN_MAX(r->last, 2 * t->layer + 1);
            break;
        default:
            return false;
        }
    }
    if (r->of->look)
        r->last = 2 * r->m->n_layers;
    return true;
}

/* What cuts read, by token. */
static int cut_memory(struct wn_vit_reduction *r)
{
    const size_t tokens = (size_t)r->n * (size_t)r->m->n_tokens;
    unsigned taps = 0;

    for (int i = 0; i < r->of->reducer->n_cuts; i++)
        taps |= r->of->reducer->cut[i].taps;
    if (taps & WN_TAP_KEYS)
        r->keys = wn_calloc(tokens, (size_t)r->m->dim * sizeof(*r->keys));
    if (taps & WN_TAP_CLS)
        r->attn = wn_calloc(tokens, (size_t)r->m->n_heads * sizeof(*r->attn));
    if ((taps & WN_TAP_KEYS && !r->keys) || (taps & WN_TAP_CLS && !r->attn))
        return wn_nomem(r->vit->log, "what filters read of the encoder");
    return WN_OK;
}

/* Where the next piece ends. */
static int32_t next_point(const struct wn_vit_reduction *r, int cut)
{
    int32_t to = r->last;

    if (cut < r->of->reducer->n_cuts)
        to = WN_MIN(to, r->of->reducer->cut[cut].point);
    if (r->at < r->depth)
        to = WN_MIN(to, r->depth);
    for (int i = 0; i < r->n_taps; i++)
        if (r->tap[i].kind == WN_VIT_HIDDEN && 2 * r->tap[i].layer > r->at)
            to = WN_MIN(to, 2 * r->tap[i].layer);
    return r->of->look ? WN_MIN(to, r->at / 2 * 2 + 2) : to;
}

static int run_all(struct wn_vit_reduction *r, const float *patches, struct wn_vit_left *left)
{
    const struct wn_reducer *red = r->of->reducer;
    int cut = 0, err;

    TRY(cut_memory(r));
    TRY(wn_vit_reduction_begin(r, patches));
    give_states(r);
    for (;;) {
        if (cut < red->n_cuts && red->cut[cut].point == r->at) {
            if (r->of->look && r->at % 2 == 0)
                r->of->look(r->of->arg, r->at / 2, r->rows);
            TRY(run_cut(r, cut++));
        }
        if (r->of->look && r->at % 2 == 0)
            r->of->look(r->of->arg, r->at / 2, r->rows);
        if (r->at == r->depth)
            TRY(wn_vit_reduction_leave(r, left));
        if (r->at >= r->last)
            return WN_OK;
        TRY(run_piece(r, next_point(r, cut)));
    }
fail:
    return err;
}

int wn_vit_run_reduced(struct wn_vit *vit, const float *patches, int n,
                       const struct wn_vit_tap *tap, int n_taps,
                       const struct wn_vit_reduce *reduce, struct wn_vit_left *left)
{
    struct wn_vit_reduction r = {
        .vit = vit, .m = &vit->info, .of = reduce, .tap = tap, .n_taps = n_taps, .n = n,
        .depth = -1,
    };

    if (n < 1 || !find_ends(&r))
        return wn_fail(vit->log, WN_ERR_ARG, "the encoder has no such layer");
    const int err = run_all(&r, patches, left);
    if (err < 0)
        wn_vit_left_finish(left);
    wn_rows_destroy(&r.rows);
    free(r.seq);
    free(r.keys);
    free(r.attn);
    free(r.mutual);
    return err;
}
