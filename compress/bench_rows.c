/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "bench.h"

enum { LAYERS = 24, HEADS = 16, HEAD_DIM = 64, GLOBAL = 768 };
enum { SCENE = 16 }; /* frames that look alike */

struct wn_encoder_info wn_bench_encoder(const struct wn_bench_params *shape)
{
    return (struct wn_encoder_info){
        .arch = "bench",
        .dim = shape->dim,
        .n_layers = LAYERS,
        .n_read = LAYERS - 1,
        .n_heads = HEADS,
        .has_cls = true,
        .max_batch = 1,
    };
}

static float next(uint32_t *state) /* -1 .. 1 */
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

/* Rows of `width` numbers, what they have in common with their place's scene and what not. */
static void fill(float *x, int32_t n_cells, int32_t width, int32_t first, int32_t end)
{
    for (int32_t f = first; f < end; f++) {
        for (int32_t c = 0; c < n_cells; c++) {
            uint32_t scene = (uint32_t)(f / SCENE * n_cells + c) * 2654435761u + 1;
            uint32_t own = (uint32_t)(f * n_cells + c) * 2246822519u + 7;
            for (int32_t i = 0; i < width; i++)
                *x++ = 0.8f * next(&scene) + 0.5f * next(&own);
        }
    }
}

static struct wn_layout *make_layout(const struct wn_bench_params *shape)
{
    struct wn_layout *layout = wn_calloc(1, sizeof(*layout));
    const int32_t n = shape->grid_h * shape->grid_w;

    if (!layout)
        return NULL;
    atomic_init(&layout->refs, 1);
    layout->grid_h = shape->grid_h;
    layout->grid_w = shape->grid_w;
    layout->n_rows = n;
    layout->pos = wn_calloc((size_t)n, sizeof(*layout->pos));
    if (!layout->pos)
        wn_layout_unref(&layout);
    for (int32_t i = 0; layout && i < n; i++) {
        layout->pos[i][0] = i / shape->grid_w;
        layout->pos[i][1] = i % shape->grid_w;
    }
    return layout;
}

/* The layers asked for, ascending. */
static int32_t *layers(const bool *asked, int32_t *n)
{
    int32_t *list = wn_calloc(LAYERS, sizeof(*list));

    *n = 0;
    for (int32_t l = 0; list && l < LAYERS; l++) {
        if (asked[l])
            list[(*n)++] = l;
    }
    return list;
}

/* A tap of so many numbers a row; a width of 0 is none. */
static int tap(float **x, int32_t n_cells, int32_t width, int32_t first, int32_t end)
{
    if (!width)
        return WN_OK;
    *x = wn_calloc((size_t)n_cells * (size_t)(end - first), (size_t)width * sizeof(**x));
    if (!*x)
        return WN_ERR_NOMEM;
    fill(*x, n_cells, width, first, end);
    return WN_OK;
}

static int make_taps(struct wn_rows *rows, const struct wn_needs *needs, int32_t n_cells,
                     int32_t first, int32_t end)
{
    int err = WN_ERR_NOMEM;

    rows->encoder_layers = LAYERS;
    rows->attn_layer = layers(needs->cls, &rows->attn_layers);
    rows->keys_layer = layers(needs->keys, &rows->keys_layers);
    if (!rows->attn_layer || !rows->keys_layer)
        goto fail;
    rows->attn_heads = rows->keys_heads = HEADS;
    rows->keys_dim = HEAD_DIM;
    rows->global_dim = GLOBAL;
    const int32_t width = rows->attn_layers * HEADS;
    TRY(tap(&rows->attn, n_cells, width, first, end));
    for (int64_t i = 0; rows->attn && i < (int64_t)rows->n * width; i++)
        rows->attn[i] = rows->attn[i] * rows->attn[i] / (float)n_cells;
    TRY(tap(&rows->keys, n_cells, rows->keys_layers * HEADS * HEAD_DIM, first, end));
    TRY(tap(&rows->logits, n_cells, needs->logits, first, end));
    TRY(tap(&rows->global, 1, needs->global ? GLOBAL : 0, first, end));
fail:
    return err;
}

struct wn_rows *wn_bench_rows(const struct wn_bench_params *shape, const struct wn_needs *needs,
                              int32_t first, int32_t end)
{
    const int32_t cells = shape->grid_h * shape->grid_w;
    struct wn_layout *layout = make_layout(shape);
    struct wn_rows *rows = wn_rows_create(cells * (end - first), shape->dim, end - first);

    if (!layout || !rows)
        goto fail;
    for (int32_t f = 0; f < rows->n_frames; f++) {
        rows->frame_ptr[f + 1] = (f + 1) * cells;
        rows->frames[f].index = first + f;
        rows->frames[f].number = first + f;
        rows->frames[f].time = first + f;
        rows->frames[f].layout = wn_layout_ref(layout);
    }
    for (int32_t i = 0; i < rows->n; i++)
        rows->cell[i] = i % cells;
    fill(rows->data, cells, shape->dim, first, end);
    if (make_taps(rows, needs, cells, first, end) < 0)
        goto fail;
    wn_layout_unref(&layout);
    return rows;
fail:
    wn_layout_unref(&layout);
    wn_rows_destroy(&rows);
    return NULL;
}
