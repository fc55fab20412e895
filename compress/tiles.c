/* SPDX-License-Identifier: MIT */
#include "tiles.h"

#include <stdlib.h>

/* Whether the rows that a filter gets are those of the segment, in their order. */
static bool untouched(const struct wn_build *b)
{
    int n;
    const struct wn_plan_buffer *buffers = wn_plan_buffers(b->plan, &n);

    return b->in.cell >= 0 && b->in.cell < n && buffers[b->in.cell].input == b->rows->cell;
}

static int32_t tiles_in(const struct wn_layout *layout)
{
    return layout->tile ? layout->tiles_h * layout->tiles_w : 0;
}

static int32_t part_in_frame(const struct wn_layout *layout, int32_t cell)
{
    const int32_t tiles = tiles_in(layout);

    if (!tiles)
        return 0;
    return layout->tile[cell] < 0 || layout->tile[cell] > tiles ? tiles + 1 : layout->tile[cell];
}

/* A counting sort of rows by part. */
static bool sort_rows(struct wn_build *b, struct wn_tiles *t)
{
    const struct wn_rows *r = b->rows;
    int32_t *at, *place = wn_build_scratch(b, r->n);

    t->ptr = wn_build_scratch(b, (int64_t)t->n_parts + 1);
    t->row = wn_build_scratch(b, r->n);
    t->part = wn_build_scratch(b, r->n);
    at = wn_build_scratch(b, (int64_t)t->n_parts + 1);
    const bool ok = t->ptr && t->row && t->part && at && place;
    for (int32_t f = 0; ok && f < r->n_frames; f++) {
        for (int32_t i = r->frame_ptr[f]; i < r->frame_ptr[f + 1]; i++) {
            t->part[i] = t->first[f] + part_in_frame(r->frames[f].layout, r->cell[i]);
            t->ptr[t->part[i] + 1]++;
        }
    }
    for (int32_t p = 0; ok && p < t->n_parts; p++)
        at[p + 1] = t->ptr[p + 1] += t->ptr[p];
    for (int32_t i = 0; ok && i < r->n; i++) {
        place[i] = at[t->part[i]]++;
        t->row[place[i]] = i;
    }
    if (ok) {
        t->ptrs = wn_build_ints(b, "parts", t->ptr, (int64_t)t->n_parts + 1);
        t->rows = wn_build_ints(b, "rows by part", t->row, r->n);
        t->places = wn_build_ints(b, "places by part", place, r->n);
    }
    free(at);
    free(place);
    return ok;
}

bool wn_tiles_find(struct wn_build *b, struct wn_tiles *t)
{
    const struct wn_rows *r = b->rows;
    bool any = false;

    *t = (struct wn_tiles){0};
    if (!untouched(b))
        return false;
    t->first = wn_build_scratch(b, (int64_t)r->n_frames + 1);
    for (int32_t f = 0; t->first && f < r->n_frames; f++) {
        const int32_t tiles = tiles_in(r->frames[f].layout);
        any |= tiles > 0;
        t->first[f + 1] = t->first[f] + (tiles ? tiles + 2 : 1);
    }
    t->n_parts = t->first ? t->first[r->n_frames] : 0;
    any = any && sort_rows(b, t);
    if (!any)
        wn_tiles_finish(t);
    return any;
}

void wn_tiles_finish(struct wn_tiles *t)
{
    free(t->first);
    free(t->ptr);
    free(t->row);
    free(t->part);
    *t = (struct wn_tiles){0};
}

/* ---- regions of the whole ---- */

/* Which tile each cell of the grid is in, 0: none; as large as the grid. */
static void map_grid(const struct wn_layout *layout, int32_t *map)
{
    for (int32_t c = 0; c < layout->n_rows; c++) {
        const int32_t y = layout->pos[c][0], x = layout->pos[c][1];
        if (y >= 0 && layout->tile[c] > 0)
            map[y * layout->grid_w + x] = layout->tile[c];
    }
}

static int32_t region_of(const struct wn_layout *l, int32_t cell, enum wn_regions how,
                         const int32_t *map)
{
    const int32_t y = l->tile_pos[cell][0], x = l->tile_pos[cell][1], tiles = tiles_in(l);
    const int32_t h = WN_MAX(l->tile_h, 1), w = WN_MAX(l->tile_w, 1);

    switch (how) {
    case WN_REGIONS_STRIPES:
        return 1 + WN_MIN((y * w + x) / WN_MAX(h * w / tiles, 1), tiles - 1);
    case WN_REGIONS_EVEN:
        return 1 + WN_MIN(y / WN_MAX(h / l->tiles_h, 1), l->tiles_h - 1) * l->tiles_w +
               WN_MIN(x / WN_MAX(w / l->tiles_w, 1), l->tiles_w - 1);
    default:
        return map[(2 * y + 1) * l->grid_h / (2 * h) * l->grid_w +
                   (2 * x + 1) * l->grid_w / (2 * w)];
    }
}

int32_t *wn_tiles_regions(struct wn_build *b, const struct wn_tiles *t, enum wn_regions how)
{
    const struct wn_rows *r = b->rows;
    int32_t *region = wn_build_scratch(b, r->n);

    for (int32_t f = 0; region && f < r->n_frames; f++) {
        const struct wn_layout *l = r->frames[f].layout;
        int32_t *map = wn_tiles_of(t, f) ? wn_build_scratch(b, (int64_t)l->grid_h * l->grid_w)
                                         : NULL;
        if (map)
            map_grid(l, map);
        for (int32_t i = r->frame_ptr[f]; map && i < r->frame_ptr[f + 1]; i++) {
            if (t->part[i] == t->first[f] && l->tile_pos[r->cell[i]][0] >= 0)
                region[i] = region_of(l, r->cell[i], how, map);
        }
        free(map);
    }
    return region;
}

bool wn_tiles_region_sums(struct wn_build *b, const struct wn_tiles *t, const int32_t *region,
                          struct wn_sums *s)
{
    const struct wn_rows *r = b->rows;
    int32_t *at = wn_build_scratch(b, (int64_t)t->n_parts + 1);

    *s = (struct wn_sums){
        .n = t->n_parts,
        .ptr = wn_build_scratch(b, (int64_t)t->n_parts + 1),
        .idx = wn_build_scratch(b, r->n),
        .w = (float *)wn_build_scratch(b, r->n),
    };
    const bool ok = s->ptr && s->idx && s->w && at;
    for (int pass = 0; ok && pass < 2; pass++) {
        for (int32_t f = 0; f < r->n_frames; f++) {
            for (int32_t i = r->frame_ptr[f]; i < r->frame_ptr[f + 1]; i++) {
                const int32_t p = t->first[f] + region[i];
                if (region[i] && !pass)
                    s->ptr[p + 1]++;
                if (region[i] && pass) {
                    s->idx[at[p]] = i;
                    s->w[at[p]++] = 1;
                }
            }
        }
        for (int32_t p = 0; !pass && p < t->n_parts; p++)
            at[p + 1] = s->ptr[p + 1] += s->ptr[p];
    }
    free(at);
    if (!ok)
        wn_sums_finish(s);
    return ok;
}

void wn_sums_finish(struct wn_sums *s)
{
    free(s->ptr);
    free(s->idx);
    free(s->w);
    *s = (struct wn_sums){0};
}

/* ---- on the device ---- */

wn_buf wn_build_floats(struct wn_build *b, const char *name, const float *v, int64_t n)
{
    return wn_plan_owned(b->plan, name, v, n);
}

static wn_buf take(struct wn_build *b, wn_buf x, wn_buf idx)
{
    const int32_t n = b->in.n;
    const wn_buf y = wn_plan_temp(b->plan, "by part", n);

    WN_CALL(b, take, (&(struct wn_take_params){.n = n, .n_frames = 0, .width = 1}), x, idx,
            wn_build_ints(b, "n", &n, 1), y);
    return y;
}

wn_buf wn_tiles_take(struct wn_build *b, const struct wn_tiles *t, wn_buf x)
{
    return take(b, x, t->rows);
}

wn_buf wn_tiles_back(struct wn_build *b, const struct wn_tiles *t, wn_buf x)
{
    return take(b, x, t->places);
}

wn_buf wn_tiles_rank(struct wn_build *b, const struct wn_tiles *t, wn_buf key)
{
    const wn_buf rank = wn_plan_temp(b->plan, "rank in part", b->in.n);

    WN_CALL(b, rank, (&(struct wn_rank_params){b->in.n, t->n_parts, 1}), key, t->ptrs, rank);
    return rank;
}

/* rank < quota, as -2 rank - 1 >= -2 quota. */
wn_buf wn_tiles_below(struct wn_build *b, const struct wn_tiles *t, wn_buf rank, wn_buf quota)
{
    const wn_buf y = wn_plan_temp(b->plan, "below", b->in.n);

    WN_CALL(b, over, (&(struct wn_over_params){b->in.n, t->n_parts, -2}),
            wn_build_mix(b, rank, -2, rank, 0, -1, true), quota, t->ptrs, y);
    return y;
}

wn_buf wn_tiles_sums(struct wn_build *b, wn_buf x, const struct wn_sums *s)
{
    const wn_buf y = wn_plan_temp(b->plan, "sums", s->n);
    const int64_t entries = s->ptr[s->n];

    WN_CALL(b, combine, (&(struct wn_combine_params){s->n, 0, 1}), x,
            wn_build_ints(b, "sums ptr", s->ptr, (int64_t)s->n + 1),
            wn_build_ints(b, "sums idx", s->idx, entries),
            wn_build_floats(b, "sums w", s->w, entries), wn_build_ints(b, "n", &s->n, 1), y);
    return y;
}
