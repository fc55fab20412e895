/* SPDX-License-Identifier: MIT */
/* The longest rows of a frame, the longest first; each takes in those that are much like it. With
 * compat=released a row whose like ones include one that went before is lost with all of them, as
 * in the authors' code. */
#include <float.h>
#include <math.h>

#include "compress/build.h"
#include "compress/filters/options.h"

struct dcode {
    const AVClass *class;
    double keep, threshold;
    int how, compat, order;
};

/* What lies just below x, for comparisons without denormals: a > below(x) is a >= x. */
static float below(float x)
{
    const float y = nextafterf(x, -INFINITY);

    return fabsf(x) < FLT_MIN ? -FLT_MIN : fabsf(y) < FLT_MIN ? 0 : y;
}

/* Bits of the rows of a frame whose cosines reach the threshold. */
static wn_buf alike(struct wn_build *b, float threshold, int32_t words)
{
    const struct wn_alike_params p = {
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .dim = b->in.dim,
        .words = words,
        .tau = below(threshold),
    };
    const wn_buf bits = wn_plan_temp(b->plan, "alike", (int64_t)p.n * words);

    WN_CALL(b, alike, &p, wn_build_unit(b, b->in.data, b->in.dim), b->in.ptr, bits);
    return bits;
}

static int build(void *priv, struct wn_build *b)
{
    const struct dcode *f = priv;
    const wn_buf norm = wn_plan_temp(b->plan, "length", b->in.n);
    int err;

    WN_CALL(b, length, (&(struct wn_length_params){b->in.n, b->in.n_frames, b->in.dim}),
            b->in.data, b->in.ptr, norm);
    b->in.score = norm;
    wn_build_select(b, &(struct wn_select){
        .key = norm,
        .table = wn_build_keep_table(b, f->keep),
        .order = WN_BY_RANK,
    });
    TRY(wn_build_next(b));
    const int32_t n = b->in.n;
    const wn_buf made = wn_plan_temp(b->plan, "made", (int64_t)n * b->in.dim);
    const struct wn_absorb_params p = {
        .n = n,
        .n_frames = b->in.n_frames,
        .dim = b->in.dim,
        .words = (wn_build_most(b) + 31) / 32,
        .how = f->how,
        .lose = f->compat == WN_RELEASED,
    };
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", n),
        .rank = WN_NONE,
        .n_out = n,
    };
    const wn_buf bits = alike(b, (float)f->threshold, p.words);
    WN_CALL(b, absorb, &p, b->in.data, bits, b->in.score, b->in.ptr,
            made, list.keep, wn_plan_temp(b->plan, "like rows", n));
    b->in.data = made;
    if (f->order == WN_SPATIAL) {
        list.rank = wn_build_rank(b, wn_build_mix(b, list.keep, 1 << 23, b->in.cell, -1, 0, true));
        list.mode = wn_build_zeros(b, b->in.n_frames);
    }
    wn_build_compact(b, &list);
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct dcode, keep, "rows that may stay, a share below 1", 288),
    {"threshold", "cosine from which rows are alike", offsetof(struct dcode, threshold),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.8}, -2, 2, 0, NULL},
    {"merge", "what alike rows become", offsetof(struct dcode, how), AV_OPT_TYPE_INT,
     {.i64 = WN_ABSORB_MEAN}, WN_ABSORB_MEAN, WN_ABSORB_WEIGHTED, 0, "merge"},
    {"mean", "their mean", 0, AV_OPT_TYPE_CONST, {.i64 = WN_ABSORB_MEAN}, 0, 0, 0, "merge"},
    {"max", "the largest of each element", 0, AV_OPT_TYPE_CONST, {.i64 = WN_ABSORB_LARGEST}, 0, 0,
     0, "merge"},
    {"weighted_mean", "their mean by length", 0, AV_OPT_TYPE_CONST, {.i64 = WN_ABSORB_WEIGHTED}, 0,
     0, 0, "merge"},
    WN_OPT_ORDER(struct dcode, order, "the longest first"),
    WN_OPT_COMPAT(struct dcode, compat),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_dcode = {
    .name = "dcode",
    .brief = "keeps the longest rows of a frame and merges those much like each other",
    .paper = "D-CoDe (arXiv 2510.08818), hukcc/D-CoDe @ e4436b5",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .scores = true,
    .not_linear = true,
    .options = options,
    .priv_size = sizeof(struct dcode),
    .token = &ops,
};
