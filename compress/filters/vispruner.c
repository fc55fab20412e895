/* SPDX-License-Identifier: MIT */
/* The patches that the CLS token looks at most stay. Of the others, in order of attention, every
 * second one is compared with those between, and the eight that are most like one of these go;
 * again and again until as many are left as were asked for. The authors compare rows before the
 * projector, and their code stops at odd numbers, where ours goes on. */
#include "compress/filters/options.h"
#include "compress/products.h"

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

struct search {
    struct wn_thin_params thin;
    wn_buf rank, from, left, row, like, keep;
};

static void thin(struct wn_build *b, void *arg, const struct wn_products_part *part)
{
    struct search *s = arg;

    s->thin.n_segments = part->n_segments;
    WN_CALL(b, thin, &s->thin, part->s, s->rank, part->ptr, s->from, s->left, s->row, s->like,
            s->keep);
}

static int build(void *priv, struct wn_build *b)
{
    const struct vispruner *f = priv;
    struct wn_list list = {.rank = WN_NONE};
    int err;

    b->in.score = wn_build_cls_score(b, -2, -1, true, 0);
    TRY(wn_build_patches(b));
    const int32_t n = b->in.n;
    const struct wn_products p = WN_PRODUCTS(
        .x = b->in.data,
        .ptr = b->in.ptr,
        .n = n,
        .n_segments = b->in.n_frames,
        .dim = b->in.dim,
        .width = wn_build_most(b),
    );
    struct search s = {
        .thin = {n, 0, p.width, f->step, p.width - important(p.width, f)},
        .rank = wn_build_rank(b, b->in.score),
        .from = wn_build_table(b, important, f),
        .left = wn_build_table(b, diverse, f),
        .row = wn_plan_temp(b->plan, "list", n),
        .like = wn_plan_temp(b->plan, "likeness", 2 * (int64_t)n),
        .keep = wn_plan_temp(b->plan, "keep", n),
    };
    wn_build_parts(b, &p, thin, &s);
    list.keep = s.keep;
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
