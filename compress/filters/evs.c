/* SPDX-License-Identifier: MIT */
/* Over the whole segment the rows stay that differ most from the same place of the frame before.
 * The first frame, and rows without a counterpart, stay first. */
#include <stdlib.h>

#include "compress/build.h"
#include "compress/filters/options.h"

#define NO_COUNTERPART 255 /* the authors' value */

struct evs {
    const AVClass *class;
    double keep, q;
};

struct rule {
    const struct evs *f;
    int32_t least; /* the first frame stays whole */
};

/* float64 and truncation, as the authors' code has it. */
static int32_t stay(int32_t m, const void *arg)
{
    const struct rule *rule = arg;
    const struct evs *f = rule->f;
    const int32_t k = f->q >= 0 ? (int32_t)(m * (1 - f->q)) : wn_keep(f->keep, m);

    return WN_MIN(WN_MAX(k, rule->least), m);
}

static int build(void *priv, struct wn_build *b)
{
    const struct rule rule = {
        .f = priv,
        .least = b->in.count && b->in.n_frames ? b->in.count[0] : 0,
    };
    int32_t *ref = wn_build_scratch(b, b->in.n_frames);

    if (!ref)
        return WN_OK;
    for (int32_t t = 0; t < b->in.n_frames; t++)
        ref[t] = t - 1; /* WN_NONE for the first */
    b->in.score = wn_build_pair_cos(b, ref, 1, -1, NO_COUNTERPART);
    wn_build_select(b, &(struct wn_select){
        .key = b->in.score,
        .table = wn_build_table(b, stay, &rule),
        .global = true,
    });
    free(ref);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct evs, keep, "rows of the segment that stay, a share below 1", 0.3),
    {"q", "the paper's word: share that goes; -1: what `keep` says", offsetof(struct evs, q),
     AV_OPT_TYPE_DOUBLE, {.dbl = -1}, -1, 1, 0, NULL},
    {"rate", "the same as q, as vLLM calls it", offsetof(struct evs, q), AV_OPT_TYPE_DOUBLE,
     {.dbl = -1}, -1, 1, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_evs = {
    .name = "evs",
    .brief = "keeps the rows that differ most from the frame before, over the whole segment",
    .paper = "Efficient Video Sampling (arXiv 2510.14624), vllm-project/vllm @ 926c71f",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct evs),
    .token = &ops,
};
