/* SPDX-License-Identifier: MIT */
/* Rows of a frame one after the other, each the least like all that were taken before it. */
#include <math.h>

#include "compress/build.h"
#include "compress/filters/options.h"

struct divprune {
    const AVClass *class;
    double keep;
    int order;
};

/* The authors round a share, half to even. */
static int32_t stay(int32_t m, const void *arg)
{
    const double keep = *(const double *)arg;

    return keep < 1 ? (int32_t)nearbyint(keep * m) : wn_keep(keep, m);
}

static int build(void *priv, struct wn_build *b)
{
    const struct divprune *f = priv;
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf table = wn_build_table(b, stay, &f->keep);
    const wn_buf near = wn_plan_temp(b->plan, "near", n), rank = wn_plan_temp(b->plan, "step", n);
    struct wn_farthest_params p = {n, n_frames, 0, 0};
    const wn_buf like = wn_build_likeness(b, &p.width, &p.dim);

    WN_CALL(b, farthest, &p, like, b->in.ptr, table, near,
            wn_plan_temp(b->plan, "work", 3 * (int64_t)n), rank);
    wn_build_take_steps(b, rank, table, f->order);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct divprune, keep, "rows that stay, a share below 1", 0.098),
    WN_OPT_ORDER(struct divprune, order, "in the order in which they were taken"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_divprune = {
    .name = "divprune",
    .brief = "keeps the rows that differ most from each other",
    .paper = "DivPrune (arXiv 2503.02175), vbdi/divprune @ 799e2d9",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct divprune),
    .token = &ops,
};
