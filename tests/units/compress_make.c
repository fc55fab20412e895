/* SPDX-License-Identifier: MIT */
#include "tests/units/compress_make.h"

#include <stdlib.h>
#include <string.h>

uint32_t lot_next(struct lot *lot)
{
    lot->state = lot->state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t x = lot->state ^ lot->state >> 33;

    return (uint32_t)(x * 0x9e3779b97f4a7c15u >> 32);
}

int32_t lot_below(struct lot *lot, int32_t n)
{
    return (int32_t)(lot_next(lot) % (uint32_t)n);
}

float lot_float(struct lot *lot)
{
    return (float)(lot_next(lot) >> 8) / 8388608.0f - 1.0f;
}

static float number(struct lot *lot, enum data_kind kind)
{
    static const float far[] = {1e15f, -1e15f, 1e-30f, 0, -1e-20f, 3, 1e-39f, 1e8f};

    switch (kind) {
    case TIES:          return (float)(lot_below(lot, 3) - 1);
    case EQUAL:         return 0.5f;
    case ZERO:          return 0;
    case HUGE_AND_TINY: return far[lot_below(lot, 8)];
    default:            return lot_float(lot);
    }
}

static struct wn_layout *make_layout(const struct make *m, bool other)
{
    struct wn_layout *layout = wn_calloc(1, sizeof(*layout));
    const int32_t grid_h = m->grid_h + other, grid_w = WN_MAX(m->grid_w - other, 1);
    const int32_t patches = grid_h * grid_w;

    atomic_init(&layout->refs, 1);
    layout->grid_h = grid_h;
    layout->grid_w = grid_w;
    layout->n_rows = patches + m->cls;
    layout->pos = wn_calloc((size_t)layout->n_rows, sizeof(*layout->pos));
    for (int32_t i = 0; i < layout->n_rows; i++) {
        layout->pos[i][0] = i < patches ? i / grid_w : -1;
        layout->pos[i][1] = i < patches ? i % grid_w : -1;
    }
    return layout;
}

static void make_taps(struct wn_rows *rows, const struct make *m, struct lot *lot)
{
    const int32_t layers = m->received ? 1 : 2, heads = 4;

    rows->encoder_layers = 6;
    if (m->attn) {
        const size_t n = (size_t)(rows->n * layers * heads);
        rows->attn = wn_calloc(n, sizeof(*rows->attn));
        rows->attn_layer = wn_calloc((size_t)layers, sizeof(*rows->attn_layer));
        rows->attn_layers = layers;
        rows->attn_heads = heads;
        rows->attn_received = m->received;
        rows->attn_layer[0] = m->received ? 5 : 3;
        if (layers == 2)
            rows->attn_layer[1] = 4;
        for (size_t i = 0; i < n; i++)
            rows->attn[i] = m->kind == EQUAL || m->kind == ZERO ? 0.01f
                          : m->kind == TIES ? (float)lot_below(lot, 3) / 8
                          : (lot_float(lot) + 1) / 64;
    }
    if (m->keys) {
        const size_t n = (size_t)(rows->n * heads * 8);
        rows->keys = wn_calloc(n, sizeof(*rows->keys));
        rows->keys_layer = wn_calloc(1, sizeof(*rows->keys_layer));
        rows->keys_layers = 1;
        rows->keys_heads = heads;
        rows->keys_dim = 8;
        rows->keys_layer[0] = m->received ? 5 : 4;
        for (size_t i = 0; i < n; i++)
            rows->keys[i] = number(lot, m->kind);
    }
    if (m->attn && !m->received) {
        rows->logits = wn_calloc((size_t)rows->n, sizeof(*rows->logits));
        for (int32_t i = 0; i < rows->n; i++)
            rows->logits[i] = number(lot, m->kind);
        rows->global_dim = 12;
        rows->global = wn_calloc((size_t)rows->n_frames, 12 * sizeof(*rows->global));
        for (int32_t i = 0; i < rows->n_frames * 12; i++)
            rows->global[i] = number(lot, m->kind);
    }
}

struct wn_rows *make_rows(const struct make *m)
{
    struct wn_layout *layout[2] = {make_layout(m, false), make_layout(m, m->mixed)};
    const int32_t n = layout[0]->n_rows;
    const int32_t odd = m->n_frames / 2, even = m->n_frames - odd;
    struct wn_rows *rows = wn_rows_create(n * even + layout[1]->n_rows * odd, m->dim, m->n_frames);
    struct lot lot = {m->seed};

    for (int32_t f = 0; f < m->n_frames; f++) {
        rows->frame_ptr[f + 1] = rows->frame_ptr[f] + layout[f % 2]->n_rows;
        rows->frames[f].index = f;
        rows->frames[f].number = 10 * f;
        rows->frames[f].time = f * 0.5;
        rows->frames[f].layout = wn_layout_ref(layout[f % 2]);
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++)
            rows->cell[i] = i - rows->frame_ptr[f];
    }
    for (int64_t i = 0; i < (int64_t)rows->n * m->dim; i++) {
        const int64_t frame = (int64_t)n * m->dim;
        /* A still clip: every frame repeats the one before with a few changes. */
        const bool again = m->kind == STILL && i >= frame && lot_below(&lot, 8);
        rows->data[i] = again ? rows->data[i - frame] : number(&lot, m->kind);
    }
    make_taps(rows, m, &lot);
    wn_layout_unref(&layout[0]);
    wn_layout_unref(&layout[1]);
    return rows;
}

static void *copy(const void *p, size_t n, size_t size)
{
    void *q = p ? wn_calloc(n, size) : NULL;

    if (q && n && size)
        memcpy(q, p, n * size);
    return q;
}

struct wn_rows *copy_rows(const struct wn_rows *r)
{
    struct wn_rows *c = wn_rows_create(0, r->dim, 0);
    const size_t n = (size_t)r->n, frames = (size_t)r->n_frames;

    free(c->data);
    free(c->cell);
    free(c->frame_ptr);
    free(c->frames);
    *c = *r;
    c->data = copy(r->data, n, (size_t)r->dim * sizeof(*r->data));
    c->cell = copy(r->cell, n, sizeof(*r->cell));
    c->score = copy(r->score, n, sizeof(*r->score));
    c->size = copy(r->size, n, sizeof(*r->size));
    c->logits = copy(r->logits, n, sizeof(*r->logits));
    c->global = copy(r->global, frames * (size_t)r->global_dim, sizeof(*r->global));
    c->frame_ptr = copy(r->frame_ptr, frames + 1, sizeof(*r->frame_ptr));
    c->frames = copy(r->frames, frames, sizeof(*r->frames));
    for (size_t f = 0; f < frames; f++) {
        wn_layout_ref(c->frames[f].layout);
        wn_frame_ref(c->frames[f].picture);
    }
    c->attn = copy(r->attn, n * (size_t)(r->attn_layers * r->attn_heads), sizeof(*r->attn));
    c->attn_layer = copy(r->attn_layer, (size_t)r->attn_layers, sizeof(*r->attn_layer));
    c->keys = copy(r->keys, n * (size_t)(r->keys_layers * r->keys_heads * r->keys_dim),
                   sizeof(*r->keys));
    c->keys_layer = copy(r->keys_layer, (size_t)r->keys_layers, sizeof(*r->keys_layer));
    if (r->w.ptr) {
        const size_t entries = (size_t)r->w.ptr[r->n];
        c->w.ptr = copy(r->w.ptr, n + 1, sizeof(*r->w.ptr));
        c->w.idx = copy(r->w.idx, entries, sizeof(*r->w.idx));
        c->w.weight = copy(r->w.weight, entries, sizeof(*r->w.weight));
    }
    return c;
}

int run_limited(struct wn_rows **rows, const char *text, bool cls_row, struct wn_backend *backend,
                const struct wn_limits *limits, struct wn_log *log)
{
    const struct wn_clip clip = {0};
    struct wn_segment_plan *plan = NULL;
    struct wn_chain *chain = NULL;
    int err;

    TRY(wn_chain_parse(&chain, text, &clip, log));
    const struct wn_stages stages = {chain->item, NULL, chain->n, cls_row, limits};
    TRY(wn_segment_plan_stages(&plan, &stages, *rows, log));
    TRY(backend->run(backend, wn_segment_plan_get(plan)));
    TRY(wn_segment_plan_finish(plan, *rows));
fail:
    wn_segment_plan_destroy(&plan);
    wn_chain_destroy(&chain);
    if (err < 0)
        wn_rows_destroy(rows);
    return err;
}

int run_chain(struct wn_rows **rows, const char *text, bool cls_row, struct wn_backend *backend,
              struct wn_log *log)
{
    return run_limited(rows, text, cls_row, backend, NULL, log);
}

static bool same(const void *a, const void *b, size_t n)
{
    return !a == !b && (!a || !n || !memcmp(a, b, n));
}

bool same_rows(const struct wn_rows *a, const struct wn_rows *b, const char **what)
{
    const size_t n = (size_t)a->n;

    *what = "the count";
    if (a->n != b->n || a->n_frames != b->n_frames || a->dim != b->dim)
        return false;
    *what = "frame_ptr";
    if (!same(a->frame_ptr, b->frame_ptr, ((size_t)a->n_frames + 1) * 4))
        return false;
    *what = "cell";
    if (!same(a->cell, b->cell, n * 4))
        return false;
    *what = "data";
    if (!same(a->data, b->data, n * (size_t)a->dim * 4))
        return false;
    *what = "score";
    if (!same(a->score, b->score, n * 4))
        return false;
    *what = "W";
    if (!same(a->w.ptr, b->w.ptr, (n + 1) * 4))
        return false;
    return !a->w.ptr || (same(a->w.idx, b->w.idx, (size_t)a->w.ptr[n] * 4) &&
                         same(a->w.weight, b->w.weight, (size_t)a->w.ptr[n] * 4));
}
