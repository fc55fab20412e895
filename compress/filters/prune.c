/* SPDX-License-Identifier: MIT */
/* The plainest way to make an encoder faster: behind a layer, or between its attention and its MLP,
 * the patches that get the least attention go. */
#include "compress/build.h"
#include "compress/filters/options.h"

struct prune {
    const AVClass *class;
    double keep;
    int layer, times, every, middle;
    int32_t depth;
};

static int32_t first_layer(const struct prune *f, int32_t depth)
{
    const int32_t layer = f->layer < 0 ? depth / 2 : f->layer;

    return WN_MAX(0, WN_MIN(layer, depth - 1));
}

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    struct prune *f = priv;
    int32_t layer = first_layer(f, info->depth);

    f->depth = info->depth;
    for (int i = 0; i < f->times && layer < info->depth; i++, layer += f->every)
        if (wn_cuts_add(cuts, (struct wn_cut){.point = 2 * layer + (f->middle ? 1 : 2),
                                              .taps = WN_TAP_CLS}))
            return wn_nomem(log, "the filters");
    return WN_OK;
}

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    return WN_OK;
}

/* How many of a frame's m rows stay. With several cuts each takes its part of what goes, counted
 * from the rows that the picture came with. */
struct stay {
    double keep;
    int32_t all, special, part, parts;
    bool cut;
};

static int32_t stay(int32_t m, const void *arg)
{
    const struct stay *s = arg;

    if (!s->cut)
        return wn_keep(s->keep, m);
    const int32_t patches = s->all - s->special, go = patches - wn_keep(s->keep, patches);

    return WN_MIN(m, s->special + patches - (int32_t)((int64_t)go * s->part / s->parts));
}

static int32_t special_of(const struct wn_layout *layout)
{
    int32_t n = 0;

    while (n < layout->n_rows && layout->pos[n][0] < 0)
        n++;
    return n;
}

static int build(void *priv, struct wn_build *b)
{
    const struct prune *f = priv;
    struct stay how = {.keep = f->keep, .parts = f->times, .part = f->times, .cut = b->cut};

    if (b->cut && b->in.n_frames > 0) {
        const struct wn_layout *layout = b->rows->frames[0].layout;
        const int32_t layer = (b->cut->point - 1) / 2;
        how.part = (layer - first_layer(f, f->depth)) / f->every + 1;
        how.all = layout->n_rows;
        how.special = special_of(layout);
    }
    /* At a cut the one layer that was read; CLS stays first in line. */
    const wn_buf score = wn_build_cls_score(b, b->cut ? b->rows->attn_layer[0] : -2,
                                            b->cut ? b->rows->attn_layer[0] + 1 : -1, true, 2);

    b->in.score = score;
    wn_build_select(b, &(struct wn_select){
        .key = score,
        .table = wn_build_table(b, stay, &how),
        .order = WN_RASTER,
    });
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct prune, keep, "rows of a frame that remain; a share below 1", 0.5),
    {"layer", "behind which rows go, from 0; -1: in the middle of the tower",
     offsetof(struct prune, layer), AV_OPT_TYPE_INT, {.i64 = -1}, -1, WN_MAX_LAYERS - 1, 0, NULL},
    {"times", "in how many steps", offsetof(struct prune, times), AV_OPT_TYPE_INT, {.i64 = 1}, 1,
     WN_MAX_LAYERS, 0, NULL},
    {"every", "layers from one step to the next", offsetof(struct prune, every), AV_OPT_TYPE_INT,
     {.i64 = 1}, 1, WN_MAX_LAYERS, 0, NULL},
    {"middle", "between the layer's attention and its MLP", offsetof(struct prune, middle),
     AV_OPT_TYPE_BOOL, {.i64 = 0}, 0, 1, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

static const struct wn_encoder_ops encoder_ops = {
    .cuts = cuts,
    .build = build,
};

const struct wn_filter wn_filter_prune = {
    .name = "prune",
    .brief = "drops the rows that get the least attention, in the middle of the encoder",
    .family = WN_ATTENTION,
    .places = WN_AT_ENCODER | WN_AT_TOKEN,
    .needs = WN_NEED_CLS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct prune),
    .token = &ops,
    .encoder = &encoder_ops,
};
