/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct wn_layout *wn_layout_ref(struct wn_layout *layout)
{
    if (layout)
        atomic_fetch_add(&layout->refs, 1);
    return layout;
}

void wn_layout_unref(struct wn_layout **layout)
{
    struct wn_layout *l = *layout;

    if (!l)
        return;
    *layout = NULL;
    if (atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    for (int32_t i = 0; i < l->n_parts; i++)
        free(l->parts[i].tokens);
    free(l->parts);
    free(l->pos);
    free(l->mpos);
    free(l->tile);
    free(l->tile_pos);
    free(l);
}

struct wn_rows *wn_rows_create(int32_t n, int32_t dim, int32_t n_frames)
{
    struct wn_rows *rows = wn_calloc(1, sizeof(*rows));

    if (!rows || n < 0 || dim < 0 || n_frames < 0)
        goto fail;
    rows->n = n;
    rows->dim = dim;
    rows->n_frames = n_frames;
    rows->frame_ptr = wn_calloc((size_t)n_frames + 1, sizeof(*rows->frame_ptr));
    rows->frames = wn_calloc((size_t)n_frames, sizeof(*rows->frames));
    if (!rows->frames)
        rows->n_frames = 0;
    rows->data = wn_calloc((size_t)n, (size_t)dim * sizeof(*rows->data));
    rows->cell = wn_calloc((size_t)n, sizeof(*rows->cell));
    if (!rows->frame_ptr || !rows->frames || !rows->data || !rows->cell)
        goto fail;
    return rows;
fail:
    wn_rows_destroy(&rows);
    return NULL;
}

void wn_sources_finish(struct wn_sources *w)
{
    free(w->ptr);
    free(w->idx);
    free(w->weight);
    *w = (struct wn_sources){0};
}

void wn_rows_destroy(struct wn_rows **rows)
{
    struct wn_rows *r = *rows;

    if (!r)
        return;
    for (int32_t f = 0; f < r->n_frames; f++) {
        wn_layout_unref(&r->frames[f].layout);
        wn_frame_unref(&r->frames[f].picture);
    }
    free(r->frame_ptr);
    free(r->frames);
    free(r->data);
    free(r->cell);
    free(r->score);
    free(r->size);
    free(r->logits);
    free(r->global);
    wn_sources_finish(&r->w);
    free(r->attn);
    free(r->attn_layer);
    free(r->keys);
    free(r->keys_layer);
    free(r->mutual);
    free(r);
    *rows = NULL;
}

static size_t attn_width(const struct wn_rows *r)
{
    return (size_t)r->attn_layers * (size_t)r->attn_heads;
}

static size_t keys_width(const struct wn_rows *r)
{
    return (size_t)r->keys_layers * (size_t)r->keys_heads * (size_t)r->keys_dim;
}

static bool same_shape(const struct wn_rows *a, const struct wn_rows *b)
{
    return a->dim == b->dim && !a->attn == !b->attn && attn_width(a) == attn_width(b) &&
           !a->keys == !b->keys && keys_width(a) == keys_width(b) && !a->score == !b->score &&
           !a->size == !b->size && !a->logits == !b->logits && !a->global == !b->global &&
           a->global_dim == b->global_dim && !a->mutual && !b->mutual;
}

int64_t wn_rows_uncompressed(const struct wn_rows *rows)
{
    return rows->w.ptr ? rows->w.n_src : rows->n;
}

/* What W of so many rows holds, the identity where it was not made. */
static int32_t entries(const struct wn_rows *r)
{
    return r->w.ptr ? r->w.ptr[r->n] : r->n;
}

static void put_sources(struct wn_sources *to, int32_t row0, int32_t col0, const struct wn_rows *r)
{
    const int32_t at = to->ptr[row0], n = entries(r);

    for (int32_t i = 0; i < r->n; i++)
        to->ptr[row0 + i + 1] = at + (r->w.ptr ? r->w.ptr[i + 1] : i + 1);
    for (int32_t k = 0; k < n; k++) {
        to->idx[at + k] = col0 + (r->w.ptr ? r->w.idx[k] : k);
        to->weight[at + k] = r->w.ptr ? r->w.weight[k] : 1;
    }
}

/* W of a's rows and b's behind them. */
static int join_sources(struct wn_sources *out, const struct wn_rows *a, const struct wn_rows *b)
{
    const int64_t n = (int64_t)a->n + b->n, k = (int64_t)entries(a) + entries(b);
    const int64_t n_src = wn_rows_uncompressed(a) + wn_rows_uncompressed(b);

    *out = (struct wn_sources){0};
    if (!a->w.ptr && !b->w.ptr)
        return WN_OK;
    if (n_src > INT32_MAX || k > INT32_MAX)
        return WN_ERR_NOMEM;
    *out = (struct wn_sources){
        .n = (int32_t)n,
        .n_src = (int32_t)n_src,
        .ptr = wn_calloc((size_t)n + 1, sizeof(*out->ptr)),
        .idx = wn_calloc((size_t)k, sizeof(*out->idx)),
        .weight = wn_calloc((size_t)k, sizeof(*out->weight)),
        .linear = (!a->w.ptr || a->w.linear) && (!b->w.ptr || b->w.linear),
    };
    if (!out->ptr || !out->idx || !out->weight) {
        wn_sources_finish(out);
        return WN_ERR_NOMEM;
    }
    put_sources(out, 0, 0, a);
    put_sources(out, a->n, (int32_t)wn_rows_uncompressed(a), b);
    return WN_OK;
}

/* Makes room for n_new more elements of `width` 4-byte words behind n. */
static int widen(void **p, size_t n, size_t n_new, size_t width)
{
    if (!*p)
        return WN_OK;
    void *q = wn_regrow(*p, n + n_new, width * 4);
    if (!q)
        return WN_ERR_NOMEM;
    *p = q;
    return WN_OK;
}

static void copy_behind(void *dst, const void *src, size_t n, size_t n_new, size_t width)
{
    if (dst && n_new > 0 && width > 0)
        memcpy((char *)dst + n * width * 4, src, n_new * width * 4);
}

int wn_rows_append(struct wn_rows **dst, struct wn_rows **src)
{
    if (!*dst) {
        *dst = *src;
        *src = NULL;
        return WN_OK;
    }
    struct wn_rows *d = *dst, *s = *src;
    const size_t n = (size_t)d->n, m = (size_t)s->n;
    const size_t nf = (size_t)d->n_frames, mf = (size_t)s->n_frames;

    assert(same_shape(d, s));
    if (m > (size_t)(INT32_MAX - d->n))
        return WN_ERR_NOMEM;
    struct wn_sources w;
    if (join_sources(&w, d, s) < 0)
        return WN_ERR_NOMEM;
    int32_t *ptr = wn_regrow(d->frame_ptr, nf + mf + 1, sizeof(*ptr));
    if (!ptr)
        goto no_memory;
    d->frame_ptr = ptr;
    struct wn_row_frame *frames = wn_regrow(d->frames, nf + mf, sizeof(*frames));
    if (!frames)
        goto no_memory;
    d->frames = frames;
    if (widen((void **)&d->data, n, m, (size_t)d->dim) || widen((void **)&d->cell, n, m, 1) ||
        widen((void **)&d->score, n, m, 1) || widen((void **)&d->size, n, m, 1) ||
        widen((void **)&d->logits, n, m, 1) || widen((void **)&d->attn, n, m, attn_width(d)) ||
        widen((void **)&d->keys, n, m, keys_width(d)) ||
        widen((void **)&d->global, nf, mf, (size_t)d->global_dim))
        goto no_memory;
    copy_behind(d->data, s->data, n, m, (size_t)d->dim);
    copy_behind(d->cell, s->cell, n, m, 1);
    copy_behind(d->score, s->score, n, m, 1);
    copy_behind(d->size, s->size, n, m, 1);
    copy_behind(d->logits, s->logits, n, m, 1);
    copy_behind(d->global, s->global, nf, mf, (size_t)d->global_dim);
    copy_behind(d->attn, s->attn, n, m, attn_width(d));
    copy_behind(d->keys, s->keys, n, m, keys_width(d));
    for (size_t f = 0; f <= mf; f++)
        d->frame_ptr[nf + f] = d->n + s->frame_ptr[f];
    if (mf)
        memcpy(d->frames + nf, s->frames, mf * sizeof(*frames));
    d->n += s->n;
    d->n_frames += s->n_frames;
    d->checked &= s->checked;
    if (w.ptr) {
        wn_sources_finish(&d->w);
        d->w = w;
    }
    s->n_frames = 0; /* its references moved */
    wn_rows_destroy(src);
    return WN_OK;
no_memory:
    wn_sources_finish(&w);
    return WN_ERR_NOMEM;
}

/* n words of p, which may be NULL; *ok becomes false when out of memory. */
static void *copied(const void *p, size_t n, bool *ok)
{
    void *q = p ? wn_calloc(n, 4) : NULL;

    *ok = *ok && (q || !p);
    if (q)
        copy_behind(q, p, 0, n, 1);
    return q;
}

static struct wn_sources copied_sources(const struct wn_sources *w, bool *ok)
{
    const size_t entries = w->ptr ? (size_t)w->ptr[w->n] : 0;
    struct wn_sources c = *w;

    c.ptr = copied(w->ptr, (size_t)w->n + 1, ok);
    c.idx = copied(w->idx, entries, ok);
    c.weight = copied(w->weight, entries, ok);
    return c;
}

struct wn_rows *wn_rows_copy(const struct wn_rows *r)
{
    const size_t n = (size_t)r->n, nf = (size_t)r->n_frames;
    struct wn_rows *c = wn_calloc(1, sizeof(*c));
    bool ok = true;

    if (!c)
        return NULL;
    *c = *r;
    c->frames = wn_calloc(nf, sizeof(*c->frames));
    if (!c->frames)
        c->n_frames = 0;
    for (int32_t f = 0; f < c->n_frames; f++) {
        c->frames[f] = r->frames[f];
        wn_layout_ref(c->frames[f].layout);
        wn_frame_ref(c->frames[f].picture);
    }
    c->frame_ptr = copied(r->frame_ptr, nf + 1, &ok);
    c->data = copied(r->data, n * (size_t)r->dim, &ok);
    c->cell = copied(r->cell, n, &ok);
    c->score = copied(r->score, n, &ok);
    c->size = copied(r->size, n, &ok);
    c->w = copied_sources(&r->w, &ok);
    c->attn = copied(r->attn, n * attn_width(r), &ok);
    c->attn_layer = copied(r->attn_layer, (size_t)r->attn_layers, &ok);
    c->logits = copied(r->logits, n, &ok);
    c->keys = copied(r->keys, n * keys_width(r), &ok);
    c->keys_layer = copied(r->keys_layer, (size_t)r->keys_layers, &ok);
    c->mutual = copied(r->mutual, n * (size_t)r->mutual_width, &ok);
    c->global = copied(r->global, nf * (size_t)r->global_dim, &ok);
    if (!ok || !c->frames)
        wn_rows_destroy(&c);
    return c;
}

size_t wn_rows_bytes(const struct wn_rows *rows)
{
    return (size_t)rows->n * 4 *
           ((size_t)rows->dim + (rows->attn ? attn_width(rows) : 0) +
            (rows->keys ? keys_width(rows) : 0));
}

int32_t wn_rows_frame_of(const struct wn_rows *rows, int32_t i)
{
    int32_t low = 0, high = rows->n_frames - 1;

    assert(i >= 0 && i < rows->n);
    while (low < high) { /* the last f with frame_ptr[f] <= i */
        const int32_t mid = low + (high - low + 1) / 2;
        if (rows->frame_ptr[mid] <= i)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

void wn_rows_pos(const struct wn_rows *rows, int32_t i, int32_t pos[2])
{
    const struct wn_layout *layout = rows->frames[wn_rows_frame_of(rows, i)].layout;

    pos[0] = layout ? layout->pos[rows->cell[i]][0] : -1;
    pos[1] = layout ? layout->pos[rows->cell[i]][1] : -1;
}

/* Appends `weight` at column `col` to row r of out, adding it up where the row has it already. */
static void add_entry(struct wn_sources *out, int32_t r, int32_t *at, int32_t *seen, int32_t col,
                      float weight)
{
    if (seen[col] >= out->ptr[r]) {
        out->weight[seen[col]] += weight;
        return;
    }
    seen[col] = *at;
    out->idx[*at] = col;
    out->weight[(*at)++] = weight;
}

int wn_sources_compose(struct wn_sources *out, const struct wn_sources *b,
                       const struct wn_sources *a)
{
    const bool identity = !a || !a->ptr;
    const int32_t n_src = identity ? b->n_src : a->n_src;
    struct wn_sources c = {
        .n = b->n, .n_src = n_src, .linear = b->linear && (identity || a->linear)};
    int64_t most = 0;

    for (int32_t k = 0; k < b->ptr[b->n]; k++)
        most += identity ? 1 : a->ptr[b->idx[k] + 1] - a->ptr[b->idx[k]];
    c.ptr = wn_calloc((size_t)b->n + 1, sizeof(*c.ptr));
    c.idx = wn_calloc((size_t)most, sizeof(*c.idx));
    c.weight = wn_calloc((size_t)most, sizeof(*c.weight));
    int32_t *seen = wn_calloc((size_t)n_src, sizeof(*seen)); /* where a column stands in c */
    if (most > INT32_MAX || !c.ptr || !c.idx || !c.weight || !seen) {
        free(seen);
        wn_sources_finish(&c);
        return WN_ERR_NOMEM;
    }
    for (int32_t j = 0; j < n_src; j++)
        seen[j] = -1;
    int32_t at = 0;
    for (int32_t r = 0; r < b->n; r++) {
        for (int32_t k = b->ptr[r]; k < b->ptr[r + 1]; k++) {
            if (identity) {
                add_entry(&c, r, &at, seen, b->idx[k], b->weight[k]);
                continue;
            }
            for (int32_t l = a->ptr[b->idx[k]]; l < a->ptr[b->idx[k] + 1]; l++)
                add_entry(&c, r, &at, seen, a->idx[l], b->weight[k] * a->weight[l]);
        }
        c.ptr[r + 1] = at;
    }
    free(seen);
    *out = c;
    return WN_OK;
}
