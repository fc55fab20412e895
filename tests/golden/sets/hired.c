/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "tests/golden/tiles.h"
#include "vision/attention.h"
#include "vision/vit_image.h"

/* CLS rows of partitions: [partitions][heads][1 + n]; of a row, which of all their patches. */
struct cls_rows {
    const float *layer[2]; /* the first layer (or NULL), the last but one */
    const int32_t *from;   /* NULL: itself */
    int32_t n, heads, n_layers;
};

static float value(const void *arg, int32_t row, int32_t column)
{
    const struct cls_rows *a = arg;
    const int32_t i = a->from ? a->from[row] : row, layer = column / a->heads;
    const int64_t head = (int64_t)(i / a->n) * a->heads + column % a->heads;

    return a->layer[a->n_layers == 1 ? 1 : layer][head * (a->n + 1) + 1 + i % a->n];
}

/* ---- one picture without tiles ---- */

static void run_single(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *cls = golden_f32(c, "in.bottom_cls", shape, NULL);
    const struct cls_rows arg = {{NULL, cls}, NULL, (int32_t)shape[1] - 1, (int32_t)shape[0], 1};
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, cls, 1, 1, arg.n, false, 1);

    if (!rows)
        return;
    golden_set_attn(c, rows, 1, arg.heads, 22, 24, value, &arg);
    if (golden_run_chain(c, &rows, false, "hired=keep=%g", golden_num(c, "token_budget_rate")))
        golden_expect_i32(c, "out.idx", rows->cell, rows->n);
    wn_rows_destroy(&rows);
}

/* ---- attention from queries and keys ---- */

static void run_attention(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *q = golden_f32(c, "in.q", shape, NULL), *k = golden_f32(c, "in.k", NULL, NULL);
    const int32_t heads = (int32_t)golden_int(c, "heads"), n = (int32_t)shape[1];
    const int64_t image = shape[1] * shape[2];
    float *w = golden_alloc(c, (int64_t)n * heads), *out = golden_alloc(c, shape[0] * n * heads);

    for (int64_t b = 0; !c->failed && b < shape[0]; b++) {
        const int32_t d = (int32_t)shape[2] / heads;
        const struct wn_attend a = {
            .q = q + b * image, .k = k + b * image, .w = w, .n = n, .heads = heads,
            .kv_heads = heads, .d_head = d, .scale = 1 / sqrtf((float)d),
        };
        if (wn_attend_one(&a, c->pool) < 0)
            golden_fail(c, "out of memory");
        for (int32_t i = 0; i < n * heads; i++)
            out[(b * heads + i % heads) * n + i / heads] = w[i];
    }
    if (!c->failed)
        golden_expect_f32(c, "out.cls_attn", out, shape[0] * n * heads);
}

/* ---- tiles ---- */

static void find_tiling(struct golden_case *c, struct wn_vit_tiling *tiling)
{
    const int32_t *size = golden_i32(c, "in.image_size_hw", NULL, NULL);
    json_t *list = golden_meta(c, "grid_pinpoints"), *item;
    struct wn_vit_info m = {.image_size = (int32_t)golden_int(c, "tile_side")};
    size_t i;

    json_array_foreach(list, i, item) {
        m.pinpoint[m.n_pinpoints][0] = (int32_t)json_integer_value(json_array_get(item, 0));
        m.pinpoint[m.n_pinpoints++][1] = (int32_t)json_integer_value(json_array_get(item, 1));
    }
    json_decref(list);
    if (size)
        wn_vit_tiling(tiling, &m, size[1], size[0]);
}

/* The authors' code takes lines of tiles for columns when it packs them, so that tiles beside each
 * other come to stand below each other, before it cuts what it takes for padding. */
static void check_packed(struct golden_case *c, const struct golden_tiles *t,
                         const struct wn_vit_tiling *tiling, const int32_t *mask, const float *x,
                         int64_t dim)
{
    const int32_t side = t->side, n = side * side, h = t->tiles_w * side, w = t->tiles_h * side;
    float *out = golden_alloc(c, (int64_t)(1 + t->tiles_h * t->tiles_w) * n * dim);
    const bool wide = (double)tiling->width / tiling->height > (double)w / h;
    const int32_t top =
        wide ? (h - (int32_t)(tiling->height * ((double)w / tiling->width))) / 2 : 0;
    const int32_t left =
        wide ? 0 : (w - (int32_t)(tiling->width * ((double)h / tiling->height))) / 2;
    int64_t rows = 0;

    for (int32_t i = 0; out && i < n; i++) {
        if (mask[i])
            memcpy(out + rows++ * dim, x + i * dim, (size_t)dim * sizeof(*x));
    }
    for (int32_t y = top; out && y < h - top; y++) {
        for (int32_t k = left; k < w - left; k++) {
            const int32_t tile = 1 + y / side * t->tiles_h + k / side;
            const int32_t i = tile * n + y % side * side + k % side;
            if (mask[i])
                memcpy(out + rows++ * dim, x + i * dim, (size_t)dim * sizeof(*x));
        }
    }
    if (out)
        golden_expect_f32(c, "out.features", out, rows * dim);
}

static void check_rows(struct golden_case *c, const struct golden_tiles *t,
                       const struct wn_vit_tiling *tiling, const struct wn_rows *rows,
                       const int32_t *from, const float *x)
{
    const int32_t n = t->side * t->side, parts = 1 + t->tiles_h * t->tiles_w;
    int32_t *mask = golden_alloc(c, (int64_t)parts * n), *budget = golden_alloc(c, parts);

    for (int32_t r = 0; mask && budget && r < rows->n; r++) {
        mask[from[rows->cell[r]]] = 1;
        budget[from[rows->cell[r]] / n]++;
    }
    if (!mask || !budget)
        return;
    golden_expect_i32(c, "out.budget", budget, parts);
    golden_expect_i32(c, "out.mask", mask, (int64_t)parts * n);
    check_packed(c, t, tiling, mask, x, rows->dim);
}

static void run_tiles(struct golden_case *c)
{
    int64_t shape[8] = {0}, cls_shape[8] = {0};
    const float *x = golden_f32(c, "in.features", shape, NULL);
    const float *bottom = golden_f32(c, "in.bottom_cls", cls_shape, NULL);
    const float *top = golden_f32(c, "in.top_cls", NULL, NULL);
    struct wn_vit_tiling tiling = {0};
    int32_t *from = NULL;

    find_tiling(c, &tiling);
    if (c->failed)
        return;
    const int32_t size = (int32_t)golden_int(c, "tile_side"), heads = (int32_t)cls_shape[1];
    const struct golden_tiles t = {
        .tiles_h = tiling.full_h / size,
        .tiles_w = tiling.full_w / size,
        .side = (int32_t)lround(sqrt((double)shape[1])),
    };
    struct wn_rows *rows = golden_tile_rows(c, &t, x, (int32_t)shape[2], &from);
    const struct cls_rows arg = {{top, bottom}, from, (int32_t)shape[1], heads, 2};
    if (rows) {
        golden_set_attn(c, rows, 2, heads, 22, 24, value, &arg);
        rows->attn_layer[0] = 0;
    }
    if (golden_run_chain(c, &rows, false, "hired=keep=%g:alpha=%g:compat=released",
                         golden_num(c, "token_budget_rate"), golden_num(c, "alpha")))
        check_rows(c, &t, &tiling, rows, from, x);
    wn_rows_destroy(&rows);
}

static void run(struct golden_case *c)
{
    if (golden_has_tensor(c, "in.q"))
        run_attention(c);
    else if (golden_has_tensor(c, "in.features"))
        run_tiles(c);
    else
        run_single(c);
}

const struct golden_set golden_hired = {
    .name = "hired",
    .runs_kernels = true,
    .run = run,
};
