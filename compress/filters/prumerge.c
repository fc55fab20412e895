/* SPDX-License-Identifier: MIT */
/* Rows whose attention stands out (above the third quartile by one and a half times the range
 * between the quartiles) stay; each takes in the rows whose keys are most like its own, weighed by
 * their attention, and what does not stay becomes one last row, weighed alike. With `plus` rows at
 * even places stay too.
 *
 * Attention is of the CLS token, in the last layer that the encoder gives, all heads as one: the
 * mean of the heads' logits times the root of how many they are, then the softmax. Without a CLS
 * token attention received stands in, without keys the rows themselves. The authors weigh rows
 * before the projector, we behind it; and their k = int(N * (c / N)) loses a row at some N. */
#include <math.h>
#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/products.h"

struct prumerge {
    const AVClass *class;
    double keep;
    int plus, k, order;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    const int32_t read = WN_MIN(info->n_read, info->n_layers);
    const int32_t last = WN_MIN(WN_MAX(read, 1), WN_MAX_LAYERS) - 1;

    needs->keys[last] = true;
    if (info->has_cls)
        needs->logits = true;
    else
        wn_need_cls(needs, info, -1, info->n_layers);
    return WN_OK;
}

static wn_buf flip(struct wn_build *b, wn_buf flags)
{
    return wn_build_mix(b, flags, -1, flags, 0, 1, false);
}

/* A row's share of the attention in its frame. */
static wn_buf attention(struct wn_build *b)
{
    const struct wn_rows *r = b->rows;
    const int32_t heads = r->keys ? r->keys_heads : WN_MAX(r->attn_heads, 1);

    if (b->in.logits == WN_NONE)
        return wn_build_cls_score(b, -1, r->encoder_layers, true, 0);
    const wn_buf a = wn_plan_temp(b->plan, "attention", b->in.n);
    const struct wn_shares_params p = {b->in.n, b->in.n_frames, sqrtf((float)heads)};

    WN_CALL(b, shares, &p, b->in.logits, b->in.ptr, a);
    return a;
}

/* Cosines of keys, the heads side by side. */
static struct wn_products likeness(struct wn_build *b)
{
    const struct wn_rows *r = b->rows;
    const int32_t n = b->in.n, dim = r->keys_heads * r->keys_dim;

    if (b->in.keys == WN_NONE)
        return wn_products_of_unit(b, b->in.data, b->in.dim);
    const wn_buf keys = wn_plan_temp(b->plan, "last keys", (int64_t)n * dim);
    const struct wn_reduce_params p = {
        .n = n,
        .width = r->keys_layers * dim,
        .offset = (r->keys_layers - 1) * dim,
        .n_c = dim,
        .step_c = 1,
        .n_a = 1,
        .n_b = 1,
        .scale = 1,
    };

    WN_CALL(b, reduce, &p, b->in.keys, keys);
    return wn_products_of_unit(b, keys, dim);
}

/* Flags of the rows that stay, and their order with the first row that does not behind them. */
static wn_buf choose(struct wn_build *b, const struct prumerge *f, struct wn_list *list)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf rank = wn_build_rank(b, b->in.score), more = wn_plan_temp(b->plan, "samples", n);
    wn_buf best, modes, keep;

    if (f->keep > 0) {
        best = wn_build_cut(b, &(struct wn_select){
            .key = b->in.score,
            .table = wn_build_keep_table(b, f->keep),
        }, &keep, &modes);
    } else {
        best = wn_plan_temp(b->plan, "outliers", n);
        WN_CALL(b, outlier, (&(struct wn_outlier_params){n, n_frames, 1.5f}), b->in.score, rank,
                b->in.ptr, best);
    }
    keep = best;
    if (f->plus) {
        WN_CALL(b, every, (&(struct wn_every_params){n, n_frames, 3}), best, b->in.ptr, more);
        keep = wn_build_mix(b, best, 1, more, 1, 0, false);
    }
    wn_buf key = wn_build_mix(b, keep, 1, keep, 0, 0, true);
    if (f->order == WN_PAPER) { /* the best by attention, then samples, then what goes */
        const struct wn_where_params late = {n, n_frames, -1e9f}, gone = {n, n_frames, -2e9f};
        const wn_buf by_rank = wn_build_mix(b, rank, -1, rank, 0, 0, true);
        const wn_buf then = wn_plan_temp(b->plan, "key", n);
        key = wn_plan_temp(b->plan, "key", n);
        WN_CALL(b, where, &late, by_rank, flip(b, best), b->in.ptr, then);
        WN_CALL(b, where, &gone, then, flip(b, keep), b->in.ptr, key);
    }
    list->rank = wn_build_rank(b, key);
    list->mode = wn_build_zeros(b, n_frames);
    return keep;
}

/* The first row of each frame that is not flagged stands for all of them. */
static wn_buf with_rest(struct wn_build *b, wn_buf flag)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf first = wn_plan_temp(b->plan, "first", n), own = wn_plan_temp(b->plan, "own", n);
    int32_t *ref = wn_build_scratch(b, n_frames);

    for (int32_t f = 0; ref && f < n_frames; f++)
        ref[f] = f;
    if (ref)
        WN_CALL(b, pair, (&(struct wn_pair_params){n, n_frames}), flag, b->in.ptr,
                wn_build_ints(b, "ref", ref, n_frames), first);
    free(ref);
    WN_CALL(b, own, (&(struct wn_own_params){n, n_frames}), first, b->in.ptr, own);
    return wn_build_mix(b, flag, 1, own, 1, 0, false);
}

/* products: of all rows; those with the rows that stay are made. */
static void merge(struct wn_build *b, int k, wn_buf flag, struct wn_products *products)
{
    const int32_t n_out = b->out.n, n = b->in.n, n_frames = b->in.n_frames;
    const int64_t entries = (int64_t)n_out * (1 + k) + n;
    const wn_buf count = wn_plan_temp(b->plan, "entries", n_out);

    WN_CALL(b, around_count, (&(struct wn_around_count_params){n_out, n_frames, k}), b->in.ptr,
            flag, b->out.ptr, b->base, count);
    b->w_ptr = wn_plan_temp(b->plan, "W ptr", (int64_t)n_out + 1);
    WN_CALL(b, scan, (&(struct wn_scan_params){n_out, n_frames}), count, b->out.ptr, b->w_ptr);
    b->w_idx = wn_plan_temp(b->plan, "W idx", entries);
    b->w = wn_plan_temp(b->plan, "W", entries);
    products->n = n_out;
    products->list = b->base;
    products->end = b->out.ptr;
    products->listed = n_frames;
    wn_build_products(b, products);
    for (int32_t i = 0; i < products->n_strips; i++) {
        const struct wn_strip s = wn_build_strip(b, products, i);
        const struct wn_around_fill_params p = {s.n, n_frames, products->width, s.skip};
        WN_CALL(b, around_fill, &p, s.s, b->in.ptr, flag, b->in.score, b->base, b->w_ptr, b->w_idx,
                b->w);
    }
    b->out.data = wn_plan_temp(b->plan, "data", (int64_t)n_out * b->in.dim);
    WN_CALL(b, combine, (&(struct wn_combine_params){n_out, n_frames, b->in.dim}), b->in.data,
            b->w_ptr, b->w_idx, b->w, b->out.ptr, b->out.data);
}

/* Of m rows those that stay, and one more. */
static int32_t stay(int32_t m, const void *arg)
{
    const int32_t keep = wn_keep(*(const double *)arg, m);

    return keep < m ? keep + 1 : m;
}

static int build(void *priv, struct wn_build *b)
{
    const struct prumerge *f = priv;
    struct wn_list list = {.n_out = b->in.n};
    int err;

    b->in.score = attention(b);
    TRY(wn_build_patches(b)); /* CLS has its share of the attention, but is none of them */
    struct wn_products products = likeness(b);
    const wn_buf flag = choose(b, f, &list);

    list.keep = with_rest(b, flag);
    list.n_out = b->in.n;
    if (f->keep > 0 && !f->plus)
        list.count = wn_build_counts(b, wn_build_table(b, stay, &f->keep), NULL, &list.n_out);
    wn_build_compact(b, &list);
    merge(b, f->k, flag, &products);
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct prumerge, keep,
                "rows that stay besides the last one, a share below 1; 0: those that stand out", 0),
    {"plus", "rows at even places stay too (PruMerge+)", offsetof(struct prumerge, plus),
     AV_OPT_TYPE_BOOL, {.i64 = 0}, 0, 1, 0, NULL},
    {"k", "rows that each takes in", offsetof(struct prumerge, k), AV_OPT_TYPE_INT, {.i64 = 32}, 0,
     WN_AROUND_MOST, 0, NULL},
    WN_OPT_ORDER(struct prumerge, order, "the most attention first, then those at even places"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_prumerge = {
    .name = "prumerge",
    .brief = "keeps rows whose attention stands out; each takes in the rows most like it",
    .paper = "LLaVA-PruMerge (arXiv 2403.15388), 42Shawn/LLaVA-PruMerge @ 097c041",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_KEYS | WN_NEED_LOGITS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct prumerge),
    .token = &ops,
};
