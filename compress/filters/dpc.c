/* SPDX-License-Identifier: MIT */
/* The rows of a frame in clusters by density peaks; a cluster becomes the mean of its rows. */
#include "compress/clusters.h"
#include "compress/filters/options.h"

struct dpc {
    const AVClass *class;
    double keep;
    int k, order;
};

static int build(void *priv, struct wn_build *b)
{
    const struct dpc *f = priv;
    struct wn_clusters c = {
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .dim = b->in.dim,
        .width = wn_build_most(b),
        .data = b->in.data,
        .ptr = b->in.ptr,
        .table = wn_build_keep_table(b, f->keep),
        .k = f->k,
    };

    wn_build_find_clusters(b, &c);
    struct wn_list list = {
        .keep = c.keep,
        .rank = f->order == WN_PAPER ? c.rank : WN_NONE,
        .mode = c.modes,
    };
    list.count = wn_build_counts(b, c.table, NULL, &list.n_out);
    b->in.score = c.score;
    wn_build_merge(b, &list, c.to, wn_share_mean);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct dpc, keep, "clusters of a frame, a share below 1", 0.5),
    {"k", "neighbours that make a row's density", offsetof(struct dpc, k), AV_OPT_TYPE_INT,
     {.i64 = 7}, 1, WN_DENSITY_MOST, 0, NULL},
    WN_OPT_ORDER(struct dpc, order, "the densest and most apart centers first"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_dpc = {
    .name = "dpc",
    .brief = "merges the rows of a frame in clusters around density peaks",
    .paper = "PruneVid, spatial merging (arXiv 2412.16117), Visual-AI/PruneVid @ b12600c",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct dpc),
    .token = &ops,
};
