/* SPDX-License-Identifier: MIT */
/* Frames that look alike make a window. A place that hardly changes in a window becomes one row, in
 * its first frame; then these rows, and what is left of each frame, are merged in clusters around
 * density peaks, where they are more than a few. All of it runs on the device. */
#include <stdlib.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"

#define FEW 14 /* the authors' */

struct prunevid {
    const AVClass *class;
    double segments, tau, keep;
    int k, order;
};

static int32_t stay(int32_t m, const void *arg)
{
    const struct prunevid *f = arg;

    return m > FEW ? WN_MAX(1, wn_keep(f->keep, m)) : m;
}

/* One frame at least is a center, so that each has a label. */
static int32_t centers(int32_t m, const void *arg)
{
    return WN_MAX(1, WN_MIN(m, wn_keep(*(const double *)arg, m)));
}

/* start[t]: the first frame of t's window. */
static wn_buf windows(struct wn_build *b, const struct prunevid *f)
{
    const int32_t T = b->in.n_frames, all[2] = {0, T};
    const wn_buf longest = wn_plan_temp(b->plan, "longest", T);
    const wn_buf now = wn_plan_temp(b->plan, "label", T), start = wn_plan_temp(b->plan, "start", T);
    const int32_t n = centers(T, &f->segments);
    int32_t *table = wn_build_scratch(b, (int64_t)T + 1);

    if (!table)
        return WN_NONE;
    table[T] = n;
    struct wn_clusters c = {
        .n = T,
        .n_segments = 1,
        .dim = b->in.dim,
        .width = T,
        .data = wn_build_frame_means(b),
        .ptr = wn_build_ints(b, "frames", all, 2),
        .table = wn_build_ints(b, "table", table, (int64_t)T + 1),
        .k = f->k,
    };
    free(table);
    wn_build_find_clusters(b, &c);
    WN_CALL(b, windows, (&(struct wn_windows_params){T}), c.to, longest, now, start);
    return start;
}

/* Rows of a window's first frame that stay the same in all of it: flags. *mate: the row of the
 * window's first frame with the same place. */
static wn_buf still(struct wn_build *b, const struct prunevid *f, wn_buf start, wn_buf *mate)
{
    const int32_t n = b->in.n, T = b->in.n_frames, dim = b->in.dim;
    const wn_buf next = wn_plan_temp(b->plan, "next", n), flag = wn_plan_temp(b->plan, "still", n);
    const wn_buf unit = wn_plan_temp(b->plan, "unit rows", (int64_t)n * dim);
    int32_t *ref = wn_build_scratch(b, T);

    for (int32_t t = 0; ref && t < T; t++)
        ref[t] = t + 1 < T ? t + 1 : WN_NONE;
    if (ref)
        WN_CALL(b, pair, (&(struct wn_pair_params){n, T}), b->in.cell, b->in.ptr,
                wn_build_ints(b, "ref", ref, T), next);
    free(ref);
    *mate = wn_plan_temp(b->plan, "mate", n);
    WN_CALL(b, pair, (&(struct wn_pair_params){n, T}), b->in.cell, b->in.ptr, start, *mate);
    WN_CALL(b, unit, (&(struct wn_unit_params){n, T, dim}), b->in.data, b->in.ptr, unit);
    WN_CALL(b, steady, (&(struct wn_steady_params){n, T, dim, (float)f->tau}), unit, next, *mate,
            start, b->in.ptr, flag);
    return flag;
}

/* First stage. Gives where the parts of each frame begin: rows that stand for a window, others. */
static wn_buf merge_windows(struct wn_build *b, const struct prunevid *f)
{
    const int32_t n = b->in.n, T = b->in.n_frames;
    wn_buf mate;
    const wn_buf flag = still(b, f, windows(b, f), &mate);
    const wn_buf to = wn_plan_temp(b->plan, "to", n), keep = wn_plan_temp(b->plan, "keep", n);
    const wn_buf list = wn_plan_temp(b->plan, "still rows", n);
    const wn_buf first = wn_plan_temp(b->plan, "still ptr", (int64_t)T + 1);
    const wn_buf parts = wn_plan_temp(b->plan, "parts", 2 * (int64_t)T + 1);

    WN_CALL(b, follow, (&(struct wn_follow_params){n, T}), mate, flag, b->in.ptr, to);
    WN_CALL(b, own, (&(struct wn_own_params){n, T}), to, b->in.ptr, keep);
    WN_CALL(b, compact, (&(struct wn_compact_params){n, T, 0}), flag, flag, b->in.ptr, b->in.ptr,
            list, first);
    wn_build_merge(b, &(struct wn_list){
        .keep = keep,
        .rank = wn_build_rank(b, wn_build_mix(b, keep, 1, flag, 1, 0, true)),
        .mode = wn_build_zeros(b, T),
        .n_out = n,
        .across = true,
    }, to, wn_share_mean);
    WN_CALL(b, split, (&(struct wn_split_params){T}), b->out.ptr, first, parts);
    return parts;
}

static int build(void *priv, struct wn_build *b)
{
    const struct prunevid *f = priv;
    const wn_buf parts = merge_windows(b, f);
    int err;

    TRY(wn_build_next(b));
    struct wn_clusters c = {
        .n = b->in.n,
        .n_segments = 2 * b->in.n_frames,
        .dim = b->in.dim,
        .width = wn_build_most(b),
        .data = b->in.data,
        .ptr = parts,
        .table = wn_build_table(b, stay, f),
        .k = f->k,
        .few = FEW,
    };
    wn_build_find_clusters(b, &c);
    struct wn_list list = {
        .keep = c.keep,
        .rank = c.rank,
        .mode = c.modes,
        .n_out = b->in.n,
        .parts = 2,
        .ptr = parts,
    };
    if (f->order == WN_SPATIAL) {
        list.parts = 0;
        list.rank = wn_build_rank(b, wn_build_mix(b, c.keep, 1 << 23, b->in.cell, -1, 0, true));
        list.mode = wn_build_zeros(b, b->in.n_frames);
    }
    wn_build_merge(b, &list, c.to, wn_share_mean);
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct prunevid, keep, "clusters of more than 14 rows, a share below 1", 0.5),
    {"segments", "clusters of frames that windows come from, a share below 1",
     offsetof(struct prunevid, segments), AV_OPT_TYPE_DOUBLE, {.dbl = 0.25}, 0, 1e9, 0, NULL},
    {"tau", "mean cosine above which a place is one row in a window",
     offsetof(struct prunevid, tau),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.8}, -1, 2, 0, NULL},
    {"k", "neighbours that make a density", offsetof(struct prunevid, k), AV_OPT_TYPE_INT,
     {.i64 = 7}, 1, WN_DENSITY_MOST, 0, NULL},
    WN_OPT_ORDER(struct prunevid, order, "rows of the window first, best centers first"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_prunevid = {
    .name = "prunevid",
    .brief = "merges places that stay the same while frames look alike, then rows in clusters",
    .paper = "PruneVid (arXiv 2412.16117), Visual-AI/PruneVid @ b12600c",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID,
    .options = options,
    .priv_size = sizeof(struct prunevid),
    .token = &ops,
};
