/* SPDX-License-Identifier: MIT */
#include "rows_io.h"

#include <stdlib.h>
#include <string.h>

#define MOST_POS (1 << 24) /* of a place in a prompt, relative to its part */

/* ---- bytes ---- */

void wn_bytes_finish(struct wn_bytes *b)
{
    free(b->data);
    *b = (struct wn_bytes){0};
}

void wn_bytes_put(struct wn_bytes *b, const void *data, size_t n)
{
    if (b->failed || !n)
        return;
    if (n > b->cap - b->n) {
        const size_t cap = WN_MAX(2 * b->cap, b->n + n + 4096);
        uint8_t *p = wn_regrow(b->data, cap, 1);
        if (!p) {
            b->failed = true;
            return;
        }
        b->data = p;
        b->cap = cap;
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

void wn_bytes_get(struct wn_bytes *b, void *data, size_t n)
{
    if (b->failed || n > b->n - b->at) {
        b->failed = true;
        if (n)
            memset(data, 0, n);
        return;
    }
    if (n)
        memcpy(data, b->data + b->at, n);
    b->at += n;
}

static void put_i32(struct wn_bytes *b, int32_t v)
{
    wn_bytes_put(b, &v, sizeof(v));
}

static int32_t get_i32(struct wn_bytes *b)
{
    int32_t v;

    wn_bytes_get(b, &v, sizeof(v));
    return v;
}

/* A count that the bytes which are left can hold at `width` bytes each; else 0 and failed. */
static int32_t get_count(struct wn_bytes *b, size_t width)
{
    const int32_t n = get_i32(b);

    if (n < 0 || (width && (size_t)n > (b->n - b->at) / width)) {
        b->failed = true;
        return 0;
    }
    return n;
}

/* n elements; NULL where there was a flag for none, and when it failed. */
static void put_array(struct wn_bytes *b, const void *data, size_t n, size_t width)
{
    put_i32(b, data != NULL);
    if (data)
        wn_bytes_put(b, data, n * width);
}

static void *get_array(struct wn_bytes *b, size_t n, size_t width)
{
    if (!get_i32(b) || b->failed)
        return NULL;
    if (width && n > (b->n - b->at) / width) {
        b->failed = true;
        return NULL;
    }
    void *data = wn_calloc(n, width);
    if (!data)
        b->failed = true;
    else
        wn_bytes_get(b, data, n * width);
    return data;
}

static void expect(struct wn_bytes *b, bool good)
{
    b->failed |= !good;
}

/* ---- layouts ---- */

static void pack_part(struct wn_bytes *b, const struct wn_layout_part *part)
{
    const int32_t head[] = {part->n_tokens, part->row0, part->n_rows, part->n_pos,
                            part->non_causal};

    wn_bytes_put(b, head, sizeof(head));
    wn_bytes_put(b, part->tokens, (size_t)part->n_tokens * sizeof(*part->tokens));
}

static void unpack_part(struct wn_bytes *b, struct wn_layout_part *part, int32_t n_rows)
{
    const int32_t n_tokens = get_i32(b);
    part->row0 = get_i32(b);
    part->n_rows = get_i32(b);
    part->n_pos = get_i32(b);
    part->non_causal = get_i32(b) != 0;
    expect(b, part->row0 >= 0 && part->n_rows >= 0 && part->row0 <= n_rows &&
                  part->n_rows <= n_rows - part->row0);
    expect(b, part->n_pos >= 0 && part->n_pos <= MOST_POS);
    expect(b, n_tokens >= 0 && (size_t)n_tokens <= (b->n - b->at) / 4);
    if (b->failed)
        return;
    part->tokens = wn_calloc((size_t)n_tokens, sizeof(*part->tokens));
    expect(b, part->tokens);
    if (!part->tokens)
        return;
    part->n_tokens = n_tokens;
    wn_bytes_get(b, part->tokens, (size_t)n_tokens * sizeof(*part->tokens));
}

static void pack_layout(struct wn_bytes *b, const struct wn_layout *l)
{
    const size_t n = (size_t)l->n_rows;
    const int32_t head[] = {l->n_rows, l->grid_h, l->grid_w, l->tiles_h,
                            l->tiles_w, l->tile_h, l->tile_w, l->n_parts};

    wn_bytes_put(b, head, sizeof(head));
    put_array(b, l->pos, n, sizeof(*l->pos));
    put_array(b, l->mpos, n, sizeof(*l->mpos));
    put_array(b, l->tile, n, sizeof(*l->tile));
    put_array(b, l->tile_pos, n, sizeof(*l->tile_pos));
    for (int32_t i = 0; i < l->n_parts; i++)
        pack_part(b, &l->parts[i]);
}

static void check_places(struct wn_bytes *b, const struct wn_layout *l)
{
    const int32_t (*tile_pos)[2] = (const int32_t (*)[2])l->tile_pos;
    const int32_t tiles = l->tiles_h * l->tiles_w;

    expect(b, l->pos && !l->tile == !l->tile_pos);
    for (int32_t i = 0; !b->failed && i < l->n_rows; i++) {
        const int32_t *p = l->pos[i];
        expect(b, (p[0] == -1 && p[1] == -1) ||
                      (p[0] >= 0 && p[0] < l->grid_h && p[1] >= 0 && p[1] < l->grid_w));
        for (int s = 0; l->mpos && s < 4; s++)
            expect(b, l->mpos[i][s] >= 0 && l->mpos[i][s] <= MOST_POS);
        if (l->tile)
            expect(b, l->tile[i] >= -1 && l->tile[i] <= tiles && tile_pos[i][0] >= -1 &&
                          tile_pos[i][1] >= -1 && tile_pos[i][0] <= MOST_POS &&
                          tile_pos[i][1] <= MOST_POS);
    }
}

static struct wn_layout *unpack_layout(struct wn_bytes *b)
{
    struct wn_layout *l = wn_calloc(1, sizeof(*l));
    int32_t *const head[] = {&l->grid_h, &l->grid_w, &l->tiles_h, &l->tiles_w, &l->tile_h,
                             &l->tile_w};

    if (!l) {
        b->failed = true;
        return NULL;
    }
    atomic_init(&l->refs, 1);
    const int32_t n_rows = get_i32(b);
    for (int i = 0; i < WN_LEN(head); i++) {
        *head[i] = get_i32(b);
        expect(b, *head[i] >= 0 && *head[i] <= 1 << 15);
    }
    const int32_t n_parts = get_count(b, 20);
    expect(b, n_rows >= 0 && (size_t)n_rows <= (b->n - b->at) / 8);
    l->n_rows = b->failed ? 0 : n_rows;
    const size_t n = (size_t)l->n_rows;
    l->pos = get_array(b, n, sizeof(*l->pos));
    l->mpos = get_array(b, n, sizeof(*l->mpos));
    l->tile = get_array(b, n, sizeof(*l->tile));
    l->tile_pos = get_array(b, n, sizeof(*l->tile_pos));
    check_places(b, l);
    l->parts = b->failed ? NULL : wn_calloc((size_t)n_parts, sizeof(*l->parts));
    expect(b, l->parts);
    for (; !b->failed && l->n_parts < n_parts; l->n_parts++)
        unpack_part(b, &l->parts[l->n_parts], l->n_rows);
    if (b->failed)
        wn_layout_unref(&l);
    return l;
}

/* ---- frames ---- */

/* Frames of one size share a layout: it is written before the first of them. */
void wn_frames_pack(struct wn_bytes *b, const struct wn_row_frame *frames, const int32_t *frame_ptr,
                    int32_t n_frames)
{
    const struct wn_layout *last = NULL;

    put_i32(b, n_frames);
    for (int32_t f = 0; f < n_frames; f++) {
        const struct wn_row_frame *frame = &frames[f];
        const bool same = frame->layout && frame->layout == last;
        const int32_t head[] = {frame->index, frame->scene, frame_ptr[f + 1] - frame_ptr[f],
                                !frame->layout ? 0 : same ? 1 : 2};
        wn_bytes_put(b, &frame->number, sizeof(frame->number));
        wn_bytes_put(b, &frame->time, sizeof(frame->time));
        wn_bytes_put(b, head, sizeof(head));
        if (frame->layout && !same)
            pack_layout(b, frame->layout);
        last = frame->layout;
    }
}

static void unpack_frame(struct wn_bytes *b, struct wn_rows *rows, int32_t f)
{
    struct wn_row_frame *frame = &rows->frames[f];

    wn_bytes_get(b, &frame->number, sizeof(frame->number));
    wn_bytes_get(b, &frame->time, sizeof(frame->time));
    frame->index = get_i32(b);
    frame->scene = get_i32(b);
    const int32_t n = get_i32(b), layout = get_i32(b);
    expect(b, frame->time >= 0 && frame->time < 1e12 && frame->index >= 0 && n >= 0 &&
                  n <= INT32_MAX - rows->frame_ptr[f]);
    rows->frame_ptr[f + 1] = rows->frame_ptr[f] + (b->failed ? 0 : n);
    if (layout == 2 && !b->failed)
        frame->layout = unpack_layout(b);
    else if (layout == 1 && f > 0)
        frame->layout = wn_layout_ref(rows->frames[f - 1].layout);
    expect(b, frame->layout);
}

int wn_frames_unpack(struct wn_rows **out, struct wn_bytes *b)
{
    struct wn_rows *rows = wn_calloc(1, sizeof(*rows));
    const int32_t n = get_count(b, 32);

    if (!rows)
        return WN_ERR_NOMEM;
    rows->frames = wn_calloc((size_t)n, sizeof(*rows->frames));
    rows->frame_ptr = wn_calloc((size_t)n + 1, sizeof(*rows->frame_ptr));
    if (!rows->frames || !rows->frame_ptr) {
        wn_rows_destroy(&rows);
        return WN_ERR_NOMEM;
    }
    for (int32_t f = 0; f < n && !b->failed; f++) {
        rows->n_frames = f + 1;
        unpack_frame(b, rows, f);
    }
    rows->n = rows->n_frames ? rows->frame_ptr[rows->n_frames] : 0;
    if (b->failed || rows->n_frames != n) {
        wn_rows_destroy(&rows);
        return WN_ERR_DATA;
    }
    *out = rows;
    return WN_OK;
}

/* ---- rows ---- */

static void pack_sources(struct wn_bytes *b, const struct wn_sources *w)
{
    const int32_t head[] = {w->ptr != NULL, w->n_src, w->linear, w->ptr ? w->ptr[w->n] : 0};

    wn_bytes_put(b, head, sizeof(head));
    if (!w->ptr)
        return;
    put_array(b, w->ptr, (size_t)w->n + 1, sizeof(*w->ptr));
    put_array(b, w->idx, (size_t)head[3], sizeof(*w->idx));
    put_array(b, w->weight, (size_t)head[3], sizeof(*w->weight));
}

static void unpack_sources(struct wn_bytes *b, struct wn_sources *w, int32_t n)
{
    const bool there = get_i32(b) != 0;

    w->n_src = get_i32(b);
    w->linear = get_i32(b) != 0;
    const int32_t entries = get_count(b, there ? 8 : 0);
    if (!there || b->failed)
        return;
    w->n = n;
    w->ptr = get_array(b, (size_t)n + 1, sizeof(*w->ptr));
    w->idx = get_array(b, (size_t)entries, sizeof(*w->idx));
    w->weight = get_array(b, (size_t)entries, sizeof(*w->weight));
    expect(b, w->ptr && w->idx && w->weight && w->ptr[0] == 0 && w->ptr[n] == entries);
    for (int32_t i = 0; i < n && !b->failed; i++)
        expect(b, w->ptr[i] <= w->ptr[i + 1] && w->ptr[i + 1] <= entries);
    for (int32_t k = 0; k < entries && !b->failed; k++)
        expect(b, w->idx[k] >= 0 && w->idx[k] < w->n_src);
}

static void pack_taps(struct wn_bytes *b, const struct wn_rows *r)
{
    const size_t n = (size_t)r->n;
    const int32_t head[] = {r->attn_layers, r->attn_heads, r->attn_received, r->keys_layers,
                            r->keys_heads, r->keys_dim, r->global_dim};

    wn_bytes_put(b, head, sizeof(head));
    put_array(b, r->attn, n * (size_t)r->attn_layers * (size_t)r->attn_heads, 4);
    put_array(b, r->attn_layer, (size_t)r->attn_layers, 4);
    put_array(b, r->logits, n, 4);
    put_array(b, r->keys, n * (size_t)r->keys_layers * (size_t)r->keys_heads * (size_t)r->keys_dim,
              4);
    put_array(b, r->keys_layer, (size_t)r->keys_layers, 4);
    put_array(b, r->global, (size_t)r->n_frames * (size_t)r->global_dim, 4);
}

static void unpack_taps(struct wn_bytes *b, struct wn_rows *r)
{
    int32_t head[7];
    const size_t n = (size_t)r->n;

    wn_bytes_get(b, head, sizeof(head));
    for (int i = 0; i < 7; i++)
        expect(b, head[i] >= 0 && head[i] <= 1 << 16);
    if (b->failed)
        return;
    r->attn_layers = head[0];
    r->attn_heads = head[1];
    r->attn_received = head[2] != 0;
    r->keys_layers = head[3];
    r->keys_heads = head[4];
    r->keys_dim = head[5];
    r->global_dim = head[6];
    /* The products are at most 2^63: n below 2^31, the others 2^16 each, and keys are asked for
     * apart. */
    const size_t keys = (size_t)head[4] * (size_t)head[5];
    expect(b, !head[3] || keys <= SIZE_MAX / 4 / ((size_t)head[3] * (n + 1)));
    r->attn = get_array(b, n * (size_t)head[0] * (size_t)head[1], 4);
    r->attn_layer = get_array(b, (size_t)head[0], 4);
    r->logits = get_array(b, n, 4);
    r->keys = b->failed ? NULL : get_array(b, n * (size_t)head[3] * keys, 4);
    r->keys_layer = get_array(b, (size_t)head[3], 4);
    r->global = get_array(b, (size_t)r->n_frames * (size_t)head[6], 4);
    expect(b, (!r->attn || r->attn_layer) && (!r->keys || r->keys_layer));
}

void wn_rows_pack(struct wn_bytes *b, const struct wn_rows *r, bool taps)
{
    const size_t n = (size_t)r->n;
    const int32_t head[] = {r->dim, r->encoder_layers, taps};

    wn_frames_pack(b, r->frames, r->frame_ptr, r->n_frames);
    wn_bytes_put(b, head, sizeof(head));
    put_array(b, r->data, n, (size_t)r->dim * 4);
    put_array(b, r->cell, n, 4);
    put_array(b, r->score, n, 4);
    put_array(b, r->size, n, 4);
    pack_sources(b, &r->w);
    if (taps)
        pack_taps(b, r);
}

static void check_cells(struct wn_bytes *b, const struct wn_rows *r)
{
    expect(b, r->data && r->cell && r->dim > 0);
    for (int32_t f = 0; f < r->n_frames && !b->failed; f++) {
        const struct wn_layout *layout = r->frames[f].layout;
        for (int32_t i = r->frame_ptr[f]; i < r->frame_ptr[f + 1] && !b->failed; i++)
            expect(b, r->cell[i] >= 0 && (!layout || r->cell[i] < layout->n_rows));
    }
}

int wn_rows_unpack(struct wn_rows **out, struct wn_bytes *b)
{
    struct wn_rows *r = NULL;
    int err = wn_frames_unpack(&r, b);

    if (err)
        return err;
    r->dim = get_i32(b);
    r->encoder_layers = get_i32(b);
    const bool taps = get_i32(b) != 0;
    expect(b, r->dim > 0 && r->dim <= 1 << 24);
    if (!b->failed) {
        r->data = get_array(b, (size_t)r->n, (size_t)r->dim * 4);
        r->cell = get_array(b, (size_t)r->n, 4);
        r->score = get_array(b, (size_t)r->n, 4);
        r->size = get_array(b, (size_t)r->n, 4);
        check_cells(b, r);
    }
    if (!b->failed)
        unpack_sources(b, &r->w, r->n);
    if (taps && !b->failed)
        unpack_taps(b, r);
    if (b->failed) {
        wn_rows_destroy(&r);
        return WN_ERR_DATA;
    }
    *out = r;
    return WN_OK;
}
