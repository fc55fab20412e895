/* SPDX-License-Identifier: MIT */
/* Token merging: bipartite soft matching by keys, and a mean by size of what joins. A matching can
 * halve a frame at most; here several follow each other until `keep` is met. Between the layers of
 * an encoder each layer takes its part. */
#include "compress/match.h"

#include <stdlib.h>

#include "compress/filters/options.h"

struct tome {
    const AVClass *class;
    double keep, inflect;
    int r, every, proportional, order, compat;
    int32_t depth, layers; /* of the encoder, for build() between its layers */
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_keys(needs, info);
    return WN_OK;
}

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    struct tome *f = priv;

    f->depth = info->depth;
    f->layers = info->n_layers;
    cuts->proportional = f->proportional;
    for (int32_t l = 0; l < info->depth; l++) {
        if (wn_cuts_add(cuts, (struct wn_cut){.point = 2 * l + 1, .taps = WN_TAP_KEYS}))
            return wn_nomem(log, "the filters");
    }
    return WN_OK;
}

/* What shall remain of a frame with `rows` rows. */
static int32_t aim(const struct tome *f, const struct wn_build *b, int32_t frame, int32_t rows)
{
    const struct wn_layout *layout = b->rows->frames[frame].layout;

    if (!b->cut)
        return f->r ? rows - f->r : wn_keep(f->keep, rows);
    const int32_t layer = b->cut->point / 2, special = wn_count_special(layout);
    const int32_t patches = layout->n_rows - special;
    const int64_t go = patches - wn_keep(f->keep, patches);
    if (f->r)
        return rows - wn_match_schedule(f->r, f->inflect, layer, f->layers);
    return special + patches - (int32_t)(go * (layer + 1) / WN_MAX(f->depth, 1));
}

/* Counts that a frame may have, and what shall remain of them. */
static int32_t counts(const struct tome *f, const struct wn_build *b, int32_t *start, int32_t *want)
{
    const int32_t n = b->in.count ? b->in.n_frames : b->in.n + 1;

    for (int32_t i = 0; i < n; i++) {
        start[i] = b->in.count ? b->in.count[i] : i;
        want[i] = aim(f, b, b->in.count ? i : 0, start[i]);
    }
    return n;
}

/* One matching; *metric (f32 [in.n][dim]) becomes that of the rows that are left. */
static void merge_once(struct wn_build *b, const struct tome *f, const int32_t *stay,
                       wn_buf *metric, int32_t dim)
{
    struct wn_match m = {
        .unit = wn_build_unit(b, *metric, dim),
        .dim = dim,
        .every = f->every,
        .stay = stay,
        .paper = f->order == WN_PAPER,
    };
    const bool own = *metric == b->in.data;

    m.special = wn_build_special(b, &m.n_special);
    m.by_value = f->compat == WN_RELEASED && m.special == WN_NONE;
    wn_build_match(b, &m);
    wn_build_merge_sized(b, &m.list, m.to);
    *metric = own ? b->out.data : wn_build_combine(b, *metric, dim);
}

static int build(void *priv, struct wn_build *b)
{
    const struct tome *f = priv;
    const int32_t most = WN_MAX(b->in.n, b->in.n_frames) + 1;
    int32_t *list = wn_build_scratch(b, 3 * (int64_t)most), dim, err = WN_OK;
    wn_buf metric = wn_build_keys(b, &dim);
    struct wn_rounds rounds = {
        .now = list,
        .aim = list + most,
        .stay = list + 2 * (int64_t)most,
        .every = f->every,
        .most = b->in.n,
    };

    if (!list)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < b->in.n_frames; i++)
        rounds.special = WN_MAX(rounds.special, wn_count_special(b->rows->frames[i].layout));
    rounds.n = counts(f, b, list, list + most);
    for (int i = 0; wn_rounds_next(&rounds) && !(i && f->r); i++) {
        if (i)
            TRY(wn_build_next(b));
        merge_once(b, f, rounds.stay, &metric, dim);
    }
fail:
    free(list);
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct tome, keep, "rows of a frame that remain; a share below 1", 0.5),
    {"r", "the paper's word: so many rows join others, between layers in each; 0: `keep` tells",
     offsetof(struct tome, r), AV_OPT_TYPE_INT, {.i64 = 0}, 0, 1 << 24, 0, NULL},
    {"inflect", "between layers: -1 more in the first ones, 1 in the last ones",
     offsetof(struct tome, inflect), AV_OPT_TYPE_DOUBLE, {.dbl = 0}, -1, 1, 0, NULL},
    {"every", "the last of so many rows is one that others join", offsetof(struct tome, every),
     AV_OPT_TYPE_INT, {.i64 = 2}, 2, 1 << 16, 0, NULL},
    {"proportional", "between layers: attention counts a row as often as it has patches",
     offsetof(struct tome, proportional), AV_OPT_TYPE_BOOL, {.i64 = 1}, 0, 1, 0, NULL},
    WN_OPT_ORDER(struct tome, order, "rows that could have joined others, then the others"),
    WN_OPT_COMPAT(struct tome, compat),
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

const struct wn_filter wn_filter_tome = {
    .name = "tome",
    .brief = "merges the most similar rows of a frame two by two",
    .paper = "ToMe (arXiv 2210.09461), facebookresearch/ToMe @ af95e4b",
    .family = WN_SIMILARITY,
    .places = WN_AT_ENCODER | WN_AT_TOKEN,
    .needs = WN_NEED_KEYS,
    .options = options,
    .priv_size = sizeof(struct tome),
    .token = &ops,
    .encoder = &encoder_ops,
};
