/* SPDX-License-Identifier: MIT */
/* The patches that the CLS token looks at most stay. Of the others, in order of attention, every
 * second one is compared with those between, and the eight that are most like one of these go;
 * again and again until as many are left as were asked for. The authors compare rows before the
 * projector, and their code stops at odd numbers, where ours goes on. */
#include "compress/build.h"
#include "compress/filters/options.h"

struct vispruner {
    const AVClass *class;
    double keep, important;
    int step;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    return WN_OK;
}

static int32_t important(int32_t m, const void *arg)
{
    const struct vispruner *f = arg;

    return (int32_t)(wn_keep(f->keep, m) * f->important);
}

static int32_t diverse(int32_t m, const void *arg)
{
    return wn_keep(((const struct vispruner *)arg)->keep, m) - important(m, arg);
}

static int build(void *priv, struct wn_build *b)
{
    const struct vispruner *f = priv;
    struct wn_list list = {.rank = WN_NONE};
    int err;

    b->in.score = wn_build_cls_score(b, -2, -1, true, 0);
    TRY(wn_build_patches(b));
    const int32_t n = b->in.n;
    const int32_t n_frames = b->in.n_frames, dim = b->in.dim, width = wn_build_most(b);
    const wn_buf rank = wn_build_rank(b, b->in.score);
    const wn_buf products = wn_plan_temp(b->plan, "products", (int64_t)n * width);
    const struct wn_thin_params p = {
        .n = n,
        .n_segments = n_frames,
        .width = width,
        .step = f->step,
        .most = width - important(width, f),
    };

    WN_CALL(b, gram, (&(struct wn_gram_params){n, n_frames, dim, width}), b->in.data, b->in.ptr,
            products);
    list.keep = wn_plan_temp(b->plan, "keep", n);
    WN_CALL(b, thin, &p, products, rank, b->in.ptr, wn_build_table(b, important, f),
            wn_build_table(b, diverse, f), wn_plan_temp(b->plan, "list", n),
            wn_plan_temp(b->plan, "likeness", 2 * (int64_t)n), list.keep);
    list.count = wn_build_counts(b, wn_build_keep_table(b, f->keep), NULL, &list.n_out);
    wn_build_compact(b, &list);
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct vispruner, keep, "patches that stay, a share below 1", 64),
    {"important", "share of these that attention alone chooses",
     offsetof(struct vispruner, important), AV_OPT_TYPE_DOUBLE, {.dbl = 0.5}, 0, 1, 0, NULL},
    {"step", "rows that go at a time", offsetof(struct vispruner, step), AV_OPT_TYPE_INT,
     {.i64 = 8}, 1, 65536, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_vispruner = {
    .name = "vispruner",
    .brief = "keeps what CLS looks at, and of the rest what is least like the others",
    .paper = "VisPruner (arXiv 2412.01818), Theia-4869/VisPruner @ aefa01a",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct vispruner),
    .token = &ops,
};
