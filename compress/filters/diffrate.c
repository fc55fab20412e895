/* SPDX-License-Identifier: MIT */
/* Rows by CLS attention: the last ones go, those before them join the most similar of the others.
 * Between the layers of an encoder each layer but the first takes its part, or what `rates` says.
 * The authors' code averages the rows as they are and adds up sizes times cosines
 * (compat=released); here a row of s patches counts s times, and sizes are true sums. */
#include <stdlib.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"
#include "compress/match.h"

struct diffrate {
    const AVClass *class;
    double keep, prune;
    char *rates;
    int proportional, order, compat;
    int32_t (*rate)[2]; /* of layers: rows that pruning leaves, then merging */
    int32_t n_rates, depth;
};

static int init(void *priv, struct wn_log *log)
{
    struct diffrate *f = priv;
    bool good = !f->rates || wn_read_pairs(f->rates, &f->rate, &f->n_rates);

    for (int32_t l = 0; good && l < f->n_rates; l++)
        good = f->rate[l][1] <= f->rate[l][0];
    return good ? WN_OK
                : wn_fail(log, WN_ERR_ARG, "rates of diffrate are pairs of counts like "
                          "65/65+60/52: rows that pruning leaves, then merging, of each layer");
}

static void finish(void *priv)
{
    struct diffrate *f = priv;

    free(f->rate);
}

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    return WN_OK;
}

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    struct diffrate *f = priv;
    const int32_t first = f->n_rates ? 0 : WN_MIN(1, info->depth - 1);

    f->depth = info->depth;
    cuts->proportional = f->proportional;
    for (int32_t l = first; l < (f->n_rates ? WN_MIN(f->n_rates, f->depth) : f->depth); l++) {
        if (wn_cuts_add(cuts, (struct wn_cut){.point = 2 * l + 1, .taps = WN_TAP_CLS}))
            return wn_nomem(log, "the filters");
    }
    return WN_OK;
}

/* What is left of m rows. */
struct rule {
    const struct diffrate *f;
    const struct wn_build *b;
};

static int32_t stay(int32_t m, const void *arg)
{
    const struct rule *r = arg;
    const struct diffrate *f = r->f;

    if (!r->b->cut)
        return wn_keep(f->keep, m);
    const int32_t layer = r->b->cut->point / 2;
    if (f->n_rates)
        return WN_MIN(f->rate[layer][1], m);
    const struct wn_layout *layout = r->b->rows->frames[0].layout;
    const int32_t special = wn_count_special(layout), patches = layout->n_rows - special;
    const int64_t go = patches - wn_keep(f->keep, patches);
    const int32_t done = f->depth > 1 ? layer : 1, of = WN_MAX(f->depth - 1, 1);
    return WN_MIN(m, special + patches - (int32_t)(go * done / of));
}

static int32_t survive(int32_t m, const void *arg)
{
    const struct rule *r = arg;
    const struct diffrate *f = r->f;
    const int32_t last = stay(m, arg);

    if (r->b->cut && f->n_rates)
        return WN_MIN(f->rate[r->b->cut->point / 2][0], m);
    if (f->prune == 0 || r->b->cut)
        return m - (m - last) / 2;
    return WN_MAX(wn_keep(f->prune, m), last);
}

/* Those of the best rows that `table` counts. */
static wn_buf best(struct wn_build *b, wn_buf rank, wn_buf mode, wn_buf table)
{
    const wn_buf keep = wn_plan_temp(b->plan, "keep", b->in.n);

    WN_CALL(b, cut, (&(struct wn_cut_params){b->in.n, b->in.n_frames}), rank, b->in.ptr, table,
            mode, keep);
    return keep;
}

static wn_buf put(struct wn_build *b, wn_buf x, wn_buf flag, float value)
{
    const wn_buf y = wn_plan_temp(b->plan, "put", b->in.n);

    WN_CALL(b, where, (&(struct wn_where_params){b->in.n, b->in.n_frames, value}), x, flag,
            b->in.ptr, y);
    return y;
}

/* The most similar kept row of each source, and the cosine with it. */
static wn_buf join(struct wn_build *b, wn_buf source, wn_buf keep, wn_buf *cosine)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    int32_t n_special;
    const wn_buf special = wn_build_special(b, &n_special);
    const wn_buf target = special == WN_NONE ? keep : put(b, keep, special, 0);
    const wn_buf list = wn_plan_temp(b->plan, "targets", n);
    const wn_buf list_ptr = wn_plan_temp(b->plan, "targets ptr", (int64_t)n_frames + 1);
    const wn_buf to = wn_plan_temp(b->plan, "to", n);

    *cosine = wn_plan_temp(b->plan, "cosine", n);
    WN_CALL(b, compact, (&(struct wn_compact_params){n, n_frames, 0}), target, target, b->in.ptr,
            b->in.ptr, list, list_ptr);
    WN_CALL(b, nearest, (&(struct wn_nearest_params){n, n_frames, b->in.dim}),
            wn_build_unit(b, b->in.data, b->in.dim), b->in.ptr, list, list_ptr, source, to,
            *cosine);
    return to;
}

/* Sizes as the authors' code has them: what joins a row counts times the cosine. */
static void shrink_sizes(struct wn_build *b, wn_buf source, wn_buf cosine)
{
    const union { float f; int32_t i; } one = {1};
    const wn_buf others = wn_build_mix(b, source, -1, source, 0, 1, false);
    const wn_buf factor = put(b, cosine, others, 1), size = wn_plan_temp(b->plan, "size", b->in.n);

    if (b->in.size == WN_NONE)
        b->in.size = wn_build_fill(b, one.i);
    WN_CALL(b, blend, (&(struct wn_blend_params){.n = b->in.n, .d = 1}), b->in.size, factor, size);
    b->in.size = size;
}

static int build(void *priv, struct wn_build *b)
{
    const struct diffrate *f = priv;
    const struct rule rule = {f, b};
    const int32_t at = b->cut && b->rows->attn_layers ? b->rows->attn_layer[0] : -2;
    const wn_buf table = wn_build_table(b, stay, &rule), mode = wn_build_zeros(b, b->in.n_frames);
    struct wn_list list = {.mode = mode};
    wn_buf cosine;

    b->in.score = wn_build_cls_score(b, at, at + 1, true, 2);
    const wn_buf rank = wn_build_rank(b, b->in.score);
    const wn_buf alive = best(b, rank, mode, wn_build_table(b, survive, &rule));
    list.keep = best(b, rank, mode, table);
    list.rank = f->order == WN_PAPER ? rank : WN_NONE;
    list.count = wn_build_counts(b, table, NULL, &list.n_out);
    const wn_buf source = wn_build_mix(b, alive, 1, list.keep, -1, 0, false);
    const wn_buf to = join(b, source, list.keep, &cosine);
    if (f->compat == WN_RELEASED) {
        shrink_sizes(b, source, cosine);
        wn_build_merge(b, &list, to, wn_share_mean);
    } else {
        wn_build_merge_sized(b, &list, to);
    }
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct diffrate, keep, "rows of a frame that remain; a share below 1", 0.5),
    {"prune", "rows that pruning leaves to merge; a share below 1; 0: half of what goes is pruned",
     offsetof(struct diffrate, prune), AV_OPT_TYPE_DOUBLE, {.dbl = 0}, 0, 1e9, 0, NULL},
    {"rates", "between layers: of each what pruning and what merging leaves, like 65/65+60/52",
     offsetof(struct diffrate, rates), AV_OPT_TYPE_STRING, {.str = NULL}, 0, 0, 0, NULL},
    {"proportional", "between layers: attention counts a row as often as it has patches",
     offsetof(struct diffrate, proportional), AV_OPT_TYPE_BOOL, {.i64 = 1}, 0, 1, 0, NULL},
    WN_OPT_ORDER(struct diffrate, order, "by attention"),
    WN_OPT_COMPAT(struct diffrate, compat),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

static const struct wn_encoder_ops encoder_ops = {
    .cuts = cuts,
    .build = build,
};

const struct wn_filter wn_filter_diffrate = {
    .name = "diffrate",
    .brief = "prunes the rows that CLS looks at least and merges those before them",
    .paper = "DiffRate (arXiv 2305.17997), OpenGVLab/DiffRate @ 91ae3e3",
    .family = WN_ATTENTION,
    .places = WN_AT_ENCODER | WN_AT_TOKEN,
    .needs = WN_NEED_CLS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct diffrate),
    .init = init,
    .finish = finish,
    .token = &ops,
    .encoder = &encoder_ops,
};
