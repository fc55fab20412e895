/* SPDX-License-Identifier: MIT */
/* Rows that CLS sees little of and that look much at the others go into those they look at most;
 * in each window of the grid one goes sooner, so that they come from everywhere. Between layers of
 * an encoder it reads the attention among the rows; elsewhere the likeness of their keys stands in
 * (or of the rows), and what CLS sees is that of the layer of the features.
 *
 * The authors' code (compat=released) carries its windows from layer to layer and from picture to
 * picture, loses the place of CLS, and merges into rows that stand where a target stood. */
#include "compress/ficoco_v.h"

#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/match.h"

struct ficoco_v {
    const AVClass *class;
    double keep, beta;
    int r, window, after, order, compat;
    int32_t depth;
    float *grid; /* compat=released: [side * side] */
    int32_t side;
};

static void finish(void *priv)
{
    struct ficoco_v *f = priv;

    free(f->grid);
}

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_keys(needs, info);
    wn_need_cls(needs, info, -2, -1);
    needs->logits |= info->has_cls;
    return WN_OK;
}

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    struct ficoco_v *f = priv;

    if (f->after < 0)
        f->after = WN_MAX(info->n_layers / 2 - 1, 0);
    f->depth = info->depth;
    for (int32_t l = f->after + 1; l < info->depth; l++) {
        if (wn_cuts_add(cuts, (struct wn_cut){.point = 2 * l + 1, .taps = WN_TAP_MUTUAL}))
            return wn_nomem(log, "the filters");
    }
    return WN_OK;
}

struct rule {
    const struct ficoco_v *f;
    const struct wn_build *b;
};

static int32_t stay(int32_t m, const void *arg)
{
    const struct rule *r = arg;
    const struct ficoco_v *f = r->f;

    if (f->r)
        return WN_MAX(m - f->r, 0);
    if (!r->b->cut)
        return wn_keep(f->keep, m);
    const struct wn_layout *layout = r->b->rows->frames[0].layout;
    const int32_t special = wn_count_special(layout), patches = layout->n_rows - special;
    const int64_t go = patches - wn_keep(f->keep, patches);
    const int32_t done = r->b->cut->point / 2 - f->after, of = WN_MAX(f->depth - 1 - f->after, 1);
    return WN_MIN(m, special + patches - (int32_t)(go * done / of));
}

/* The authors' grid of a picture's patches, fresh at first. */
static int find_grid(struct ficoco_v *f, struct wn_build *b)
{
    const struct wn_layout *layout = b->rows->frames[0].layout;
    const int32_t patches = layout->n_rows - wn_count_special(layout);
    int32_t side = 0;

    while ((int64_t)(side + 1) * (side + 1) <= patches)
        side++;
    if (side * side != patches || !patches)
        return wn_fail(b->log, WN_ERR_UNSUPPORTED,
                       "ficoco_v=compat=released needs square pictures");
    if (f->grid && f->side == side)
        return WN_OK;
    free(f->grid);
    f->grid = wn_calloc((size_t)patches, sizeof(*f->grid));
    if (!f->grid)
        return wn_nomem(b->log, "the filters");
    f->side = side;
    for (int32_t c = 0; c < patches; c++)
        f->grid[c] = 1e9f;
    return WN_OK;
}

/* What stands in for attention among the rows: cosines of keys. */
static void stand_in(struct wn_build *b, struct wn_ficoco_v *p)
{
    int32_t dim;
    const wn_buf keys = wn_build_keys(b, &dim);

    p->products = wn_products_of_unit(b, keys, dim);
    p->width = p->products.width;
    wn_build_products(b, &p->products);
    p->cls = b->in.logits;
    if (p->cls == WN_NONE && b->in.attn != WN_NONE)
        p->cls = wn_build_cls_score(b, -2, -1, true, 0);
}

static int build(void *priv, struct wn_build *b)
{
    struct ficoco_v *f = priv;
    const struct rule rule = {f, b};
    int32_t n_special;
    struct wn_ficoco_v p = {
        .mutual = b->in.mutual,
        .width = b->rows->mutual_width,
        .cls = WN_NONE,
        .special = wn_build_special(b, &n_special),
        .beta = (float)f->beta,
        .window = f->window,
        .table = wn_build_table(b, stay, &rule),
        .released = f->compat == WN_RELEASED,
        .by_score = f->order == WN_PAPER || f->compat == WN_RELEASED,
    };
    int err;

    if (p.mutual == WN_NONE)
        stand_in(b, &p);
    else
        p.first = p.special != WN_NONE;
    if (p.released) {
        TRY(find_grid(f, b));
        p.first = p.mutual != WN_NONE;
        p.grid = p.grid_out = f->grid;
        p.side = f->side;
    }
    return wn_build_ficoco_v(b, &p);
fail:
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct ficoco_v, keep, "rows of a frame that remain; a share below 1", 0.2),
    {"r", "the paper's word: so many rows go, between layers in each; 0: `keep` tells",
     offsetof(struct ficoco_v, r), AV_OPT_TYPE_INT, {.i64 = 0}, 0, 1 << 24, 0, NULL},
    {"beta", "how much it counts what CLS sees", offsetof(struct ficoco_v, beta),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.35}, 0, 1, 0, NULL},
    {"window", "patches on a side of a window of which one goes sooner",
     offsetof(struct ficoco_v, window), AV_OPT_TYPE_INT, {.i64 = 2}, 1, 64, 0, NULL},
    {"after", "between layers: the layers behind this one; -1: behind the first half",
     offsetof(struct ficoco_v, after), AV_OPT_TYPE_INT, {.i64 = -1}, -1, 1 << 16, 0, NULL},
    WN_OPT_ORDER(struct ficoco_v, order, "the lowest score first, CLS last"),
    WN_OPT_COMPAT(struct ficoco_v, compat),
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

const struct wn_filter wn_filter_ficoco_v = {
    .name = "ficoco_v",
    .brief = "rows that matter little go into those they look at most",
    .paper = "FiCoCo-V (arXiv 2411.17686), kawhiiiileo/FiCoCo @ 8995e93",
    .family = WN_ATTENTION,
    .places = WN_AT_ENCODER | WN_AT_TOKEN,
    .needs = WN_NEED_KEYS | WN_NEED_CLS | WN_NEED_LOGITS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct ficoco_v),
    .finish = finish,
    .token = &ops,
    .encoder = &encoder_ops,
};
