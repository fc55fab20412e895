/* SPDX-License-Identifier: MIT */
/* The rows of a frame whose similarity matrix, weighed by relevance, has the largest determinant,
 * searched greedily (a determinantal point process). Relevance is the score that the filter before
 * left, stretched to 0 .. 1 over the segment; without one all rows are alike relevant. The authors
 * take what a text tower says of each patch and the question: minus the mean cosine over the parts
 * of the text. A caller hands such numbers in: `scores=file=NAME,cdpruner=relevance=score`, or with
 * on_scores of struct wn_source_params. */
#include "compress/build.h"
#include "compress/filters/options.h"

enum { NONE, SCORE };

struct cdpruner {
    const AVClass *class;
    double keep;
    int relevance, order;
};

static int32_t stay(int32_t m, const void *arg)
{
    return wn_keep(*(const double *)arg, m);
}

/* How many steps the longest search takes. */
static int32_t most_steps(const struct wn_build *b, double keep)
{
    return stay(wn_build_most(b), &keep);
}

static wn_buf relevance(struct wn_build *b, bool by_score)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf r = wn_plan_temp(b->plan, "relevance", n);
    const struct wn_stretch_params p = {
        .n = n,
        .n_frames = n_frames,
        .offset = 1e-6f, /* the authors' */
    };

    if (!by_score || b->in.score == WN_NONE)
        return wn_build_mix(b, b->in.cell, 0, b->in.cell, 0, 1, true);
    WN_CALL(b, stretch, &p, b->in.score, b->in.ptr, r);
    return r;
}

static int build(void *priv, struct wn_build *b)
{
    const struct cdpruner *f = priv;
    const int32_t n = b->in.n;
    const wn_buf table = wn_build_keep_table(b, f->keep);
    struct wn_dpp_params p = {
        .n = n,
        .n_segments = b->in.n_frames,
        .most = most_steps(b, f->keep),
    };
    const wn_buf like = wn_build_likeness(b, &p.width, &p.dim);
    const wn_buf c = wn_plan_temp(b->plan, "steps", (int64_t)n * p.most);
    const wn_buf d = wn_plan_temp(b->plan, "rest", n), rank = wn_plan_temp(b->plan, "step", n);

    WN_CALL(b, dpp, &p, like, relevance(b, f->relevance == SCORE), b->in.ptr, table, c, d,
            wn_plan_temp(b->plan, "work", 3 * (int64_t)n), rank);
    wn_build_take_steps(b, rank, table, f->order);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct cdpruner, keep, "rows that stay, a share below 1", 64),
    {"relevance", "what weighs rows besides their differences",
     offsetof(struct cdpruner, relevance), AV_OPT_TYPE_INT, {.i64 = NONE}, NONE, SCORE, 0,
     "relevance"},
    {"none", "nothing", 0, AV_OPT_TYPE_CONST, {.i64 = NONE}, 0, 0, 0, "relevance"},
    {"score", "the score of the filter before", 0, AV_OPT_TYPE_CONST, {.i64 = SCORE}, 0, 0, 0,
     "relevance"},
    WN_OPT_ORDER(struct cdpruner, order, "in the order in which they were taken"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_cdpruner = {
    .name = "cdpruner",
    .brief = "keeps rows that differ from each other, weighed by the score they have",
    .paper = "CDPruner (arXiv 2506.10967), Theia-4869/CDPruner @ 9541616",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct cdpruner),
    .token = &ops,
};
