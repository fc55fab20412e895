/* SPDX-License-Identifier: MIT */
/* Dominant rows: CLS, where it has a row, and the patches it looks at most. Of the rest every
 * step-th is a target; every other one joins the target with the most similar keys. What comes out
 * is the target plus the mean of those who joined it (the authors' code; no mean over all). */
#include "compress/build.h"
#include "compress/filters/options.h"

struct visionzip {
    const AVClass *class;
    double keep, merge;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    wn_need_keys(needs, info);
    return WN_OK;
}

/* Of the rows that are not dominant every step-th, `merge` in all. */
static wn_buf pick_targets(struct wn_build *b, wn_buf dominant, double merge)
{
    const wn_buf rest = wn_build_mix(b, dominant, -1, dominant, 0, 1, false);
    const wn_buf target = wn_plan_temp(b->plan, "target", b->in.n);
    const struct wn_spread_params p = {
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .stepped = 1,
    };

    WN_CALL(b, spread, &p, b->in.ptr, wn_build_keep_table(b, merge), rest, target);
    return target;
}

/* The target that each remaining row joins. */
static wn_buf join(struct wn_build *b, wn_buf dominant, wn_buf target)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf list = wn_plan_temp(b->plan, "targets", n);
    const wn_buf list_ptr = wn_plan_temp(b->plan, "targets ptr", (int64_t)n_frames + 1);
    const wn_buf to = wn_plan_temp(b->plan, "to", n), value = wn_plan_temp(b->plan, "cosine", n);
    const wn_buf ask = wn_build_mix(b, dominant, -1, target, -1, 1, false);
    int32_t dim;
    const wn_buf keys = wn_build_keys(b, &dim), unit = wn_build_unit(b, keys, dim);

    WN_CALL(b, compact, (&(struct wn_compact_params){n, n_frames, 0}), target, target, b->in.ptr,
            b->in.ptr, list, list_ptr);
    WN_CALL(b, nearest, (&(struct wn_nearest_params){n, n_frames, dim}), unit, b->in.ptr, list,
            list_ptr, ask, to, value);
    return to;
}

static float share(int32_t c, bool first)
{
    return first ? 1.0f : 1.0f / (float)WN_MAX(c, 1);
}

static int32_t stay(int32_t m, const void *arg)
{
    const struct visionzip *f = arg;
    const int32_t dominant = wn_keep(f->keep, m);

    return dominant + wn_keep(f->merge, m - dominant);
}

static int build(void *priv, struct wn_build *b)
{
    const struct visionzip *f = priv;
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    struct wn_list list = {.rank = wn_plan_temp(b->plan, "order", n)};
    wn_buf rank;

    b->in.score = wn_build_cls_score(b, -2, -1, false, (float)b->rows->attn_heads);
    const wn_buf dominant = wn_build_cut(b, &(struct wn_select){
        .key = b->in.score,
        .table = wn_build_keep_table(b, f->keep),
    }, &rank, &list.mode);
    const wn_buf target = pick_targets(b, dominant, f->merge);
    const wn_buf to = join(b, dominant, target);
    /* Dominant rows, then targets, each in raster order. */
    const wn_buf class = wn_build_mix(b, dominant, 2, target, 1, 0, true);
    const struct wn_rank_params p = {
        .n = n,
        .n_segments = n_frames,
        .descending = 1,
    };
    WN_CALL(b, rank, &p, class, b->in.ptr, list.rank);
    list.keep = wn_build_mix(b, dominant, 1, target, 1, 0, false);
    list.count = wn_build_counts(b, wn_build_table(b, stay, f), NULL, &list.n_out);
    wn_build_merge(b, &list, to, share);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct visionzip, keep, "dominant rows, CLS among them; a share below 1", 54),
    {"merge", "contextual rows that the others join; a share of them below 1",
     offsetof(struct visionzip, merge), AV_OPT_TYPE_DOUBLE, {.dbl = 10}, 0, 1e9, 0, NULL},
    {"dominant", "the paper's word for keep", offsetof(struct visionzip, keep),
     AV_OPT_TYPE_DOUBLE, {.dbl = 54}, 0, 1e9, 0, NULL},
    {"contextual", "the paper's word for merge", offsetof(struct visionzip, merge),
     AV_OPT_TYPE_DOUBLE, {.dbl = 10}, 0, 1e9, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_visionzip = {
    .name = "visionzip",
    .brief = "keeps what CLS looks at and merges the rest into a few rows by their keys",
    .paper = "VisionZip (arXiv 2412.04467), dvlab-research/VisionZip @ 3151f6d",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_KEYS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct visionzip),
    .token = &ops,
};
