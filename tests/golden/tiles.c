/* SPDX-License-Identifier: MIT */
#include "tests/golden/tiles.h"

#include <string.h>

static void add(struct wn_layout *l, int32_t *from, int32_t tile, int32_t y, int32_t x)
{
    const int32_t r = l->n_rows++;

    l->tile[r] = tile;
    l->tile_pos[r][0] = y;
    l->tile_pos[r][1] = x;
    l->pos[r][0] = l->pos[r][1] = -1;
    from[r] = tile < 0 ? -1 : (tile * l->tile_h + y) * l->tile_w + x;
}

static void fill(struct wn_layout *l, const struct golden_tiles *t, int32_t *from)
{
    const int32_t side = t->side, h = t->tiles_h * side, w = t->tiles_w * side;

    l->tiles_h = t->tiles_h;
    l->tiles_w = t->tiles_w;
    l->tile_h = l->tile_w = side;
    l->grid_h = h - 2 * t->top;
    l->grid_w = w - 2 * t->left;
    for (int32_t i = 0; i < side * side; i++)
        add(l, from, 0, i / side, i % side);
    for (int32_t y = 0; y < h; y++) {
        for (int32_t x = t->left; x < w - t->left; x++) {
            if (y < t->top || y >= h - t->top)
                continue;
            add(l, from, 1 + y / side * t->tiles_w + x / side, y % side, x % side);
            l->pos[l->n_rows - 1][0] = y - t->top;
            l->pos[l->n_rows - 1][1] = x - t->left;
        }
        if (t->newline)
            add(l, from, -1, -1, -1);
    }
}

static struct wn_layout *make_layout(const struct golden_tiles *t, int32_t *from, int64_t most)
{
    struct wn_layout *l = wn_calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    l->pos = wn_calloc((size_t)most, sizeof(*l->pos));
    l->tile = wn_calloc((size_t)most, sizeof(*l->tile));
    l->tile_pos = wn_calloc((size_t)most, sizeof(*l->tile_pos));
    if (!from || !l->pos || !l->tile || !l->tile_pos)
        wn_layout_unref(&l);
    else
        fill(l, t, from);
    return l;
}

struct wn_rows *golden_tile_rows(struct golden_case *c, const struct golden_tiles *t,
                                 const float *x, int32_t dim, int32_t **from)
{
    const int64_t side = t->side, lines = t->tiles_h * side;
    const int64_t most = (1 + t->tiles_h * t->tiles_w) * side * side + lines;
    int32_t *list = golden_alloc(c, most);
    struct wn_layout *l = make_layout(t, list, most);
    struct wn_rows *rows = l && x ? wn_rows_create(l->n_rows, dim, 1) : NULL;

    if (!rows) {
        golden_fail(c, "no rows");
        wn_layout_unref(&l);
        return NULL;
    }
    for (int32_t i = 0; i < rows->n; i++) {
        rows->cell[i] = i;
        if (list[i] >= 0)
            memcpy(rows->data + (size_t)i * (size_t)dim, x + (size_t)list[i] * (size_t)dim,
                   (size_t)dim * sizeof(*x));
    }
    rows->frame_ptr[1] = rows->n;
    rows->frames[0].layout = l;
    *from = list;
    return rows;
}
