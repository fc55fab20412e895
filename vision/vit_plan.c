/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vit_image.h"

void wn_vit_plan_finish(struct wn_vit_plan *plan)
{
    free(plan->row);
    *plan = (struct wn_vit_plan){0};
}

static bool room(struct wn_vit_plan *p, int64_t n)
{
    p->row = n <= INT32_MAX / 4 ? wn_calloc((size_t)n, sizeof(*p->row)) : NULL;
    return p->row != NULL;
}

static void add_patch(struct wn_vit_plan *p, int32_t from, int32_t y, int32_t x)
{
    p->row[p->n_rows++] = (struct wn_vit_row){{from}, {1}, {y, x}};
}

int wn_vit_plan_square(struct wn_vit_plan *out, const struct wn_vit_info *m)
{
    *out = (struct wn_vit_plan){.grid_h = m->side, .grid_w = m->side, .n_tiles = 1, .plain = true};
    if (!room(out, m->n_patches))
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < m->n_patches; i++)
        add_patch(out, i, i / m->side, i % m->side);
    return WN_OK;
}

/* Where output i of n lies between two inputs of n_src, corners not aligned. */
static void between(int32_t i, int32_t n, int32_t n_src, int32_t at[2], float w[2])
{
    const float scale = (float)n_src / (float)n;
    const float x = fmaxf(0, ((float)i + 0.5f) * scale - 0.5f);

    at[0] = WN_MIN((int32_t)x, n_src - 1);
    at[1] = WN_MIN(at[0] + 1, n_src - 1);
    w[1] = x - (float)at[0];
    w[0] = 1 - w[1];
}

/* A window of patches and how to find them: place(arg, y, x). */
struct field {
    int32_t h, w;
    int32_t (*place)(const void *arg, int32_t y, int32_t x);
    const void *arg;
};

static void add_bilinear(struct wn_vit_plan *p, const struct field *f, int32_t y, int32_t x,
                         int32_t out_h, int32_t out_w)
{
    struct wn_vit_row row = {.pos = {y, x}};
    int32_t ys[2], xs[2];
    float wy[2], wx[2];

    between(y, out_h, f->h, ys, wy);
    between(x, out_w, f->w, xs, wx);
    for (int i = 0; i < 4; i++) {
        row.from[i] = f->place(f->arg, ys[i / 2], xs[i % 2]);
        row.weight[i] = wy[i / 2] * wx[i % 2];
    }
    p->row[p->n_rows++] = row;
}

static int32_t in_square(const void *arg, int32_t y, int32_t x)
{
    return y * ((const struct wn_vit_info *)arg)->side + x;
}

static void add_mean(struct wn_vit_plan *p, const struct wn_vit_info *m, int32_t y, int32_t x)
{
    struct wn_vit_row row = {.pos = {y, x}};

    for (int i = 0; i < 4; i++) {
        row.from[i] = in_square(m, 2 * y + i / 2, 2 * x + i % 2);
        row.weight[i] = 0.25f;
    }
    p->row[p->n_rows++] = row;
}

static void add_newline(struct wn_vit_plan *p)
{
    p->row[p->n_rows++] = (struct wn_vit_row){{-1}, {0}, {-1, -1}};
}

int wn_vit_plan_pooled(struct wn_vit_plan *out, const struct wn_vit_info *m, enum wn_vit_pool pool,
                       enum wn_vit_newline newline)
{
    const int32_t n = pool == WN_VIT_AVERAGE && m->side > 1 ? m->side / 2 : (m->side + 1) / 2;
    const struct field f = {m->side, m->side, in_square, m};

    *out = (struct wn_vit_plan){.grid_h = n, .grid_w = n, .n_tiles = 1};
    if (!room(out, (int64_t)n * (n + 1) + 1))
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < n * n; i++) {
        if (pool == WN_VIT_AVERAGE && m->side > 1)
            add_mean(out, m, i / n, i % n);
        else
            add_bilinear(out, &f, i / n, i % n, n, n);
        if (newline == WN_VIT_LINE_NEWLINE && i % n == n - 1)
            add_newline(out);
    }
    if (newline == WN_VIT_FRAME_NEWLINE)
        add_newline(out);
    return WN_OK;
}

/* The tiles' patches as one grid, from (top, left). */
struct tiled {
    const struct wn_vit_info *m;
    int32_t cols, top, left;
};

static int32_t in_tiles(const void *arg, int32_t y, int32_t x)
{
    const struct tiled *t = arg;
    const int32_t side = t->m->side;
    const int32_t row = y + t->top, col = x + t->left;
    const int32_t tile = 1 + row / side * t->cols + col / side;

    return tile * t->m->n_patches + row % side * side + col % side;
}

/* What the authors' code takes for the part without padding; it counts from the picture's own
 * aspect, not from what was pasted. */
static void unpad(struct field *f, struct tiled *t, const struct wn_vit_tiling *tiling)
{
    const double own = (double)tiling->width / tiling->height, is = (double)f->w / f->h;
    double size;

    if (own > is) {
        size = tiling->height * ((double)f->w / tiling->width);
        t->top = WN_MAX(0, (f->h - (int32_t)(round(size * 1e7) / 1e7)) / 2);
        f->h -= 2 * t->top;
    } else {
        size = tiling->width * ((double)f->h / tiling->height);
        t->left = WN_MAX(0, (f->w - (int32_t)(round(size * 1e7) / 1e7)) / 2);
        f->w -= 2 * t->left;
    }
}

int wn_vit_plan_tiles(struct wn_vit_plan *out, const struct wn_vit_info *m,
                      const struct wn_vit_tiling *tiling, int32_t most_tiles)
{
    struct tiled t = {.m = m, .cols = tiling->full_w / m->image_size};
    struct field f = {tiling->full_h / m->image_size * m->side, t.cols * m->side, in_tiles, &t};
    int32_t h, w;

    if (m->unpad)
        unpad(&f, &t, tiling);
    h = f.h;
    w = f.w;
    const double ratio =
        most_tiles > 0 ? sqrt((double)h * w / ((double)most_tiles * m->n_patches)) : 1;
    if (ratio > 1.1) {
        h = WN_MAX(1, (int32_t)(h / ratio));
        w = WN_MAX(1, (int32_t)(w / ratio));
    }
    *out = (struct wn_vit_plan){.grid_h = h, .grid_w = w, .n_tiles = tiling->n};
    if (!room(out, (int64_t)m->n_patches + (int64_t)h * (w + 1)))
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < m->n_patches; i++)
        add_patch(out, i, -1, -1);
    for (int32_t y = 0; y < h; y++) {
        for (int32_t x = 0; x < w; x++) {
            if (ratio > 1.1)
                add_bilinear(out, &f, y, x, h, w);
            else
                add_patch(out, in_tiles(&t, y, x), y, x);
        }
        if (m->newline)
            add_newline(out);
    }
    return WN_OK;
}

void wn_vit_mix_row(float *to, const struct wn_vit_row *row, const float *patches, int32_t dim,
                    const float *newline)
{
    if (row->from[0] < 0) {
        for (int32_t c = 0; c < dim; c++)
            to[c] = newline ? newline[c] : 0;
        return;
    }
    for (int32_t c = 0; c < dim; c++)
        to[c] = 0;
    for (int k = 0; k < 4; k++) {
        const float *from = patches + (size_t)row->from[k] * (size_t)dim, w = row->weight[k];

        for (int32_t c = 0; w != 0 && c < dim; c++)
            to[c] += w * from[c];
    }
}

void wn_vit_mix(float *rows, const struct wn_vit_plan *plan, const float *patches, int32_t dim,
                const float *newline)
{
    for (int32_t i = 0; i < plan->n_rows; i++)
        wn_vit_mix_row(rows + (size_t)i * (size_t)dim, &plan->row[i], patches, dim, newline);
}
