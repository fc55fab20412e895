/* SPDX-License-Identifier: MIT */
#include "graph_map.h"

#include <stdlib.h>
#include <string.h>

void wn_graph_map_destroy(struct wn_graph_map **map)
{
    if (!*map)
        return;
    free((*map)->ptr);
    free((*map)->idx);
    free((*map)->pos);
    free(*map);
    *map = NULL;
}

/* where[source] = the token inside the tower that stands for it, -1 for none. False where a token
 * stands for anything but one patch or CLS. */
static bool index_tokens(struct wn_graph_map *map, const struct wn_sets *sets,
                         const struct wn_prov *tokens, int32_t *where)
{
    const int32_t n_patches = map->patch_h * map->patch_w;

    for (int32_t i = 0; i < tokens->ne[2]; i++) {
        int32_t scratch;
        int n;
        const int32_t *m = wn_sets_members(sets, wn_prov_at(tokens, 0, 0, i, 0), &scratch, &n);

        if (n != 1)
            return false;
        if (*m == WN_SOURCE_CLS)
            map->cls = i;
        else if (*m < n_patches && where[*m] < 0)
            where[*m] = i;
        else
            return false;
    }
    map->n_tokens = (int32_t)tokens->ne[2];
    return true;
}

static int32_t row_set(const struct wn_prov *out, int32_t row)
{
    const int64_t n1 = out->ne[1], n2 = out->ne[2];
    int32_t set = wn_prov_at(out, 0, row % n1, row / n1 % n2, row / (n1 * n2));

    /* A row of several parts (deep stacking) has to stand for the same patches in all of them. */
    for (int64_t k = 1; out->st[0] && k < out->ne[0]; k++)
        if (wn_prov_at(out, k * out->run, row % n1, row / n1 % n2, row / (n1 * n2)) != set)
            return WN_SET_UNKNOWN;
    return set;
}

struct box {
    int32_t top, left, bottom, right;
    int n;
};

static struct box box_of(const struct wn_graph_map *map, const int32_t *m, int n)
{
    struct box b = {map->patch_h, map->patch_w, -1, -1, 0};

    for (int i = 0; i < n; i++) {
        if (m[i] == WN_SOURCE_CLS)
            continue;
        const int32_t y = m[i] / map->patch_w, x = m[i] % map->patch_w;

        b = (struct box){WN_MIN(b.top, y), WN_MIN(b.left, x), WN_MAX(b.bottom, y),
                         WN_MAX(b.right, x), b.n + 1};
    }
    return b;
}

/* Rows that are whole blocks of patches, all of one size, make a grid. */
static void find_grid(struct wn_graph_map *map, const struct box *box)
{
    int32_t bh = 1, bw = 1;

    for (int32_t r = 0; r < map->n_rows; r++)
        if (box[r].n) {
            bh = WN_MAX(bh, box[r].bottom - box[r].top + 1);
            bw = WN_MAX(bw, box[r].right - box[r].left + 1);
        }
    for (int32_t r = 0; r < map->n_rows; r++) {
        const struct box *b = box + r;

        map->pos[r][0] = map->pos[r][1] = -1;
        if (!b->n)
            continue;
        if (b->top % bh || b->left % bw ||
            b->n != (b->bottom - b->top + 1) * (b->right - b->left + 1)) {
            for (int32_t k = 0; k < map->n_rows; k++)
                map->pos[k][0] = map->pos[k][1] = -1;
            return;
        }
        map->pos[r][0] = b->top / bh;
        map->pos[r][1] = b->left / bw;
    }
    map->grid_h = (map->patch_h + bh - 1) / bh;
    map->grid_w = (map->patch_w + bw - 1) / bw;
}

static int compare(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* Rows' sources as tokens; counts what no row stands for. WN_OK with known false: not known. */
static int fill_rows(struct wn_graph_map *map, const struct wn_sets *sets,
                     const struct wn_prov *out, const int32_t *where, bool tokens)
{
    const int32_t n_patches = map->patch_h * map->patch_w;
    struct box *box = wn_calloc((size_t)map->n_rows, sizeof(*box));
    bool *seen = wn_calloc((size_t)n_patches, sizeof(*seen));
    int64_t total = 0;
    int err = WN_ERR_NOMEM;

    map->ptr = wn_calloc((size_t)map->n_rows + 1, sizeof(*map->ptr));
    map->idx = wn_calloc((size_t)map->n_rows * WN_MAX_SET, sizeof(*map->idx));
    if (!box || !seen || !map->ptr || !map->idx)
        goto fail;
    err = WN_OK;
    for (int32_t r = 0; r < map->n_rows; r++) {
        int32_t scratch;
        int n;
        const int32_t *m = wn_sets_members(sets, row_set(out, r), &scratch, &n);

        if (n < 0)
            goto fail;
        box[r] = box_of(map, m, n);
        map->cls_row |= n == 1 && *m == WN_SOURCE_CLS;
        for (int i = 0; i < n; i++) {
            const bool cls = m[i] == WN_SOURCE_CLS;

            if (!cls)
                seen[m[i]] = true;
            map->idx[total++] = cls ? map->cls : where[m[i]];
        }
        qsort(map->idx + map->ptr[r], (size_t)n, sizeof(*map->idx), compare);
        map->ptr[r + 1] = (int32_t)total;
    }
    for (int32_t i = 0; i < n_patches; i++)
        map->lost += !seen[i];
    find_grid(map, box);
    map->known = tokens;
    for (int64_t i = 0; i < total; i++)
        map->known = map->known && map->idx[i] >= 0;
    int32_t *idx = total ? wn_regrow(map->idx, (size_t)total, sizeof(*idx)) : NULL;
    if (idx)
        map->idx = idx;
fail:
    free(box);
    free(seen);
    return err;
}

int wn_graph_map_fill(struct wn_graph_map *map, const struct wn_sets *sets,
                      const struct wn_prov *out, const struct wn_prov *tokens)
{
    const int32_t n_patches = map->patch_h * map->patch_w;
    int32_t *where = wn_calloc((size_t)n_patches + 1, sizeof(*where));

    map->cls = -1;
    map->pos = wn_calloc((size_t)map->n_rows, sizeof(*map->pos));
    if (!where || !map->pos) {
        free(where);
        return WN_ERR_NOMEM;
    }
    memset(where, -1, (size_t)n_patches * sizeof(*where));
    for (int32_t r = 0; r < map->n_rows; r++)
        map->pos[r][0] = map->pos[r][1] = -1;
    const bool known = tokens && index_tokens(map, sets, tokens, where);
    int err = WN_OK;
    if (out && n_patches)
        err = fill_rows(map, sets, out, where, known);
    free(where);
    return err;
}
