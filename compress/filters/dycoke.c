/* SPDX-License-Identifier: MIT */
/* Frames are compared in pairs (0, 1), (2, 3) ..., then (0, 2), (4, 6) ...: of the second one stay
 * the rows which differ most from the same place of the first. Rows without a counterpart differ
 * most. "Merging" is the paper's word: nothing is averaged. */
#include <stdlib.h>

#include "compress/build.h"
#include "compress/filters/options.h"

struct dycoke {
    const AVClass *class;
    double keep, ratio;
    int order, compat;
};

/* float64 and truncation, as the authors' code has it. */
static int32_t stay(int32_t m, const void *arg)
{
    const struct dycoke *f = arg;

    return f->ratio >= 0 ? (int32_t)((1 - f->ratio) * m) : wn_keep(f->keep, m);
}

/* Frame t is compared with ref[t]; mode: 0 pruned, 1 whole, -1 gone. */
static void schedule(int32_t n_frames, bool released, int32_t *ref, int32_t *mode)
{
    for (int32_t t = 0; t < n_frames; t++) {
        ref[t] = WN_NONE;
        mode[t] = 1;
        if (t % 2 == 1) /* first pass */
            ref[t] = t - 1;
        else if (t % 4 == 2 && t - 2 < n_frames - 4) /* second: the last four are left out */
            ref[t] = t - 2;
        if (ref[t] != WN_NONE)
            mode[t] = 0;
    }
    if (released && n_frames % 2)
        mode[n_frames - 1] = -1;
}

static int build(void *priv, struct wn_build *b)
{
    const struct dycoke *f = priv;
    const int32_t n = b->in.n_frames;

    if (n < 5) /* the authors' code has no second pass then, and stops */
        return WN_OK;
    int32_t *ref = wn_build_scratch(b, n), *mode = wn_build_scratch(b, n);

    if (ref && mode) {
        schedule(n, f->compat == WN_RELEASED, ref, mode);
        wn_build_select(b, &(struct wn_select){
            .key = wn_build_pair_cos(b, ref, 0, 1, -2),
            .ascending = true,
            .table = wn_build_table(b, stay, f),
            .mode = mode,
            .order = f->order == WN_PAPER ? WN_BY_RANK : WN_RASTER,
        });
    }
    free(ref);
    free(mode);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct dycoke, keep, "rows that stay of a pruned frame, a share below 1", 0.3),
    {"ratio", "the paper's word: share of a pruned frame that goes; -1: what `keep` says",
     offsetof(struct dycoke, ratio), AV_OPT_TYPE_DOUBLE, {.dbl = -1}, -1, 1, 0, NULL},
    WN_OPT_ORDER(struct dycoke, order, "least similar first in a pruned frame"),
    WN_OPT_COMPAT(struct dycoke, compat),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_dycoke = {
    .name = "dycoke",
    .brief = "drops rows that repeat the same place of an earlier frame, by pairs of frames",
    .paper = "DyCoke, temporal token merging (arXiv 2411.15024), KD-TAO/DyCoke @ dd74634",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID,
    .options = options,
    .priv_size = sizeof(struct dycoke),
    .token = &ops,
};
