/* SPDX-License-Identifier: MIT */
/* Square windows of a frame's grid whose rows are alike become one row, their mean. Alike: the mean
 * of the cosines of all pairs, which is what the square of the sum of their unit rows tells. */
#include <stdlib.h>

#include "compress/build.h"
#include "compress/filters/options.h"

struct mustdrop {
    const AVClass *class;
    double threshold;
    int window, order;
};

/* The same number for the rows of a window; for rows outside of whole windows one of their own. */
static int32_t window_of(const struct wn_layout *layout, int32_t cell, void *arg)
{
    const int32_t w = *(const int *)arg;
    const int32_t y = layout->pos[cell][0] / w, x = layout->pos[cell][1] / w;
    const bool whole = layout->pos[cell][0] >= 0 && (y + 1) * w <= layout->grid_h &&
                       (x + 1) * w <= layout->grid_w;

    return whole ? layout->n_rows + y * layout->grid_w + x : cell;
}

static int32_t is_cls(const struct wn_layout *layout, int32_t cell, void *arg)
{
    return layout->pos[cell][0] < 0;
}

/* What the steps share. Windows stand one after the other, a frame's together. */
struct windows {
    wn_buf to;         /* [n] the first row of each row's window */
    wn_buf own;        /* [n] flags of those */
    wn_buf base, ptr;  /* windows: their first rows; where frames begin */
    wn_buf place;      /* [n] the window of each row */
    wn_buf count, score; /* of each window: rows, mean cosine */
};

static void find(struct wn_build *b, const struct mustdrop *f, struct windows *w)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    int32_t *self = wn_build_scratch(b, n_frames);
    int side = f->window;

    for (int32_t i = 0; self && i < n_frames; i++)
        self[i] = i;
    w->to = wn_plan_temp(b->plan, "to", n);
    w->own = wn_plan_temp(b->plan, "first", n);
    w->base = wn_plan_temp(b->plan, "windows", n);
    w->ptr = wn_plan_temp(b->plan, "windows ptr", (int64_t)n_frames + 1);
    if (self)
        WN_CALL(b, pair, (&(struct wn_pair_params){n, n_frames}),
                wn_build_lookup(b, window_of, &side), b->in.ptr,
                wn_build_ints(b, "self", self, n_frames), w->to);
    free(self);
    WN_CALL(b, own, (&(struct wn_own_params){n, n_frames}), w->to, b->in.ptr, w->own);
    WN_CALL(b, compact, (&(struct wn_compact_params){n, n_frames, 0}), w->own, w->own, b->in.ptr,
            b->in.ptr, w->base, w->ptr);
    const wn_buf before = wn_plan_temp(b->plan, "windows before", (int64_t)n + 1);
    WN_CALL(b, scan, (&(struct wn_scan_params){n, n_frames}), w->own, b->in.ptr, before);
    w->place = wn_plan_temp(b->plan, "window", n);
    WN_CALL(b, take, (&(struct wn_take_params){n, n_frames, 1}), before, w->to, b->in.ptr,
            w->place);
}

/* dot(sum of the unit rows, itself) of each window. */
static wn_buf squares(struct wn_build *b, struct windows *w)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames, dim = b->in.dim;
    const wn_buf unit = wn_plan_temp(b->plan, "unit rows", (int64_t)n * dim);
    const wn_buf sum = wn_plan_temp(b->plan, "sums", (int64_t)n * dim);
    const wn_buf w_ptr = wn_plan_temp(b->plan, "sums ptr", (int64_t)n + 1);
    const wn_buf w_idx = wn_plan_temp(b->plan, "sums idx", 2 * (int64_t)n);
    const wn_buf ones = wn_plan_temp(b->plan, "sums w", 2 * (int64_t)n);
    const wn_buf y = wn_plan_temp(b->plan, "squares", n);
    const struct wn_logits_params p = {
        .n_heads = n,
        .group = 1,
        .n_queries = 1,
        .q_stride = 1,
        .n_keys = 1,
        .k_stride = 1,
        .dim = dim,
        .scale = 1,
    };
    float *share = (float *)wn_build_scratch(b, 2 * ((int64_t)n + 1));

    for (int64_t i = 0; share && i < 2 * ((int64_t)n + 1); i++)
        share[i] = 1;
    w->count = wn_plan_temp(b->plan, "rows", n);
    WN_CALL(b, unit, (&(struct wn_unit_params){n, n_frames, dim}), b->in.data, b->in.ptr, unit);
    WN_CALL(b, member_count, (&(struct wn_member_count_params){n, n_frames}), b->in.ptr, w->to,
            w->ptr, w->base, w->count);
    WN_CALL(b, scan, (&(struct wn_scan_params){n, n_frames}), w->count, w->ptr, w_ptr);
    if (share)
        WN_CALL(b, member_fill, (&(struct wn_member_fill_params){n, n_frames}), b->in.ptr, w->to,
                w->ptr, w->base, w_ptr,
                wn_plan_owned(b->plan, "ones", share, 2 * ((int64_t)n + 1)), w_idx, ones);
    free(share);
    WN_CALL(b, combine, (&(struct wn_combine_params){n, n_frames, dim}), unit, w_ptr, w_idx, ones,
            w->ptr, sum);
    WN_CALL(b, logits, &p, sum, sum, y);
    return y;
}

/* Mean cosine of k rows whose sum has the square s: s / (k (k - 1)) - 1 / (k - 1); a window of one
 * row is never merged. */
static void score(struct wn_build *b, const struct mustdrop *f, struct windows *w)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames, most = wn_build_most(b);
    float *table = (float *)wn_build_scratch(b, 2 * ((int64_t)most + 1));
    const wn_buf square = squares(b, w), zeros = wn_build_zeros(b, n_frames);
    const wn_buf factor = wn_plan_temp(b->plan, "factor", n);
    const wn_buf offset = wn_plan_temp(b->plan, "offset", n);
    const wn_buf scaled = wn_plan_temp(b->plan, "scaled", n);
    const struct wn_lookup_params p = {n, n_frames};

    for (int32_t k = 0; table && k <= most; k++) {
        table[k] = k < 2 ? 0 : 1 / ((float)k * (float)(k - 1));
        table[most + 1 + k] = k < 2 ? -3 : -1 / (float)(k - 1);
    }
    w->score = wn_plan_temp(b->plan, "mean cosine", n);
    if (table) {
        WN_CALL(b, lookup, &p, w->count, w->ptr, zeros,
                wn_plan_owned(b->plan, "factors", table, most + 1), factor);
        WN_CALL(b, lookup, &p, w->count, w->ptr, zeros,
                wn_plan_owned(b->plan, "offsets", table + most + 1, most + 1), offset);
    }
    free(table);
    WN_CALL(b, blend, (&(struct wn_blend_params){.n = n, .d = 1}), square, factor, scaled);
    WN_CALL(b, blend, (&(struct wn_blend_params){.n = n, .a = 1, .b = 1}), scaled, offset,
            w->score);
}

static wn_buf of_rows(struct wn_build *b, const struct windows *w, wn_buf x)
{
    const wn_buf y = wn_plan_temp(b->plan, "of row", b->in.n);

    WN_CALL(b, take, (&(struct wn_take_params){b->in.n, b->in.n_frames, 1}), x, w->place, b->in.ptr,
            y);
    return y;
}

static wn_buf where(struct wn_build *b, wn_buf x, wn_buf flag, float value)
{
    const wn_buf y = wn_plan_temp(b->plan, "where", b->in.n);

    WN_CALL(b, where, (&(struct wn_where_params){b->in.n, b->in.n_frames, value}), x, flag,
            b->in.ptr, y);
    return y;
}

static wn_buf flip(struct wn_build *b, wn_buf flags)
{
    return wn_build_mix(b, flags, -1, flags, 0, 1, false);
}

static float mean(int32_t c, bool first)
{
    return 1 / ((float)c + 1);
}

/* Behind the first layer, as the paper has it. */
static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    return wn_cuts_add(cuts, (struct wn_cut){.point = 2}) ? wn_nomem(log, "the filters") : WN_OK;
}

static int build(void *priv, struct wn_build *b)
{
    const struct mustdrop *f = priv;
    const union { int32_t i; float f; } none = {WN_NONE}; /* `where` copies bits */
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    float *want = (float *)wn_build_scratch(b, n_frames);
    struct windows w;
    struct wn_list list = {.rank = WN_NONE, .mode = WN_NONE, .n_out = n};

    for (int32_t i = 0; want && i < n_frames; i++)
        want[i] = (float)f->threshold;
    find(b, f, &w);
    score(b, f, &w);
    const wn_buf alike = wn_plan_temp(b->plan, "alike", n);
    if (want)
        WN_CALL(b, over, (&(struct wn_over_params){n, n_frames, 1}), w.score,
                wn_plan_owned(b->plan, "threshold", want, n_frames), w.ptr, alike);
    free(want);
    const wn_buf merges = of_rows(b, &w, alike), rest = flip(b, merges);
    const wn_buf to = where(b, w.to, rest, none.f), first = wn_plan_temp(b->plan, "merged", n);
    WN_CALL(b, own, (&(struct wn_own_params){n, n_frames}), to, b->in.ptr, first);
    const wn_buf gone = wn_build_mix(b, merges, 1, first, -1, 0, false);
    list.keep = flip(b, gone);
    if (f->order == WN_PAPER) { /* CLS, merged rows, the others; what goes stands last */
        const wn_buf key = where(b, of_rows(b, &w, w.score), rest, -4);
        const wn_buf cls = where(b, key, wn_build_lookup(b, is_cls, NULL), 4);
        list.rank = wn_build_rank(b, where(b, cls, gone, -5));
        list.mode = wn_build_zeros(b, n_frames);
    }
    wn_build_merge(b, &list, to, mean);
    return WN_OK;
}

static const AVOption options[] = {
    {"threshold", "mean cosine from which a window becomes one row",
     offsetof(struct mustdrop, threshold), AV_OPT_TYPE_DOUBLE, {.dbl = 0.8}, -1, 2, 0, NULL},
    {"window", "patches on a side of a window", offsetof(struct mustdrop, window), AV_OPT_TYPE_INT,
     {.i64 = 3}, 2, 64, 0, NULL},
    WN_OPT_ORDER(struct mustdrop, order, "CLS, merged rows by likeness, the others"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

static const struct wn_encoder_ops encoder_ops = {
    .cuts = cuts,
    .build = build,
};

const struct wn_filter wn_filter_mustdrop_spatial = {
    .name = "mustdrop_spatial",
    .brief = "makes one row of each window of the grid whose rows are alike",
    .paper = "MustDrop, spatial merging (arXiv 2411.10803), liuting20/MustDrop @ 909afa5",
    .family = WN_SIMILARITY,
    .places = WN_AT_ENCODER | WN_AT_TOKEN,
    .options = options,
    .priv_size = sizeof(struct mustdrop),
    .token = &ops,
    .encoder = &encoder_ops,
};
