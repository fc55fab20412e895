/* SPDX-License-Identifier: MIT */
/* Rows of a reduced tower: the first ones, joined ones, and what is left in the end. */
#include <stdlib.h>
#include <string.h>

#include "vit_piece.h"
#include "vit_reduction.h"

/* ---- places ---- */

struct wn_vit_token wn_vit_token_of(const struct wn_vit_reduction *r, int32_t frame, int32_t cell)
{
    const struct wn_vit_sequence *s = &r->seq[r->rows->frames[frame].index];
    const int32_t cls = r->m->cls ? s->tiles : 0, patch = cell - cls;

    if (cell < cls)
        return (struct wn_vit_token){s->tile0 + cell, 0};
    return (struct wn_vit_token){s->tile0 + patch / r->m->n_patches,
                          r->m->cls + patch % r->m->n_patches};
}

static int32_t cell_of(const struct wn_vit_reduction *r, const struct wn_vit_sequence *s,
                       struct wn_vit_token t)
{
    const int32_t tile = t.tile - s->tile0;

    if (r->m->cls && !t.token)
        return tile;
    return (r->m->cls ? s->tiles : 0) + tile * r->m->n_patches + t.token - r->m->cls;
}

/* Cells of so many pictures, one above the other. */
static struct wn_layout *stack(const struct wn_vit_info *m, int32_t tiles)
{
    struct wn_layout *l = wn_calloc(1, sizeof(*l));
    const int32_t cls = m->cls ? tiles : 0;

    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    l->n_rows = cls + tiles * m->n_patches;
    l->grid_h = tiles * m->side;
    l->grid_w = m->side;
    l->pos = wn_calloc((size_t)l->n_rows, sizeof(*l->pos));
    if (!l->pos) {
        wn_layout_unref(&l);
        return NULL;
    }
    for (int32_t i = 0; i < l->n_rows; i++) {
        l->pos[i][0] = i < cls ? -1 : (i - cls) / m->side;
        l->pos[i][1] = i < cls ? -1 : (i - cls) % m->side;
    }
    return l;
}

/* ---- the first rows ---- */

static bool enters(const struct wn_vit_reduction *r, int32_t tile, int32_t patch)
{
    return !r->of->enter || r->of->enter[tile * r->m->n_patches + patch];
}

static int32_t entering(const struct wn_vit_reduction *r, int32_t tile)
{
    int32_t n = 0;

    for (int32_t p = 0; p < r->m->n_patches; p++)
        n += enters(r, tile, p);
    return n;
}

static int name_rows(struct wn_vit_reduction *r)
{
    struct wn_layout *layout = stack(r->m, 1);
    struct wn_rows *rows = r->rows;
    int32_t at = 0;

    if (!layout)
        return WN_ERR_NOMEM;
    for (int32_t f = 0; f < r->n; f++) {
        rows->frames[f] = (struct wn_row_frame){.index = f, .layout = wn_layout_ref(layout)};
        r->seq[f] = (struct wn_vit_sequence){f, 1};
        if (r->m->cls)
            rows->cell[at++] = 0;
        for (int32_t p = 0; p < r->m->n_patches; p++)
            if (enters(r, f, p))
                rows->cell[at++] = r->m->cls + p;
        rows->frame_ptr[f + 1] = at;
    }
    wn_layout_unref(&layout);
    return WN_OK;
}

/* W of rows of which some never entered. */
static int select_sources(struct wn_vit_reduction *r)
{
    struct wn_rows *rows = r->rows;
    struct wn_sources *w = &rows->w;

    *w = (struct wn_sources){
        .n = rows->n,
        .n_src = r->n * r->m->n_tokens,
        .ptr = wn_calloc((size_t)rows->n + 1, sizeof(*w->ptr)),
        .idx = wn_calloc((size_t)rows->n, sizeof(*w->idx)),
        .weight = wn_calloc((size_t)rows->n, sizeof(*w->weight)),
        .linear = true,
    };
    if (!w->ptr || !w->idx || !w->weight)
        return WN_ERR_NOMEM;
    for (int32_t f = 0; f < r->n; f++)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            w->ptr[i + 1] = i + 1;
            w->idx[i] = f * r->m->n_tokens + rows->cell[i];
            w->weight[i] = 1;
        }
    return WN_OK;
}

/* Embeds what enters, and sets CLS rows between. */
static int embed(struct wn_vit_reduction *r, const float *patches)
{
    const size_t size = 3 * (size_t)r->m->patch_size * (size_t)r->m->patch_size;
    const size_t dim = (size_t)r->m->dim, n = (size_t)r->rows->n;
    float *in = wn_calloc(n, size * sizeof(*in)), *out = wn_calloc(n + 1, dim * sizeof(*out));
    int32_t *place = wn_calloc(n, sizeof(*place)), at = 0;
    int err;

    if (!in || !out || !place) {
        err = wn_nomem(r->vit->log, "the encoder's input");
        goto fail;
    }
    for (int32_t f = 0; f < r->n; f++)
        for (int32_t p = 0; p < r->m->n_patches; p++) {
            if (!enters(r, f, p))
                continue;
            place[at] = p;
            memcpy(in + (size_t)at++ * size,
                   patches + (size_t)(f * r->m->n_patches + p) * size, size * sizeof(*in));
        }
    TRY(wn_vit_embed(r->vit, in, place, at, out, out + n * dim));
    at = 0;
    for (int32_t f = 0; f < r->n; f++)
        for (int32_t i = r->rows->frame_ptr[f]; i < r->rows->frame_ptr[f + 1]; i++) {
            const bool cls = r->m->cls && !r->rows->cell[i];
            memcpy(r->rows->data + (size_t)i * dim, out + (cls ? n : (size_t)at++) * dim,
                   dim * sizeof(*out));
        }
fail:
    free(in);
    free(out);
    free(place);
    return err;
}

int wn_vit_reduction_begin(struct wn_vit_reduction *r, const float *patches)
{
    int32_t n = 0;

    for (int32_t f = 0; f < r->n; f++)
        n += r->m->cls + entering(r, f);
    r->seq = wn_calloc((size_t)r->n, sizeof(*r->seq));
    r->rows = wn_rows_create(n, r->m->dim, r->n);
    if (r->rows)
        r->rows->size = wn_calloc((size_t)n, sizeof(*r->rows->size));
    for (int32_t i = 0; r->rows && r->rows->size && i < n; i++)
        r->rows->size[i] = 1;
    if (!r->seq || !r->rows || !r->rows->size || name_rows(r) < 0 ||
        (r->of->enter && select_sources(r) < 0))
        return wn_nomem(r->vit->log, "rows of the encoder");
    r->rows->encoder_layers = r->m->n_layers;
    return embed(r, patches);
}

/* ---- joined pictures ---- */

/* Rows in another order, with W along. */
static int reorder(struct wn_vit_reduction *r, const int32_t *order)
{
    struct wn_rows *rows = r->rows;
    const size_t n = (size_t)rows->n, dim = (size_t)rows->dim;
    struct wn_sources w, one = {
        .n = rows->n, .n_src = rows->n, .linear = true,
        .ptr = wn_calloc(n + 1, sizeof(*one.ptr)),
        .idx = wn_calloc(n, sizeof(*one.idx)),
        .weight = wn_calloc(n, sizeof(*one.weight)),
    };
    float *data = wn_calloc(n, dim * sizeof(*data)), *size = wn_calloc(n, sizeof(*size));
    float *score = wn_calloc(n, sizeof(*score));
    int err = WN_ERR_NOMEM;

    if (!one.ptr || !one.idx || !one.weight || !data || !size || !score)
        goto fail;
    for (size_t i = 0; i < n; i++) {
        const size_t from = (size_t)order[i];
        one.ptr[i + 1] = (int32_t)i + 1;
        one.idx[i] = order[i];
        one.weight[i] = 1;
        memcpy(data + i * dim, rows->data + from * dim, dim * sizeof(*data));
        size[i] = rows->size ? rows->size[from] : 1;
        score[i] = rows->score ? rows->score[from] : 0;
    }
    err = wn_sources_compose(&w, &one, &rows->w);
    if (err < 0)
        goto fail;
    wn_sources_finish(&rows->w);
    rows->w = w;
    memcpy(rows->data, data, n * dim * sizeof(*data));
    if (rows->size)
        memcpy(rows->size, size, n * sizeof(*size));
    if (rows->score)
        memcpy(rows->score, score, n * sizeof(*score));
fail:
    wn_sources_finish(&one);
    free(data);
    free(size);
    free(score);
    return err;
}

/* Frames first .. end - 1 become frame `to`: where their rows were, CLS rows first. */
static int join_some(struct wn_vit_reduction *r, int32_t first, int32_t end, int32_t to,
                     int32_t *order)
{
    struct wn_rows *rows = r->rows;
    const struct wn_vit_sequence *a = &r->seq[rows->frames[first].index];
    const struct wn_vit_sequence *z = &r->seq[rows->frames[end - 1].index];
    struct wn_vit_sequence all = {a->tile0, z->tile0 + z->tiles - a->tile0};
    struct wn_layout *layout = stack(r->m, all.tiles);
    int32_t *cell = wn_calloc((size_t)rows->n, sizeof(*cell)), at = rows->frame_ptr[first];

    if (!layout || !cell) {
        wn_layout_unref(&layout);
        free(cell);
        return WN_ERR_NOMEM;
    }
    for (int pass = 0; pass < 2; pass++)
        for (int32_t f = first; f < end; f++)
            for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
                const struct wn_vit_token t = wn_vit_token_of(r, f, rows->cell[i]);
                const bool cls = r->m->cls && !t.token;
                if (cls != !pass)
                    continue;
                cell[at] = cell_of(r, &all, t);
                order[at++] = i;
            }
    memcpy(rows->cell + rows->frame_ptr[first], cell + rows->frame_ptr[first],
           (size_t)(at - rows->frame_ptr[first]) * sizeof(*cell));
    free(cell);
    for (int32_t f = first; f < end; f++)
        wn_layout_unref(&rows->frames[f].layout);
    rows->frames[to] = (struct wn_row_frame){.index = to, .layout = layout};
    rows->frame_ptr[to] = rows->frame_ptr[first];
    r->seq[to] = all;
    return WN_OK;
}

int wn_vit_reduction_join(struct wn_vit_reduction *r, int32_t frames)
{
    struct wn_rows *rows = r->rows;
    int32_t *order = wn_calloc((size_t)rows->n, sizeof(*order)), to = 0;
    struct wn_vit_sequence *seq = wn_calloc((size_t)r->n, sizeof(*seq));
    int err = order && seq ? WN_OK : WN_ERR_NOMEM;

    if (err < 0)
        goto fail;
    for (int32_t f = 0; f < rows->n_frames; f++) { /* sequences that vanished are forgotten */
        seq[f] = r->seq[rows->frames[f].index];
        rows->frames[f].index = f;
    }
    memcpy(r->seq, seq, (size_t)rows->n_frames * sizeof(*seq));
    for (int32_t f = 0; f < rows->n_frames; f += frames)
        TRY(join_some(r, f, WN_MIN(f + frames, rows->n_frames), to++, order));
    rows->frame_ptr[to] = rows->n;
    rows->n_frames = to;
    TRY(reorder(r, order));
fail:
    free(order);
    free(seq);
    return err < 0 ? wn_nomem(r->vit->log, "rows of joined frames") : WN_OK;
}

/* ---- the end ---- */

void wn_vit_left_finish(struct wn_vit_left *left)
{
    free(left->alive);
    free(left->size);
    free(left->score);
    free(left->row);
    free(left->holder);
    wn_sources_finish(&left->w);
    *left = (struct wn_vit_left){0};
}

/* Makes room for n_new elements behind n. */
static bool widen(void *array, size_t n, size_t n_new, size_t size)
{
    void **p = array, *q = wn_regrow(*p, n + n_new, size);

    *p = q ? q : *p;
    return q;
}

int wn_vit_left_append(struct wn_vit_left *dst, struct wn_vit_left *src)
{
    struct wn_sources *d = &dst->w, *s = &src->w;

    if (!dst->alive) {
        *dst = *src;
        *src = (struct wn_vit_left){0};
        return WN_OK;
    }
    const size_t n = (size_t)d->n_src, m = (size_t)s->n_src, rows = (size_t)d->n;
    const size_t entries = (size_t)d->ptr[rows], more = (size_t)s->ptr[s->n];
    if (!widen(&dst->alive, n, m, 1) || !widen(&dst->size, n, m, 4) ||
        !widen(&dst->score, n, m, 4) || !widen(&dst->row, n, m, 4) ||
        !widen(&dst->holder, n, m, 4) || !widen(&d->ptr, rows + 1, (size_t)s->n, 4) ||
        !widen(&d->idx, entries, more, 4) || !widen(&d->weight, entries, more, 4))
        return WN_ERR_NOMEM;
    memcpy(dst->alive + n, src->alive, m);
    memcpy(dst->size + n, src->size, m * sizeof(float));
    memcpy(dst->score + n, src->score, m * sizeof(float));
    for (size_t p = 0; p < m; p++) {
        dst->row[n + p] = src->row[p] < 0 ? -1 : src->row[p] + d->n;
        dst->holder[n + p] = src->holder[p] < 0 ? -1 : src->holder[p] + d->n_src;
    }
    for (int32_t i = 1; i <= s->n; i++)
        d->ptr[d->n + i] = (int32_t)entries + s->ptr[i];
    for (size_t k = 0; k < more; k++) {
        d->idx[entries + k] = s->idx[k] + d->n_src;
        d->weight[entries + k] = s->weight[k];
    }
    d->n += s->n;
    d->n_src += s->n_src;
    wn_vit_left_finish(src);
    return WN_OK;
}

/* The row of each patch, or -1. */
static int32_t *rows_by_patch(const struct wn_vit_reduction *r)
{
    const struct wn_rows *rows = r->rows;
    const size_t n = (size_t)r->n * (size_t)r->m->n_patches;
    int32_t *row = wn_calloc(n, sizeof(*row));

    for (size_t i = 0; row && i < n; i++)
        row[i] = -1;
    for (int32_t f = 0; row && f < rows->n_frames; f++)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            const struct wn_vit_token t = wn_vit_token_of(r, f, rows->cell[i]);
            if (t.token >= r->m->cls)
                row[t.tile * r->m->n_patches + t.token - r->m->cls] = i;
        }
    return row;
}

/* Appends a row of W over tokens to one over patches. */
static void add_sources(const struct wn_vit_reduction *r, struct wn_vit_left *left, int32_t row,
                        int32_t patch, float *most)
{
    const struct wn_sources *from = &r->rows->w;
    struct wn_sources *to = &left->w;
    int32_t at = to->ptr[to->n];

    if (!from->ptr) {
        to->idx[at] = patch;
        to->weight[at++] = 1;
        left->holder[patch] = patch;
    }
    for (int32_t k = from->ptr ? from->ptr[row] : 0; from->ptr && k < from->ptr[row + 1]; k++) {
        const int32_t tile = from->idx[k] / r->m->n_tokens;
        const int32_t token = from->idx[k] % r->m->n_tokens - r->m->cls;
        const int32_t p = tile * r->m->n_patches + token;

        if (token < 0)
            continue;
        to->idx[at] = p;
        to->weight[at++] = from->weight[k];
        if (left->holder[p] < 0 || from->weight[k] > most[p]) {
            left->holder[p] = patch;
            most[p] = from->weight[k];
        }
    }
    to->ptr[++to->n] = at;
}

static int leave(const struct wn_vit_reduction *r, struct wn_vit_left *left)
{
    const struct wn_rows *rows = r->rows;
    const int32_t n = r->n * r->m->n_patches;
    const size_t entries = (size_t)(rows->w.ptr ? rows->w.ptr[rows->n] : rows->n);
    int32_t *row = rows_by_patch(r);
    float *most = wn_calloc((size_t)n, sizeof(*most));

    left->alive = wn_calloc((size_t)n, 1);
    left->row = wn_calloc((size_t)n, sizeof(*left->row));
    left->size = wn_calloc((size_t)n, sizeof(*left->size));
    left->score = wn_calloc((size_t)n, sizeof(*left->score));
    left->holder = wn_calloc((size_t)n, sizeof(*left->holder));
    left->w = (struct wn_sources){
        .n_src = n,
        .ptr = wn_calloc((size_t)rows->n + 1, sizeof(*left->w.ptr)),
        .idx = wn_calloc(entries, sizeof(*left->w.idx)),
        .weight = wn_calloc(entries, sizeof(*left->w.weight)),
    };
    const bool ok = row && most && left->alive && left->size && left->score && left->holder &&
                    left->row && left->w.ptr && left->w.idx && left->w.weight;
    for (int32_t p = 0; ok && p < n; p++)
        left->holder[p] = left->row[p] = -1;
    for (int32_t p = 0; ok && p < n; p++) {
        if (row[p] < 0)
            continue;
        left->alive[p] = 1;
        left->row[p] = left->w.n;
        left->size[p] = rows->size ? rows->size[row[p]] : 1;
        left->score[p] = rows->score ? rows->score[row[p]] : 0;
        add_sources(r, left, row[p], p, most);
    }
    free(row);
    free(most);
    return ok ? WN_OK : wn_nomem(r->vit->log, "rows of the encoder");
}

int wn_vit_reduction_leave(struct wn_vit_reduction *r, struct wn_vit_left *left)
{
    const struct wn_rows *rows = r->rows;
    const size_t width = (size_t)r->m->out_dim;
    float *to = NULL;
    int err = leave(r, left);

    for (int i = 0; i < r->n_taps; i++)
        to = r->tap[i].kind == WN_VIT_PROJECTED ? r->tap[i].to : to;
    float *out = to ? wn_calloc((size_t)rows->n, width * sizeof(*out)) : NULL;
    if (err < 0 || !to)
        goto fail;
    if (!out) {
        err = wn_nomem(r->vit->log, "rows of the encoder");
        goto fail;
    }
    TRY(wn_vit_project_rows(r->vit, rows->data, rows->n, out));
    for (int32_t f = 0; f < rows->n_frames; f++)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            const struct wn_vit_token t = wn_vit_token_of(r, f, rows->cell[i]);
            const int32_t p = t.tile * r->m->n_patches + t.token - r->m->cls;
            if (t.token >= r->m->cls)
                memcpy(to + (size_t)p * width, out + (size_t)i * width, width * sizeof(*out));
        }
fail:
    free(out);
    return err;
}

