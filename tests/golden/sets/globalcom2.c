/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/tiles.h"

/* The padding that the authors' code cuts from a grid of h x w patches. */
static void find_padding(struct golden_tiles *t, const int32_t *size_wh)
{
    const int32_t h = t->tiles_h * t->side, w = t->tiles_w * t->side;
    const double width = size_wh[0], height = size_wh[1];

    if (width / height > (double)w / h)
        t->top = (h - (int32_t)(height * (w / width))) / 2;
    else
        t->left = (w - (int32_t)(width * (h / height))) / 2;
}

/* A row of a tile: its number among the tile's rows, and its score. */
struct ranked {
    int32_t tile, index;
    float score;
};

static int by_score(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;

    if (a->tile != b->tile)
        return a->tile - b->tile;
    return a->score != b->score ? (a->score > b->score ? -1 : 1) : a->index - b->index;
}

static void check_tiles(struct golden_case *c, const struct wn_rows *rows, int32_t n_tiles)
{
    const struct wn_layout *l = rows->frames[0].layout;
    int32_t *count = golden_alloc(c, n_tiles), *list = golden_alloc(c, rows->n), n = 0;
    int32_t *seen = golden_alloc(c, n_tiles + 1), *index = golden_alloc(c, l->n_rows);
    struct ranked *kept = wn_calloc((size_t)rows->n, sizeof(*kept));

    for (int32_t i = 0; seen && index && i < l->n_rows; i++) {
        if (l->tile[i] > 0)
            index[i] = seen[l->tile[i]]++;
    }
    for (int32_t r = 0; kept && count && index && r < rows->n; r++) {
        const int32_t cell = rows->cell[r], tile = l->tile[cell];
        if (tile > 0) {
            kept[n++] = (struct ranked){tile, index[cell], rows->score[r]};
            count[tile - 1]++;
        }
    }
    if (kept)
        qsort(kept, (size_t)n, sizeof(*kept), by_score);
    for (int32_t k = 0; kept && list && k < n; k++)
        list[k] = kept[k].index;
    golden_expect_i32(c, "out.crop_counts", count, n_tiles);
    golden_expect_i32(c, "out.crop_idx", list, n);
    free(kept);
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.features", shape, NULL);
    const float *scores = golden_f32(c, "in.scores", NULL, NULL);
    const float *newline = golden_f32(c, "in.image_newline", NULL, NULL);
    const int32_t *size = golden_i32(c, "in.image_size_wh", NULL, NULL);
    struct golden_tiles t = {
        .tiles_h = (int32_t)golden_int(c, "crops_h"),
        .tiles_w = (int32_t)golden_int(c, "crops_w"),
        .side = (int32_t)golden_int(c, "grid"),
        .newline = true,
    };
    const int32_t dim = (int32_t)shape[2], n = t.side * t.side;
    int32_t *from = NULL, *whole = golden_alloc(c, n), n_whole = 0;

    if (c->failed)
        return;
    find_padding(&t, size);
    struct wn_rows *rows = golden_tile_rows(c, &t, x, dim, &from);
    if (rows)
        rows->logits = wn_calloc((size_t)rows->n, sizeof(*rows->logits));
    for (int32_t i = 0; rows && rows->logits && i < rows->n; i++) {
        if (from[i] >= 0)
            rows->logits[i] = scores[from[i]];
        else
            memcpy(rows->data + (size_t)i * (size_t)dim, newline, (size_t)dim * sizeof(*newline));
    }
    if (golden_run_chain(c, &rows, false, "globalcom2=keep=%g:temperature=%g:compat=released",
                         golden_num(c, "retention_ratio"), golden_num(c, "temperature"))) {
        for (int32_t r = 0; r < rows->n && from[rows->cell[r]] >= 0 && from[rows->cell[r]] < n; r++)
            whole[n_whole++] = from[rows->cell[r]];
        golden_expect_i32(c, "out.thumb_idx", whole, n_whole);
        check_tiles(c, rows, t.tiles_h * t.tiles_w);
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * dim);
    }
    wn_rows_destroy(&rows);
}

/* What a tile's share is before it becomes a count. */
static const char *const beyond[] = {"out.scales", NULL};

const struct golden_set golden_globalcom2 = {
    .name = "globalcom2",
    .runs_kernels = true,
    .beyond = beyond,
    .run = run,
};
