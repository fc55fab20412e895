/* SPDX-License-Identifier: MIT */
#include "tests/golden/chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress/segment_plan.h"

static struct wn_layout *grid(int32_t h, int32_t w, bool cls)
{
    struct wn_layout *layout = wn_calloc(1, sizeof(*layout));

    if (!layout)
        return NULL;
    atomic_init(&layout->refs, 1);
    layout->grid_h = h;
    layout->grid_w = w;
    layout->n_rows = h * w + cls;
    layout->pos = wn_calloc((size_t)layout->n_rows, sizeof(*layout->pos));
    for (int32_t i = 0; layout->pos && i < layout->n_rows; i++) {
        const int32_t patch = i - cls;
        layout->pos[i][0] = patch < 0 ? -1 : patch / w;
        layout->pos[i][1] = patch < 0 ? -1 : patch % w;
    }
    if (!layout->pos)
        wn_layout_unref(&layout);
    return layout;
}

struct wn_rows *golden_rows(struct golden_case *c, const float *data, int32_t n_frames,
                            int32_t grid_h, int32_t grid_w, bool cls, int32_t dim)
{
    const int32_t n = grid_h * grid_w + cls;
    struct wn_layout *layout = grid(grid_h, grid_w, cls);
    struct wn_rows *rows = layout ? wn_rows_create(n * n_frames, dim, n_frames) : NULL;

    if (!rows || !data) {
        golden_fail(c, "no rows");
        wn_layout_unref(&layout);
        wn_rows_destroy(&rows);
        return NULL;
    }
    memcpy(rows->data, data, (size_t)rows->n * (size_t)dim * sizeof(*data));
    for (int32_t f = 0; f < n_frames; f++) {
        rows->frame_ptr[f + 1] = (f + 1) * n;
        rows->frames[f].index = f;
        rows->frames[f].layout = wn_layout_ref(layout);
    }
    for (int32_t i = 0; i < rows->n; i++)
        rows->cell[i] = i % n;
    wn_layout_unref(&layout);
    return rows;
}

void golden_set_attn(struct golden_case *c, struct wn_rows *rows, int32_t layers, int32_t heads,
                     int32_t last, int32_t encoder_layers,
                     float (*value)(const void *arg, int32_t row, int32_t column), const void *arg)
{
    const int32_t width = layers * heads;

    rows->attn = wn_calloc((size_t)rows->n, (size_t)width * sizeof(*rows->attn));
    rows->attn_layer = wn_calloc((size_t)layers, sizeof(*rows->attn_layer));
    if (!rows->attn || !rows->attn_layer) {
        golden_fail(c, "out of memory");
        return;
    }
    rows->attn_layers = layers;
    rows->attn_heads = heads;
    rows->encoder_layers = encoder_layers;
    for (int32_t l = 0; l < layers; l++)
        rows->attn_layer[l] = last - layers + 1 + l;
    for (int32_t i = 0; i < rows->n; i++) {
        for (int32_t k = 0; k < width; k++)
            rows->attn[(size_t)i * (size_t)width + (size_t)k] = value(arg, i, k);
    }
}

void golden_set_keys(struct golden_case *c, struct wn_rows *rows, const float *keys, int32_t dim,
                     int32_t last)
{
    const size_t size = (size_t)rows->n * (size_t)dim;

    rows->keys = wn_calloc(size, sizeof(*rows->keys));
    rows->keys_layer = wn_calloc(1, sizeof(*rows->keys_layer));
    if (!rows->keys || !rows->keys_layer || !keys) {
        golden_fail(c, "no keys");
        return;
    }
    rows->keys_layers = rows->keys_heads = 1;
    rows->keys_dim = dim;
    rows->keys_layer[0] = last;
    memcpy(rows->keys, keys, size * sizeof(*keys));
}

void golden_set_size(struct golden_case *c, struct wn_rows *rows, const float *size)
{
    rows->size = wn_calloc((size_t)rows->n, sizeof(*rows->size));
    if (!rows->size || !size)
        golden_fail(c, "no sizes");
    else
        memcpy(rows->size, size, (size_t)rows->n * sizeof(*size));
}

static int run(struct golden_case *c, const struct wn_chain *chain, struct wn_rows *rows,
               bool cls_row)
{
    struct wn_segment_plan *plan = NULL;
    int err;

    TRY(wn_rows_check(rows, c->pool, c->log));
    TRY(wn_segment_plan_create(&plan, chain->item, chain->n, rows, cls_row, c->log));
    TRY(c->backend->run(c->backend, wn_segment_plan_get(plan)));
    TRY(wn_segment_plan_finish(plan, rows));
fail:
    wn_segment_plan_destroy(&plan);
    return err;
}

bool golden_run_chain(struct golden_case *c, struct wn_rows **rows, bool cls_row, const char *fmt,
                      ...)
{
    const struct wn_clip clip = {0};
    struct wn_chain *chain = NULL;
    char text[256];
    va_list ap;
    int err;

    if (c->failed || !*rows)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err = wn_chain_parse(&chain, text, &clip, c->log);
    if (!err)
        err = run(c, chain, *rows, cls_row);
    if (err < 0)
        golden_fail(c, "%s: %s", text, c->log->last_error);
    wn_chain_destroy(&chain);
    return err >= 0;
}

void golden_expect_groups(struct golden_case *c, const char *name, const struct wn_rows *rows,
                          int32_t n_frames, int32_t n)
{
    int32_t *group = golden_alloc(c, (int64_t)n_frames * n);

    for (int32_t i = 0; group && i < n_frames * n; i++)
        group[i] = -1;
    for (int32_t f = 0; group && rows->w.ptr && f < rows->n_frames; f++) {
        for (int32_t r = rows->frame_ptr[f]; r < rows->frame_ptr[f + 1]; r++) {
            for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++)
                group[rows->w.idx[k]] = r - rows->frame_ptr[f];
        }
    }
    golden_expect_i32(c, name, group, (int64_t)n_frames * n);
}

const int32_t *golden_sources(const struct wn_rows *rows)
{
    return rows->w.ptr ? rows->w.idx : NULL;
}
