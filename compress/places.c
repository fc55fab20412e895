/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <stdio.h>
#include <stdlib.h>

#include "../pipeline/trained.h"
#include "match.h"

enum { MOST = 64 }; /* frames that an encoder takes together */

struct table {
    float *row;   /* [n][dim] */
    int32_t n, dim;
    int32_t layer, join;
    int32_t part; /* pictures in what has a position */
};

struct wn_places {
    struct table *table;
    int32_t n, patches;
};

static int read_table(struct table *t, const struct wn_trained *file, const char *path,
                      int32_t dim, struct wn_log *log)
{
    int64_t shape[4] = {1, 0, 1, dim};
    char name[96];
    int err;

    snprintf(name, sizeof(name), "visual.transformer.resblocks.%d.TVPt_Video_Positional_embedding",
             (int)t->layer);
    TRY(wn_trained_get(file, name, 4, shape, &t->row));
    if (shape[1] > MOST || shape[1] % t->join)
        return wn_fail(log, WN_ERR_MODEL, "%.300s: %lld positions before layer %d, where %d frames "
                       "come together", path, (long long)shape[1], (int)t->layer, (int)t->join);
    t->n = (int32_t)shape[1];
    t->dim = dim;
fail:
    return err;
}

/* Each join leaves so many of its positions' frames that the next one has positions for them. */
static int read_tables(struct wn_places *p, const struct wn_trained *file, const char *path,
                       const int32_t (*join)[2], int32_t n, const struct wn_encoder_info *info,
                       struct wn_log *log)
{
    int32_t part = 1;
    int err = WN_OK;

    for (int32_t i = 0; i < n && join[i][0] < info->depth; part *= join[i++][1]) {
        struct table *t = &p->table[p->n++];

        *t = (struct table){.layer = join[i][0], .join = join[i][1], .part = part};
        TRY(read_table(t, file, path, info->tower_dim, log));
        if (i && t->n != t[-1].n / t[-1].join)
            return wn_fail(log, WN_ERR_MODEL, "%.300s: %d positions before layer %d, but %d frames "
                           "are left there of %d", path, (int)t->n, (int)t->layer,
                           (int)(t[-1].n / t[-1].join), (int)t[-1].n);
    }
    if (!p->n)
        return wn_fail(log, WN_ERR_ARG, "%.300s: no frames come together, so that positions have "
                       "no place", path);
fail:
    return err;
}

int wn_places_open(struct wn_places **out, const char *path, const int32_t (*join)[2], int32_t n,
                   const struct wn_encoder_info *info, struct wn_log *log)
{
    struct wn_places *p = wn_calloc(1, sizeof(*p));
    struct wn_trained *file = NULL;
    int err;

    *out = NULL;
    if (p)
        p->table = wn_calloc((size_t)n + 1, sizeof(*p->table));
    if (!p || !p->table) {
        err = wn_nomem(log, "the filters");
        goto fail;
    }
    p->patches = WN_MAX(info->patches, 1);
    TRY(wn_trained_open(&file, path, log));
    TRY(read_tables(p, file, path, join, n, info, log));
    *out = p;
    p = NULL;
fail:
    wn_trained_close(&file);
    wn_places_close(&p);
    return err;
}

void wn_places_close(struct wn_places **places)
{
    struct wn_places *p = *places;

    for (int32_t i = 0; p && i < p->n; i++)
        free(p->table[i].row);
    if (p)
        free(p->table);
    free(p);
    *places = NULL;
}

int32_t wn_places_frames(const struct wn_places *places)
{
    return places->table[0].n;
}

/* Which position each row gets, by its cell. Frames of a batch are counted from its first. */
static wn_buf place_of(struct wn_build *b, const struct table *t, int32_t patches)
{
    const struct wn_row_frame *frame = b->rows->frames;
    int32_t *at = wn_build_scratch(b, b->in.n_frames), *place = NULL, size = 0;
    const wn_buf y = wn_plan_temp(b->plan, "place", b->in.n);

    for (int32_t f = 0; at && f < b->in.n_frames; f++) {
        at[f] = size;
        size += frame[f].layout->n_rows;
    }
    place = at ? wn_build_scratch(b, size) : NULL;
    for (int32_t f = 0; place && f < b->in.n_frames; f++) {
        const int32_t special = wn_count_special(frame[f].layout);

        for (int32_t c = 0; c < frame[f].layout->n_rows; c++) {
            const int32_t picture = c < special ? c : (c - special) / patches;
            const int64_t part = (int64_t)frame[f].index * t->join + picture / t->part;
            place[at[f] + c] = (int32_t)(part % t->n);
        }
    }
    if (place)
        WN_CALL(b, lookup, (&(struct wn_lookup_params){b->in.n, b->in.n_frames}), b->in.cell,
                b->in.ptr, wn_build_ints(b, "at", at, b->in.n_frames),
                wn_build_ints(b, "places", place, size), y);
    free(at);
    free(place);
    return y;
}

wn_buf wn_build_placed(struct wn_build *b, const struct wn_places *places)
{
    const int32_t n = b->in.n, dim = b->in.dim;
    const struct table *t = NULL;

    for (int32_t i = 0; places && b->cut && i < places->n; i++)
        if (b->cut->point == 2 * places->table[i].layer)
            t = &places->table[i];
    if (!t)
        return b->in.data;
    const wn_buf which = place_of(b, t, places->patches);
    const wn_buf all = wn_plan_input(b->plan, "positions", t->row, (int64_t)t->n * t->dim);
    const wn_buf mine = wn_plan_temp(b->plan, "positions of rows", (int64_t)n * dim);
    const wn_buf sum = wn_plan_temp(b->plan, "rows with positions", (int64_t)n * dim);
    WN_CALL(b, take, (&(struct wn_take_params){n, b->in.n_frames, dim}), all, which, b->in.ptr,
            mine);
    WN_CALL(b, blend, (&(struct wn_blend_params){.n = n * dim, .a = 1, .b = 1}), b->in.data, mine,
            sum);
    return sum;
}
