/* SPDX-License-Identifier: MIT */
/* Squares of the grid become one row in the middle of the tower. LaCo puts the rows of a square
 * side by side there and adds a trained MLP of them to their mean; this is the mean, the part that
 * needs no training. With rows=8 each frame has the 64 rows of PVC at most. */
#include <stdlib.h>

#include "compress/build.h"

struct laco {
    const AVClass *class;
    int layer, size, rows;
    char *weights;
};

static int init(void *priv, struct wn_log *log)
{
    const struct laco *f = priv;

    if (f->weights)
        return wn_fail(log, WN_ERR_UNSUPPORTED, "filter laco: weights of its trained layers have "
                       "not been published, so no layout of %.200s is known; without weights= it "
                       "takes means", f->weights);
    return WN_OK;
}

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    const struct laco *f = priv;
    const int32_t layer = f->layer < 0 ? info->depth / 2 : f->layer;
    const int32_t last = WN_MAX(0, WN_MIN(layer, info->depth - 1));

    return wn_cuts_add(cuts, (struct wn_cut){.point = 2 * last + 2}) ? wn_nomem(log, "the filters")
                                                                    : WN_OK;
}

/* The same number for the rows of a square; a number of its own for a row without a place. */
static int32_t square_of(const struct wn_layout *layout, int32_t cell, void *arg)
{
    const struct laco *f = arg;
    const int32_t *pos = layout->pos[cell];
    const int32_t size = f->rows ? (layout->grid_w + f->rows - 1) / f->rows : f->size;

    if (pos[0] < 0)
        return layout->n_rows + cell;
    return pos[0] / size * layout->grid_w + pos[1] / size;
}

static int build(void *priv, struct wn_build *b)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    int32_t *self = wn_build_scratch(b, n_frames);
    const wn_buf to = wn_plan_temp(b->plan, "square", n);
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", n),
        .rank = WN_NONE,
        .n_out = n,
    };

    for (int32_t f = 0; self && f < n_frames; f++)
        self[f] = f;
    if (self)
        WN_CALL(b, pair, (&(struct wn_pair_params){n, n_frames}),
                wn_build_lookup(b, square_of, priv), b->in.ptr,
                wn_build_ints(b, "self", self, n_frames), to);
    free(self);
    WN_CALL(b, own, (&(struct wn_own_params){n, n_frames}), to, b->in.ptr, list.keep);
    wn_build_merge_sized(b, &list, to);
    return WN_OK;
}

static const AVOption options[] = {
    {"size", "patches on a side of a square", offsetof(struct laco, size), AV_OPT_TYPE_INT,
     {.i64 = 2}, 1, 64, 0, NULL},
    {"rows", "of the grid that a frame becomes, at most; 0: by size", offsetof(struct laco, rows),
     AV_OPT_TYPE_INT, {.i64 = 0}, 0, 4096, 0, NULL},
    {"layer", "behind which, from 0; -1: in the middle of the tower", offsetof(struct laco, layer),
     AV_OPT_TYPE_INT, {.i64 = -1}, -1, WN_MAX_LAYERS - 1, 0, NULL},
    {"weights", "of the trained layers, once there are any", offsetof(struct laco, weights),
     AV_OPT_TYPE_STRING, {.str = NULL}, 0, 0, 0, NULL},
    {NULL},
};

static const struct wn_encoder_ops encoder_ops = {
    .cuts = cuts,
    .build = build,
};

const struct wn_filter wn_filter_laco = {
    .name = "laco",
    .brief = "makes one row of each square of patches, in the middle of the encoder",
    .paper = "after LaCo (arXiv 2507.02279) and PVC (arXiv 2412.09613), without what they train; "
             "no public code",
    .family = WN_TRANSFORMATION,
    .places = WN_AT_ENCODER,
    .options = options,
    .init = init,
    .priv_size = sizeof(struct laco),
    .encoder = &encoder_ops,
};
