/* SPDX-License-Identifier: MIT */
/* Of frames in chunks the first stays whole, of the others the rows that differ from its row at the
 * same place. What is still too much goes from the ends of the chunks. */
#include <stdlib.h>

#include "compress/build.h"

struct longvu {
    const AVClass *class;
    int chunk, most;
    double threshold;
};

/* Cosines with the first frame of the chunk; -3 in that frame and where it has no such place. */
static wn_buf likeness(struct wn_build *b, int chunk)
{
    const int32_t T = b->in.n_frames;
    int32_t *ref = wn_build_scratch(b, T);
    wn_buf y = WN_NONE;

    for (int32_t t = 0; ref && t < T; t++)
        ref[t] = t % chunk ? t - t % chunk : WN_NONE;
    if (ref)
        y = wn_build_pair_cos(b, ref, 0, 1, -3);
    free(ref);
    return y;
}

static wn_buf same(struct wn_build *b, wn_buf cosine, double threshold)
{
    const int32_t T = b->in.n_frames;
    const wn_buf flag = wn_plan_temp(b->plan, "same", b->in.n);
    float *t = (float *)wn_build_scratch(b, T);

    for (int32_t f = 0; t && f < T; f++)
        t[f] = (float)threshold;
    if (t)
        WN_CALL(b, over, (&(struct wn_over_params){b->in.n, T, 1}), cosine,
                wn_plan_owned(b->plan, "threshold", t, T), b->in.ptr, flag);
    free(t);
    return flag;
}

/* Where chunks of frames begin. */
static wn_buf chunks(struct wn_build *b, int chunk, int32_t *n)
{
    const int32_t T = b->in.n_frames, size = (T + chunk - 1) / chunk + 1;
    const wn_buf ptr = wn_plan_temp(b->plan, "chunks", size);
    int32_t *at = wn_build_scratch(b, size);

    *n = size - 1;
    for (int32_t i = 0; at && i < size; i++)
        at[i] = WN_MIN(i * chunk, T);
    if (at)
        WN_CALL(b, take, (&(struct wn_take_params){.n = size, .n_frames = 0, .width = 1}),
                b->in.ptr, wn_build_ints(b, "frames", at, size),
                wn_build_ints(b, "n", &size, 1), ptr);
    free(at);
    return ptr;
}

static int build(void *priv, struct wn_build *b)
{
    const struct longvu *f = priv;
    const wn_buf drop = same(b, likeness(b, f->chunk), f->threshold);
    struct wn_list list = {
        .keep = wn_build_mix(b, drop, -1, drop, 0, 1, false),
        .rank = WN_NONE,
        .n_out = b->in.n,
    };
    int err, n;

    wn_build_compact(b, &list);
    if (f->most > 0) {
        TRY(wn_build_next(b));
        const wn_buf ptr = chunks(b, f->chunk, &n);
        list.keep = wn_plan_temp(b->plan, "fits", b->in.n);
        WN_CALL(b, trim, (&(struct wn_trim_params){b->in.n, n, f->most}), ptr, list.keep);
        list.n_out = WN_MIN(b->in.n, f->most);
        wn_build_compact(b, &list);
    }
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    {"threshold", "cosine from which a row counts as the same", offsetof(struct longvu, threshold),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.7}, -2, 2, 0, NULL},
    {"chunk", "frames that are compared with the first of them", offsetof(struct longvu, chunk),
     AV_OPT_TYPE_INT, {.i64 = 8}, 1, 1 << 20, 0, NULL},
    {"most", "rows of a segment that stay; 0: all", offsetof(struct longvu, most), AV_OPT_TYPE_INT,
     {.i64 = 0}, 0, 1 << 30, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_longvu = {
    .name = "longvu",
    .brief = "drops rows that repeat the same place of the first of eight frames",
    .paper = "LongVU, spatial token compression (arXiv 2410.17434), Vision-CAIR/LongVU @ 1b0be5c",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID,
    .options = options,
    .priv_size = sizeof(struct longvu),
    .token = &ops,
};
