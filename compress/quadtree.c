/* SPDX-License-Identifier: MIT */
#include "quadtree.h"

int32_t wn_quad_levels(int32_t h, int32_t w, int32_t drop, int64_t *cells)
{
    int32_t n = 1, height = h, width = w;

    while (WN_MIN(height, width) > 2 && n < WN_QUAD_LEVELS) {
        height = (height + 1) / 2;
        width = (width + 1) / 2;
        n++;
    }
    n = WN_MAX(n - drop, 1);
    *cells = 0;
    for (int32_t l = 0; l < n; l++, h = (h + 1) / 2, w = (w + 1) / 2)
        *cells += (int64_t)h * w;
    return n;
}

bool wn_quad_child(const struct wn_quad *q, int32_t level, const int32_t at[2], int k,
                   int32_t child[2])
{
    const int32_t side[2] = {q->h[level - 1], q->w[level - 1]}, part[2] = {k / 2, k % 2};

    for (int d = 0; d < 2; d++) {
        child[d] = 2 * at[d] + part[d] - side[d] % 2;
        if (child[d] < 0) {
            child[d] = 0;
            if (part[d] == 0)
                return false; /* the other one is it */
        }
    }
    return true;
}

/* A square is there when one of its children is. */
static bool any(const struct wn_quad *q, int32_t level, const int32_t at[2])
{
    int32_t child[2];

    for (int k = 0; k < 4; k++) {
        if (wn_quad_child(q, level, at, k, child) && wn_quad_id(q, level - 1, child) != WN_NONE)
            return true;
    }
    return false;
}

void wn_quad_make(struct wn_quad *q, const struct wn_layout *layout, const int32_t *cell,
                  int32_t first, int32_t end, int32_t drop, int32_t node0, int32_t *ids)
{
    int64_t cells;

    *q = (struct wn_quad){.node0 = node0, .h = {layout->grid_h}, .w = {layout->grid_w}};
    q->levels = wn_quad_levels(q->h[0], q->w[0], drop, &cells);
    for (int32_t l = 0; l < q->levels; l++) {
        if (l) {
            q->h[l] = (q->h[l - 1] + 1) / 2;
            q->w[l] = (q->w[l - 1] + 1) / 2;
        }
        q->id[l] = ids;
        ids += q->h[l] * q->w[l];
        for (int32_t i = 0; i < q->h[l] * q->w[l]; i++) {
            q->id[l][i] = WN_NONE;
            if (l && any(q, l, (int32_t[]){i / q->w[l], i % q->w[l]}))
                q->id[l][i] = node0 + q->n_nodes++;
        }
        for (int32_t i = end; !l && i-- > first;) {
            const int32_t *pos = layout->pos[cell[i]];
            if (pos[0] >= 0)
                q->id[0][pos[0] * q->w[0] + pos[1]] = i;
        }
    }
}

void wn_quad_box(const struct wn_quad *q, int32_t level, const int32_t at[2], int32_t box[4])
{
    for (int d = 0; d < 2; d++) {
        box[d] = at[d];
        box[d + 2] = at[d] + 1;
    }
    for (int32_t l = level; l > 0; l--) {
        const int32_t side[2] = {q->h[l - 1], q->w[l - 1]};
        for (int d = 0; d < 2; d++) {
            box[d] = WN_MAX(2 * box[d] - side[d] % 2, 0);
            box[d + 2] = 2 * box[d + 2] - side[d] % 2;
        }
    }
}

void wn_quad_entries(const struct wn_quad *q, int32_t level, const int32_t at[2], float weight,
                     struct wn_maker *m)
{
    int32_t child[2], n = 0;

    if (!level) {
        wn_make_entry(m, wn_quad_id(q, 0, at), weight);
        return;
    }
    for (int k = 0; k < 4; k++)
        n += wn_quad_child(q, level, at, k, child) && wn_quad_id(q, level - 1, child) != WN_NONE;
    for (int k = 0; k < 4; k++) {
        if (wn_quad_child(q, level, at, k, child) && wn_quad_id(q, level - 1, child) != WN_NONE)
            wn_quad_entries(q, level - 1, child, weight / (float)n, m);
    }
}

int32_t wn_quad_first(const struct wn_quad *q, int32_t level, const int32_t at[2])
{
    int32_t child[2], here[2] = {at[0], at[1]};

    for (; level > 0; level--) {
        for (int k = 0; k < 4; k++) {
            if (wn_quad_child(q, level, here, k, child) &&
                wn_quad_id(q, level - 1, child) != WN_NONE)
                break;
        }
        here[0] = child[0];
        here[1] = child[1];
    }
    return wn_quad_id(q, 0, here);
}

struct wn_quad_most wn_quad_most(const struct wn_build *b, int32_t drop)
{
    struct wn_quad_most most = {0};

    for (int32_t f = 0; f < b->in.n_frames; f++) {
        const struct wn_layout *layout = b->rows->frames[f].layout;
        const int64_t grid = (int64_t)layout->grid_h * layout->grid_w;
        int64_t cells;
        most.levels = WN_MAX(most.levels,
                             wn_quad_levels(layout->grid_h, layout->grid_w, drop, &cells));
        most.cells = WN_MAX(most.cells, cells);
        most.grid = WN_MAX(most.grid, grid);
        most.squares += cells - grid;
    }
    most.squares = WN_MIN(most.squares, (int64_t)most.levels * b->in.n);
    return most;
}
