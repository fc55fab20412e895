/* SPDX-License-Identifier: MIT */
/* Our own, after what is published of TokenCorrCompressor, whose code is not: how much a picture or
 * tile repeats itself decides how many of its rows stay, and what the CLS token looks at decides
 * which. A row repeats a pattern when its `k` nearest keys are alike: their mean cosine with its
 * own is `tau` or more. As many rows stay as repeat nothing, and one for all that do. */
#include <math.h>
#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/products.h"
#include "compress/tiles.h"

struct repeat_cls {
    const AVClass *class;
    double tau;
    int k;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    wn_need_keys(needs, info);
    return WN_OK;
}

/* Flags of rows that repeat nothing. */
static wn_buf unique(struct wn_build *b, const struct repeat_cls *f)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf rho = wn_plan_temp(b->plan, "likeness", n), far = wn_plan_temp(b->plan, "far", n);
    const wn_buf repeats = wn_plan_temp(b->plan, "repeats", n);
    float *limit = (float *)wn_build_scratch(b, n_frames);
    int32_t dim;
    const wn_buf keys = wn_build_keys(b, &dim);
    struct wn_products p = wn_products_of_unit(b, keys, dim);
    const wn_buf square = wn_build_squares(b, &p);

    /* Half a squared distance of unit rows is 1 - cosine; a row is the first of its own nearest. */
    for (int32_t i = 0; limit && i < n_frames; i++)
        limit[i] = (float)exp(-(1 - f->tau) * f->k / (f->k + 1));
    wn_build_products(b, &p);
    for (int32_t i = 0; i < p.n_strips; i++) {
        const struct wn_strip s = wn_build_strip(b, &p, i);
        const struct wn_density_params near = {
            .n = s.n,
            .n_segments = n_frames,
            .width = p.width,
            .skip = s.skip,
            .k = f->k + 1,
            .scale = 0.5f,
        };
        WN_CALL(b, density, &near, s.s, square, b->in.ptr, rho, far, b->in.ptr);
    }
    if (limit)
        WN_CALL(b, over, (&(struct wn_over_params){n, n_frames, 1}), rho,
                wn_build_floats(b, "limit", limit, n_frames), b->in.ptr, repeats);
    free(limit);
    return wn_build_mix(b, repeats, -1, repeats, 0, 1, false);
}

/* rank <= how many are flagged in the segment, as -2 rank + 1 >= -2 count. */
static wn_buf below(struct wn_build *b, wn_buf key, wn_buf flag, wn_buf ptr, int32_t segments)
{
    const int32_t n = b->in.n;
    const wn_buf rank = wn_plan_temp(b->plan, "rank", n), keep = wn_plan_temp(b->plan, "keep", n);
    const wn_buf count = wn_plan_temp(b->plan, "count", segments);
    float *ones = (float *)wn_build_scratch(b, (int64_t)n + 1);

    for (int32_t m = 0; ones && m <= n; m++)
        ones[m] = 1;
    WN_CALL(b, rank, (&(struct wn_rank_params){n, segments, 1}), key, ptr, rank);
    if (ones)
        WN_CALL(b, average, (&(struct wn_average_params){segments, 1}),
                wn_build_mix(b, flag, 1, flag, 0, 0, true), ptr,
                wn_build_floats(b, "ones", ones, (int64_t)n + 1), count);
    free(ones);
    WN_CALL(b, over, (&(struct wn_over_params){n, segments, -2}),
            wn_build_mix(b, rank, -2, rank, 0, 1, true), count, ptr, keep);
    return keep;
}

static int32_t is_newline(const struct wn_layout *layout, int32_t cell, void *arg)
{
    return layout->tile && layout->tile[cell] < 0;
}

static int build(void *priv, struct wn_build *b)
{
    const struct repeat_cls *f = priv;
    struct wn_list list = {.rank = WN_NONE, .n_out = b->in.n};
    struct wn_tiles t;

    b->in.score = wn_build_cls_score(b, -2, -1, true, -1);
    const wn_buf flag = unique(b, f);
    if (!wn_tiles_find(b, &t)) {
        list.keep = below(b, b->in.score, flag, b->in.ptr, b->in.n_frames);
        wn_build_compact(b, &list);
        return WN_OK;
    }
    const wn_buf keep = wn_tiles_back(b, &t, below(b, wn_tiles_take(b, &t, b->in.score),
                                                   wn_tiles_take(b, &t, flag), t.ptrs, t.n_parts));
    list.keep = wn_plan_temp(b->plan, "no newline", b->in.n);
    WN_CALL(b, where, (&(struct wn_where_params){b->in.n, b->in.n_frames, 0}), keep,
            wn_build_lookup(b, is_newline, NULL), b->in.ptr, list.keep);
    wn_build_compact(b, &list);
    wn_tiles_finish(&t);
    return WN_OK;
}

static const AVOption options[] = {
    {"tau", "mean cosine of keys from which a row repeats a pattern",
     offsetof(struct repeat_cls, tau), AV_OPT_TYPE_DOUBLE, {.dbl = 0.9}, -1, 2, 0, NULL},
    {"k", "nearest keys that a row is compared with", offsetof(struct repeat_cls, k),
     AV_OPT_TYPE_INT, {.i64 = 4}, 1, WN_DENSITY_MOST - 1, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_repeat_cls = {
    .name = "repeat_cls",
    .brief = "keeps as many rows as repeat no pattern, those that CLS looks at most",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_KEYS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct repeat_cls),
    .token = &ops,
};
