/* SPDX-License-Identifier: MIT */
/* Each place of the grid has a bank of so many rows. A frame adds one to each; when there is one
 * too many, the two neighbours in time that are most alike become their mean, by how many frames
 * are in them. A row stands in the first of its frames. */
#include <stdlib.h>

#include "compress/clusters.h"

struct malmm {
    const AVClass *class;
    int length;
};

/* The row at the same place `step` frames on. */
static wn_buf neighbour(struct wn_build *b, int32_t step)
{
    const int32_t n = b->in.n, T = b->in.n_frames;
    const wn_buf mate = wn_plan_temp(b->plan, "neighbour", n);
    int32_t *ref = wn_build_scratch(b, T);

    for (int32_t t = 0; ref && t < T; t++)
        ref[t] = t + step >= 0 && t + step < T ? t + step : WN_NONE;
    if (ref)
        WN_CALL(b, pair, (&(struct wn_pair_params){n, T}), b->in.cell, b->in.ptr,
                wn_build_ints(b, "ref", ref, T), mate);
    free(ref);
    return mate;
}

static int build(void *priv, struct wn_build *b)
{
    const struct malmm *f = priv;
    const int32_t n = b->in.n, T = b->in.n_frames, dim = b->in.dim;
    const wn_buf to = wn_plan_temp(b->plan, "to", n), keep = wn_plan_temp(b->plan, "keep", n);

    if (T <= f->length)
        return WN_OK;
    WN_CALL(b, bank, (&(struct wn_bank_params){n, T, dim, f->length}), b->in.data, neighbour(b, -1),
            neighbour(b, 1), b->in.ptr, wn_plan_temp(b->plan, "sum", (int64_t)n * dim),
            wn_plan_temp(b->plan, "like", n), wn_plan_temp(b->plan, "after", n), to);
    WN_CALL(b, own, (&(struct wn_own_params){n, T}), to, b->in.ptr, keep);
    wn_build_merge(b, &(struct wn_list){
        .keep = keep,
        .rank = WN_NONE,
        .n_out = n,
        .across = true,
    }, to, wn_share_mean);
    return WN_OK;
}

static const AVOption options[] = {
    {"length", "rows that each place of the grid keeps", offsetof(struct malmm, length),
     AV_OPT_TYPE_INT, {.i64 = 10}, 1, 1 << 20, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_malmm = {
    .name = "malmm",
    .brief = "merges neighbouring frames place by place until each place has so many rows",
    .paper = "MA-LMM, memory bank (arXiv 2404.05726), boheumd/MA-LMM @ ffe9fa9",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID,
    .options = options,
    .priv_size = sizeof(struct malmm),
    .token = &ops,
};
