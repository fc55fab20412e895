/* SPDX-License-Identifier: MIT */
/* The rows of a frame in clusters by density peaks; each becomes the mean of its rows. This is what
 * SparseVLM does with the rows that it takes out. The authors add a little noise to the densities,
 * so that equal ones differ; without it the lower row is the denser one. */
#include <stdlib.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"

enum { NONE, LOT, SCORE };

struct sparsevlm {
    const AVClass *class;
    double keep;
    int k, noise, seed, order;
};

/* The authors' int(m / 10) + 1 for a share of a tenth. */
static int32_t stay(int32_t m, const void *arg)
{
    const double keep = *(const double *)arg;

    return keep < 1 ? WN_MIN(wn_keep(keep, m) + (keep > 0), m) : wn_keep(keep, m);
}

/* A number from 0 to 1 for every row. */
static wn_buf lots(struct wn_build *b, const struct sparsevlm *f, float *scale)
{
    const wn_buf lot = wn_plan_temp(b->plan, "lot", b->in.n);
    const struct wn_noise_params p = {b->in.n, b->in.n_frames, (uint32_t)f->seed};

    *scale = 1;
    if (f->noise == SCORE && b->in.score != WN_NONE)
        return b->in.score;
    *scale = f->noise == LOT ? 0x1p-24f : 0;
    WN_CALL(b, noise, &p, b->in.ptr, wn_build_frame_numbers(b), b->in.cell, lot);
    return lot;
}

static int build(void *priv, struct wn_build *b)
{
    const struct sparsevlm *f = priv;
    float scale = 0;
    const wn_buf lot = f->noise ? lots(b, f, &scale) : WN_NONE;
    struct wn_clusters c = {
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .dim = b->in.dim,
        .width = wn_build_most(b),
        .data = b->in.data,
        .ptr = b->in.ptr,
        .table = wn_build_table(b, stay, &f->keep),
        .k = f->k ? f->k : WN_DENSITY_MOST,
        .capped = !f->k,
        .noise = 1e-6f * scale,
        .lot = lot,
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
    WN_OPT_KEEP(struct sparsevlm, keep, "clusters of a frame; a share below 1, and then one more",
                0.1),
    {"k", "neighbours that make a row's density; 0: as many as clusters",
     offsetof(struct sparsevlm, k), AV_OPT_TYPE_INT, {.i64 = 0}, 0, WN_DENSITY_MOST, 0, NULL},
    {"noise", "what tells equal densities apart", offsetof(struct sparsevlm, noise),
     AV_OPT_TYPE_INT, {.i64 = NONE}, NONE, SCORE, 0, "noise"},
    {"none", "their order", 0, AV_OPT_TYPE_CONST, {.i64 = NONE}, 0, 0, 0, "noise"},
    {"lot", "a lot from seed, frame and cell", 0, AV_OPT_TYPE_CONST, {.i64 = LOT}, 0, 0, 0,
     "noise"},
    {"score", "the score of the filter before", 0, AV_OPT_TYPE_CONST, {.i64 = SCORE}, 0, 0, 0,
     "noise"},
    {"seed", "another seed, another lot", offsetof(struct sparsevlm, seed), AV_OPT_TYPE_INT,
     {.i64 = 0}, 0, INT32_MAX, 0, NULL},
    WN_OPT_ORDER(struct sparsevlm, order, "the densest and most apart centers first"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_sparsevlm_merge = {
    .name = "sparsevlm_merge",
    .brief = "merges the rows of a frame in a few clusters, one for every ten",
    .paper = "SparseVLM, token recycling (arXiv 2410.04417), Gumpest/SparseVLMs @ 26a5f48",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct sparsevlm),
    .token = &ops,
};
