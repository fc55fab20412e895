/* SPDX-License-Identifier: MIT */
#include "vit_shape.h"

#include <stdlib.h>
#include <string.h>

static void destroy(struct wn_vit_shape **shape)
{
    if (!*shape)
        return;
    wn_vit_plan_finish(&(*shape)->plan);
    wn_layout_unref(&(*shape)->layout);
    free(*shape);
    *shape = NULL;
}

/* A row of several patches counts as the one that has most of it. */
static int32_t main_patch(const struct wn_vit_row *row)
{
    int best = 0;

    for (int k = 1; k < 4; k++)
        best = row->weight[k] > row->weight[best] ? k : best;
    return row->from[best];
}

static int add_tiles(struct wn_vit_shape *s, const struct wn_vit_info *m)
{
    struct wn_layout *l = s->layout;

    l->tile = wn_calloc((size_t)l->n_rows, sizeof(*l->tile));
    l->tile_pos = wn_calloc((size_t)l->n_rows, sizeof(*l->tile_pos));
    if (!l->tile || !l->tile_pos)
        return WN_ERR_NOMEM;
    l->tiles_h = s->tiling.full_h / m->image_size;
    l->tiles_w = s->tiling.full_w / m->image_size;
    l->tile_h = l->tile_w = m->side;
    for (int32_t i = 0; i < l->n_rows; i++) {
        const int32_t patch = main_patch(&s->plan.row[i]);
        const bool newline = s->plan.row[i].from[0] < 0;
        l->tile[i] = newline ? -1 : patch / m->n_patches;
        l->tile_pos[i][0] = newline ? -1 : patch % m->n_patches / m->side;
        l->tile_pos[i][1] = newline ? -1 : patch % m->n_patches % m->side;
    }
    return WN_OK;
}

static int make_layout(struct wn_vit_shape *s, const struct wn_vit_info *m)
{
    struct wn_layout *l = wn_calloc(1, sizeof(*l));

    if (!l)
        return WN_ERR_NOMEM;
    s->layout = l;
    atomic_init(&l->refs, 1);
    l->n_rows = s->plan.n_rows;
    l->grid_h = s->plan.grid_h;
    l->grid_w = s->plan.grid_w;
    l->pos = wn_calloc((size_t)l->n_rows, sizeof(*l->pos));
    l->parts = wn_calloc(1, sizeof(*l->parts));
    if (!l->pos || !l->parts)
        return WN_ERR_NOMEM;
    l->n_parts = 1;
    l->parts[0].n_rows = l->parts[0].n_pos = l->n_rows;
    for (int32_t i = 0; i < l->n_rows; i++)
        memcpy(l->pos[i], s->plan.row[i].pos, sizeof(l->pos[i]));
    return s->tiling.n ? add_tiles(s, m) : WN_OK;
}

/* A picture is cut in tiles where the file lists sizes for that; frames of a video are one square,
 * which OneVision (SigLIP with a newline row) pools. */
static int make(struct wn_vit_shape *s, const struct wn_vit_info *m)
{
    const bool onevision = !m->cls && m->newline;
    int err;

    if (s->width) {
        wn_vit_tiling(&s->tiling, m, s->width, s->height);
        TRY(wn_vit_plan_tiles(&s->plan, m, &s->tiling, onevision ? 9 : 0));
    } else if (s->video && onevision) {
        TRY(wn_vit_plan_pooled(&s->plan, m, WN_VIT_BILINEAR, WN_VIT_NO_NEWLINE));
    } else {
        TRY(wn_vit_plan_square(&s->plan, m));
    }
    TRY(make_layout(s, m));
fail:
    return err;
}

int wn_vit_shapes_find(struct wn_vit_shapes *shapes, int32_t width, int32_t height, bool video,
                       struct wn_vit_shape **out)
{
    const bool tiled = !video && shapes->info->n_pinpoints > 0;
    struct wn_vit_shape *s = NULL;
    int at = 0;

    width = tiled ? width : 0;
    height = tiled ? height : 0;
    for (; at < WN_LEN(shapes->shape) && shapes->shape[at]; at++)
        if (shapes->shape[at]->width == width && shapes->shape[at]->height == height &&
            shapes->shape[at]->video == video) {
            s = shapes->shape[at];
            break;
        }
    if (!s) {
        s = wn_calloc(1, sizeof(*s));
        if (s)
            *s = (struct wn_vit_shape){.width = width, .height = height, .video = video};
        if (!s || make(s, shapes->info) < 0) {
            destroy(&s);
            return WN_ERR_NOMEM;
        }
        at = WN_MIN(at, WN_LEN(shapes->shape) - 1);
        destroy(&shapes->shape[at]);
    }
    memmove(shapes->shape + 1, shapes->shape, (size_t)at * sizeof(shapes->shape[0]));
    shapes->shape[0] = s;
    *out = s;
    return WN_OK;
}

void wn_vit_shapes_finish(struct wn_vit_shapes *shapes)
{
    for (int i = 0; i < WN_LEN(shapes->shape); i++)
        destroy(&shapes->shape[i]);
}
