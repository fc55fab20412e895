/* SPDX-License-Identifier: MIT */
/* Rows with the most CLS attention in the last layer but one. Pictures in tiles: a share `alpha` of
 * the budget goes to the view of the whole, the rest to the tiles, by how many of the rows of the
 * whole that get the most attention in the first layer they show. Newline rows go.
 *
 * The released code takes a run of the whole's rows for a tile's part of it, counts rows that are
 * only padding, and loses what rounding leaves: compat=released (what it loses when it packs tiles
 * that stand side by side or below each other is not copied). Where tiles cannot be told apart, all
 * rows of a frame share one budget. */
#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/tiles.h"

struct hired {
    const AVClass *class;
    double keep, alpha;
    int newline, compat;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    wn_need_cls(needs, info, 0, 1);
    return WN_OK;
}

/* What the parts of one frame get, before attention divides the tiles' budget. */
struct budget {
    int32_t content; /* rows of the whole that tell tiles apart */
    int32_t whole, tiles;
};

static struct budget budget_of(const struct wn_build *b, const struct hired *f,
                               const struct wn_tiles *t, int32_t frame)
{
    const struct wn_layout *layout = b->rows->frames[frame].layout;
    const int32_t first = t->first[frame], n_tiles = wn_tiles_of(t, frame);
    int32_t whole = wn_tiles_rows(t, first), tiles = 0;

    for (int32_t p = 1; p <= n_tiles; p++)
        tiles += wn_tiles_rows(t, first + p);
    if (f->compat == WN_RELEASED) { /* as if there were no padding */
        whole = layout->tile_h * layout->tile_w;
        tiles = n_tiles * whole;
    }
    const int32_t total = wn_keep(f->keep, whole + tiles);
    const int32_t full = WN_MIN((int32_t)(total * f->alpha), whole);
    return (struct budget){
        .content = (int32_t)(whole * (1 - f->alpha)),
        .whole = full,
        .tiles = WN_MIN(total - full, tiles),
    };
}

/* Tables of the parts, for `divide`. */
struct tables {
    float *content, *cap, *fixed; /* [n_parts] */
    float *amount;                /* [n_frames] */
};

static void fill(const struct wn_build *b, const struct hired *f, const struct wn_tiles *t,
                 const struct tables *to)
{
    for (int32_t frame = 0; frame < b->in.n_frames; frame++) {
        const int32_t first = t->first[frame], end = t->first[frame + 1];
        const int32_t rows = wn_tiles_rows(t, first);

        for (int32_t p = first; p < end; p++) {
            to->cap[p] = (float)wn_tiles_rows(t, p);
            to->fixed[p] = -1;
        }
        if (end - first == 1) {
            to->fixed[first] = (float)wn_keep(f->keep, rows);
            continue;
        }
        const struct budget all = budget_of(b, f, t, frame);
        to->content[first] = (float)all.content;
        to->fixed[first] = (float)WN_MIN(all.whole, rows);
        to->amount[frame] = (float)all.tiles;
        to->fixed[end - 1] = f->newline ? to->cap[end - 1] : 0;
    }
}

/* How many rows of the whole with content each tile shows: f32 [n_parts]. */
static wn_buf content(struct wn_build *b, const struct hired *f, const struct wn_tiles *t,
                      wn_buf limit)
{
    const wn_buf top = wn_tiles_take(b, t, wn_build_cls_score(b, 0, 1, false, 0));
    const wn_buf best = wn_tiles_below(b, t, wn_tiles_rank(b, t, top), limit);
    const wn_buf flag = wn_build_mix(b, wn_tiles_back(b, t, best), 1, best, 0, 0, true);
    int32_t *region = wn_tiles_regions(b, t, f->compat == WN_RELEASED ? WN_REGIONS_STRIPES
                                                                      : WN_REGIONS_SEEN);
    wn_buf counts = WN_NONE;
    struct wn_sums sums = {0};

    if (region && wn_tiles_region_sums(b, t, region, &sums))
        counts = wn_tiles_sums(b, flag, &sums);
    wn_sums_finish(&sums);
    free(region);
    return counts;
}

static wn_buf quotas(struct wn_build *b, const struct hired *f, const struct wn_tiles *t)
{
    const int32_t n = t->n_parts, n_frames = b->in.n_frames;
    float *v = (float *)wn_build_scratch(b, 3 * (int64_t)n + n_frames);
    const wn_buf quota = wn_plan_temp(b->plan, "quota", n);
    const struct tables to = {v, v + n, v + 2 * n, v + 3 * n};
    const struct wn_divide_params p = {
        n, n_frames, f->compat == WN_RELEASED ? WN_DIVIDE_FLOOR : WN_DIVIDE_EXACT};

    if (!v)
        return quota;
    fill(b, f, t, &to);
    const wn_buf w = content(b, f, t, wn_build_floats(b, "content", to.content, n));
    WN_CALL(b, divide, &p, w, wn_build_floats(b, "caps", to.cap, n),
            wn_build_floats(b, "fixed", to.fixed, n),
            wn_build_ints(b, "parts of frames", t->first, (int64_t)n_frames + 1),
            wn_build_floats(b, "amounts", to.amount, n_frames), quota);
    free(v);
    return quota;
}

static void select_tiles(struct wn_build *b, const struct hired *f, const struct wn_tiles *t)
{
    const wn_buf rank = wn_tiles_rank(b, t, wn_tiles_take(b, t, b->in.score));
    const wn_buf keep = wn_tiles_below(b, t, rank, quotas(b, f, t));

    wn_build_compact(b, &(struct wn_list){
        .keep = wn_tiles_back(b, t, keep),
        .rank = WN_NONE,
        .n_out = b->in.n,
    });
}

static int build(void *priv, struct wn_build *b)
{
    const struct hired *f = priv;
    struct wn_tiles t;

    b->in.score = wn_build_cls_score(b, -2, -1, false, -1);
    if (wn_tiles_find(b, &t)) {
        select_tiles(b, f, &t);
        wn_tiles_finish(&t);
        return WN_OK;
    }
    wn_build_select(b, &(struct wn_select){
        .key = b->in.score,
        .table = wn_build_keep_table(b, f->keep),
    });
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct hired, keep, "rows of a frame that stay, a share below 1", 0.2),
    {"alpha", "share of these for the view of the whole picture", offsetof(struct hired, alpha),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.5}, 0, 1, 0, NULL},
    WN_OPT_NEWLINE(struct hired, newline, 0),
    WN_OPT_COMPAT(struct hired, compat),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_hired = {
    .name = "hired",
    .brief = "keeps what CLS looks at, tiles by how much of the content they show",
    .paper = "HiRED (arXiv 2408.10945), hasanar1f/HiRED @ 502d6dd",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct hired),
    .token = &ops,
};
