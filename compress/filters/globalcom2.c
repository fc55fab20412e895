/* SPDX-License-Identifier: MIT */
/* Rows with the highest CLS logits of the last layer. Pictures in tiles: the view of the whole says
 * how much each tile gets, by a softmax over what it holds where the tile is, and in a tile each
 * row's own logit and that of its place in the whole, both of length one, add up. Newline rows stay
 * beside the budget. Where there are no logits (no CLS token), the logarithm of the mean attention
 * stands in; where tiles cannot be told apart, all rows of a frame share one budget.
 *
 * The released code cuts the whole evenly, as if there were no padding, rounds each tile's part
 * down, puts the whole's rows in order of score, and takes a row's place among those that are no
 * padding for its place in its tile: compat=released. */
#include <math.h>
#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/tiles.h"

struct globalcom2 {
    const AVClass *class;
    double keep, temperature;
    int newline, order, compat;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    if (info->has_cls)
        needs->logits = true;
    else
        wn_need_cls(needs, info, -1, info->n_layers);
    return WN_OK;
}

static wn_buf logits(struct wn_build *b)
{
    if (b->in.logits != WN_NONE)
        return b->in.logits;
    const wn_buf y = wn_plan_temp(b->plan, "logarithm", b->in.n);
    const wn_buf mean = wn_build_cls_score(b, -1, b->rows->encoder_layers, true, 0);

    WN_CALL(b, ln, (&(struct wn_ln_params){b->in.n, b->in.n_frames}), mean, b->in.ptr, y);
    return y;
}

static wn_buf blend(struct wn_build *b, wn_buf x, wn_buf z, const struct wn_blend_params *p)
{
    const wn_buf y = wn_plan_temp(b->plan, "blend", p->n);

    WN_CALL(b, blend, p, x, z, y);
    return y;
}

/* ---- how many rows of each part ---- */

/* The authors add 1e-8 to the sum of a softmax, which decides how a share that would be a whole
 * number is rounded down; floats need more to see it. */
#define LESS (1 - 4e-6f)

struct tables {
    float *cap, *fixed, *offset; /* [n_parts] */
    float *even;                 /* [n_parts] rows if every tile got the same share of its own */
    float *amount;               /* [n_frames] */
    int32_t *ends;               /* [n_parts + 1] segments: a whole, the tiles with it, newlines */
    int32_t n_ends;
};

static void fill_frame(const struct wn_build *b, const struct globalcom2 *f,
                       const struct wn_tiles *t, int32_t frame, struct tables *to)
{
    const int32_t first = t->first[frame], n_tiles = wn_tiles_of(t, frame);
    const int32_t whole = wn_tiles_rows(t, first);
    int32_t tiles = 0;

    for (int32_t p = 1; p <= n_tiles; p++) {
        tiles += wn_tiles_rows(t, first + p);
        to->offset[first + p] = 1 - LESS / (float)n_tiles;
    }
    const int32_t total = wn_keep(f->keep, whole + tiles);
    const double share = f->keep < 1 || !total ? f->keep : (double)total / (whole + tiles);
    to->fixed[first] = (float)WN_MIN((int32_t)(share * whole), whole);
    for (int32_t p = 1; p <= n_tiles; p++)
        to->even[first + p] = (float)WN_MIN(share, 1) * to->cap[first + p];
    to->amount[frame] = (float)(total - (int32_t)to->fixed[first]);
    to->ends[to->n_ends++] = first;
    if (n_tiles) {
        to->ends[to->n_ends++] = first + 1;
        to->ends[to->n_ends++] = first + 1 + n_tiles;
        to->fixed[first + 1 + n_tiles] = f->newline ? to->cap[first + 1 + n_tiles] : 0;
    }
}

static void fill(const struct wn_build *b, const struct globalcom2 *f, const struct wn_tiles *t,
                 struct tables *to)
{
    for (int32_t p = 0; p < t->n_parts; p++) {
        to->cap[p] = (float)wn_tiles_rows(t, p);
        to->fixed[p] = -1;
    }
    for (int32_t frame = 0; frame < b->in.n_frames; frame++)
        fill_frame(b, f, t, frame, to);
    to->ends[to->n_ends] = t->n_parts;
}

/* Sums of the whole's logits where each tile is. */
static wn_buf sums(struct wn_build *b, const struct globalcom2 *f, const struct wn_tiles *t,
                   wn_buf x)
{
    int32_t *region = wn_tiles_regions(b, t, f->compat == WN_RELEASED ? WN_REGIONS_EVEN
                                                                      : WN_REGIONS_SEEN);
    struct wn_sums s = {0};
    wn_buf y = WN_NONE;

    if (region && wn_tiles_region_sums(b, t, region, &s))
        y = wn_tiles_sums(b, x, &s);
    wn_sums_finish(&s);
    free(region);
    return y;
}

/* A tile's share of its rows is keep * (1 + p - mean of p). */
static wn_buf quotas(struct wn_build *b, const struct globalcom2 *f, const struct wn_tiles *t,
                     wn_buf x)
{
    const int32_t n = t->n_parts, n_frames = b->in.n_frames;
    float *v = (float *)wn_build_scratch(b, 5 * (int64_t)n + 1 + n_frames);
    const wn_buf quota = wn_plan_temp(b->plan, "quota", n), p = wn_plan_temp(b->plan, "p", n);
    struct tables to = {v, v + n, v + 2 * n, v + 3 * n, v + 4 * n};

    if (!v)
        return quota;
    to.ends = (int32_t *)(v + 4 * n + n_frames);
    fill(b, f, t, &to);
    const wn_buf cap = wn_build_floats(b, "caps", to.cap, n);
    WN_CALL(b, shares, (&(struct wn_shares_params){n, to.n_ends, 1 / (float)f->temperature}),
            sums(b, f, t, x), wn_build_ints(b, "tiles", to.ends, (int64_t)to.n_ends + 1), p);
    const wn_buf share = blend(b, p, wn_build_floats(b, "offsets", to.offset, n),
                               &(struct wn_blend_params){.n = n, .a = LESS, .b = 1});
    const wn_buf w = blend(b, share, wn_build_floats(b, "even shares", to.even, n),
                           &(struct wn_blend_params){.n = n, .d = 1});
    WN_CALL(b, divide, (&(struct wn_divide_params){
        n, n_frames, f->compat == WN_RELEASED ? WN_DIVIDE_OWN : WN_DIVIDE_EXACT}), w, cap,
            wn_build_floats(b, "fixed", to.fixed, n),
            wn_build_ints(b, "parts of frames", t->first, (int64_t)n_frames + 1),
            wn_build_floats(b, "amounts", to.amount, n_frames), quota);
    free(v);
    return quota;
}

/* ---- which ones ---- */

/* Every part a line of a matrix as wide as the largest. */
static int32_t widest(const struct wn_tiles *t)
{
    int32_t most = 1;

    for (int32_t p = 0; p < t->n_parts; p++)
        most = WN_MAX(most, wn_tiles_rows(t, p));
    return most;
}

/* Two inputs beside output i of n, corners not aligned, and how much of the second. */
static float beside(int32_t i, int32_t n, int32_t n_src, int32_t at[2])
{
    const float x = fmaxf(0, ((float)i + 0.5f) * ((float)n_src / (float)n) - 0.5f);

    at[0] = WN_MIN((int32_t)x, n_src - 1);
    at[1] = WN_MIN(at[0] + 1, n_src - 1);
    return x - (float)at[0];
}

/* The whole's rows that show what a tile's row at `pos` of the grid shows. */
static void add_place(struct wn_sums *s, const struct wn_layout *l, const int32_t *pos,
                      const int32_t *whole, int32_t *n)
{
    int32_t ys[2], xs[2];
    const float y = beside(pos[0], l->grid_h, l->tile_h, ys);
    const float x = beside(pos[1], l->grid_w, l->tile_w, xs);

    for (int k = 0; k < 4; k++) {
        const int32_t row = whole[ys[k / 2] * l->tile_w + xs[k % 2]];
        if (row < 0)
            continue;
        s->idx[*n] = row;
        s->w[(*n)++] = (k / 2 ? y : 1 - y) * (k % 2 ? x : 1 - x);
    }
}

/* Row of the whole at each of its places, or -1. NULL: the plan failed. */
static int32_t *find_whole(struct wn_build *b, const struct wn_tiles *t, int32_t frame)
{
    const struct wn_rows *r = b->rows;
    const struct wn_layout *l = r->frames[frame].layout;
    const int32_t size = l->tile_h * l->tile_w;
    int32_t *whole = wn_build_scratch(b, WN_MAX(size, 1));

    for (int32_t i = 0; whole && i < size; i++)
        whole[i] = -1;
    for (int32_t i = r->frame_ptr[frame]; whole && i < r->frame_ptr[frame + 1]; i++) {
        const int32_t *pos = l->tile_pos[r->cell[i]];
        if (t->part[i] == t->first[frame] && pos[0] >= 0)
            whole[pos[0] * l->tile_w + pos[1]] = i;
    }
    return whole;
}

/* Parts as lines: each row's own number, or that of its place in the whole. */
static bool lines(struct wn_build *b, const struct wn_tiles *t, int32_t width, bool own,
                  struct wn_sums *s)
{
    int32_t n = 0;

    *s = (struct wn_sums){
        .n = t->n_parts * width,
        .ptr = wn_build_scratch(b, (int64_t)t->n_parts * width + 1),
        .idx = wn_build_scratch(b, 4 * (int64_t)b->in.n),
        .w = (float *)wn_build_scratch(b, 4 * (int64_t)b->in.n),
    };
    bool ok = s->ptr && s->idx && s->w;
    for (int32_t f = 0; ok && f < b->in.n_frames; f++) {
        const struct wn_layout *l = b->rows->frames[f].layout;
        int32_t *whole = own || !wn_tiles_of(t, f) ? NULL : find_whole(b, t, f);
        for (int32_t p = t->first[f]; p < t->first[f + 1]; p++) {
            const bool tile = whole && p > t->first[f] && p < t->first[f + 1] - 1;
            for (int32_t k = 0; k < width; k++) {
                const bool in = t->ptr[p] + k < t->ptr[p + 1];
                const int32_t row = in ? t->row[t->ptr[p] + k] : 0;
                if (in && own) {
                    s->idx[n] = row;
                    s->w[n++] = 1;
                } else if (in && tile && l->pos[b->rows->cell[row]][0] >= 0) {
                    add_place(s, l, l->pos[b->rows->cell[row]], whole, &n);
                }
                s->ptr[(int64_t)p * width + k + 1] = n;
            }
        }
        free(whole);
    }
    if (!ok)
        wn_sums_finish(s);
    return ok;
}

static wn_buf unit_lines(struct wn_build *b, const struct wn_tiles *t, int32_t width, bool own,
                         wn_buf x)
{
    const wn_buf y = wn_plan_temp(b->plan, "unit parts", (int64_t)t->n_parts * width);
    struct wn_sums s;

    if (lines(b, t, width, own, &s)) {
        WN_CALL(b, unit, (&(struct wn_unit_params){t->n_parts, 0, width}), wn_tiles_sums(b, x, &s),
                wn_build_ints(b, "n", &t->n_parts, 1), y);
        wn_sums_finish(&s);
    }
    return y;
}

static wn_buf scores(struct wn_build *b, const struct wn_tiles *t, wn_buf x)
{
    const int32_t n = b->in.n, width = widest(t);
    const int64_t size = (int64_t)t->n_parts * width;
    int32_t *at = wn_build_scratch(b, n);
    const wn_buf y = wn_plan_temp(b->plan, "score", n);

    if (size > INT32_MAX / 8) {
        wn_plan_fail(b->plan, WN_ERR_LIMIT, "%s: %lld places in tiles", b->filter, (long long)size);
    } else if (at) {
        const wn_buf both = blend(b, unit_lines(b, t, width, true, x),
                                  unit_lines(b, t, width, false, x),
                                  &(struct wn_blend_params){.n = (int32_t)size, .a = 1, .b = 1});
        for (int32_t p = 0; p < t->n_parts; p++) {
            for (int32_t k = t->ptr[p]; k < t->ptr[p + 1]; k++)
                at[t->row[k]] = p * width + k - t->ptr[p];
        }
        WN_CALL(b, take, (&(struct wn_take_params){.n = n, .n_frames = 0, .width = 1}), both,
                wn_build_ints(b, "places in parts", at, n), wn_build_ints(b, "n", &n, 1), y);
    }
    free(at);
    return y;
}

/* ---- in which order ---- */

/* Where the released code puts each row of a frame's tiles: a tile's u-th row at its u-th place,
 * and newlines behind all lines that the tiles have. Lower stands first. */
static void released_places(const struct wn_build *b, const struct wn_tiles *t, int32_t frame,
                            float *place)
{
    const struct wn_layout *l = b->rows->frames[frame].layout;
    const int32_t first = t->first[frame], end = t->first[frame + 1] - 1;
    const int32_t line = l->tiles_w * l->tile_w + 1, lines = l->tiles_h * l->tile_h;
    int32_t top = lines;

    for (int32_t p = first + 1; p < end; p++) {
        const int32_t tile = p - first - 1;
        for (int32_t k = t->ptr[p]; k < t->ptr[p + 1]; k++) {
            const int32_t u = k - t->ptr[p], own = l->tile_pos[b->rows->cell[t->row[k]]][0];
            const int32_t y = tile / l->tiles_w * l->tile_h + u / l->tile_w;
            place[t->row[k]] = (float)(y * line + tile % l->tiles_w * l->tile_w + u % l->tile_w);
            top = WN_MIN(top, tile / l->tiles_w * l->tile_h + own);
        }
    }
    if (wn_tiles_rows(t, end) == lines)
        top = 0;
    for (int32_t k = t->ptr[end]; k < t->ptr[end + 1]; k++)
        place[t->row[k]] = (float)((top + k - t->ptr[end] + 1) * line - 1);
}

/* Ranks: rows of the whole by score, then the tiles' as they stand, then what does not stay. */
static wn_buf order(struct wn_build *b, const struct globalcom2 *f, const struct wn_tiles *t,
                    wn_buf rank, wn_buf keep)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    float *v = (float *)wn_build_scratch(b, 2 * (int64_t)n);
    wn_buf key = WN_NONE;

    for (int32_t frame = 0; v && frame < n_frames; frame++) {
        const int32_t first = b->rows->frame_ptr[frame];
        for (int32_t i = first; i < b->rows->frame_ptr[frame + 1]; i++)
            v[i] = (float)(i - first);
        if (f->compat == WN_RELEASED && wn_tiles_of(t, frame))
            released_places(b, t, frame, v);
        for (int32_t i = first; i < b->rows->frame_ptr[frame + 1]; i++) {
            v[n + i] = t->part[i] == t->first[frame];
            v[i] = v[n + i] > 0 ? 0 : -1e6f - v[i];
        }
    }
    if (v) {
        const wn_buf by_rank = blend(b, wn_build_mix(b, rank, -1, rank, 0, 0, true),
                                     wn_build_floats(b, "whole", v + n, n),
                                     &(struct wn_blend_params){.n = n, .d = 1});
        const wn_buf all = blend(b, by_rank, wn_build_floats(b, "place", v, n),
                                 &(struct wn_blend_params){.n = n, .a = 1, .b = 1});
        key = wn_plan_temp(b->plan, "key", n);
        WN_CALL(b, where, (&(struct wn_where_params){n, n_frames, -1e9f}), all,
                wn_build_mix(b, keep, -1, keep, 0, 1, false), b->in.ptr, key);
    }
    free(v);
    return wn_build_rank(b, key);
}

static void select_tiles(struct wn_build *b, const struct globalcom2 *f, const struct wn_tiles *t,
                         wn_buf x)
{
    const wn_buf quota = quotas(b, f, t, x);
    struct wn_list list = {.rank = WN_NONE, .n_out = b->in.n};

    b->in.score = scores(b, t, x);
    const wn_buf rank = wn_tiles_rank(b, t, wn_tiles_take(b, t, b->in.score));
    list.keep = wn_tiles_back(b, t, wn_tiles_below(b, t, rank, quota));
    if (f->order == WN_PAPER || f->compat == WN_RELEASED) {
        list.rank = order(b, f, t, wn_tiles_back(b, t, rank), list.keep);
        list.mode = wn_build_zeros(b, b->in.n_frames);
    }
    wn_build_compact(b, &list);
}

static int build(void *priv, struct wn_build *b)
{
    const struct globalcom2 *f = priv;
    const wn_buf x = logits(b);
    struct wn_tiles t;

    if (wn_tiles_find(b, &t)) {
        select_tiles(b, f, &t, x);
        wn_tiles_finish(&t);
        return WN_OK;
    }
    b->in.score = x;
    wn_build_select(b, &(struct wn_select){
        .key = x,
        .table = wn_build_keep_table(b, f->keep),
        .order = f->order == WN_PAPER || f->compat == WN_RELEASED ? WN_BY_RANK : WN_RASTER,
    });
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct globalcom2, keep, "rows of a frame that stay, a share below 1", 0.25),
    {"temperature", "of the softmax over tiles: the higher, the more alike their shares",
     offsetof(struct globalcom2, temperature), AV_OPT_TYPE_DOUBLE, {.dbl = 10}, 1e-3, 1e9, 0, NULL},
    WN_OPT_NEWLINE(struct globalcom2, newline, 1),
    WN_OPT_ORDER(struct globalcom2, order, "the view of the whole by score"),
    WN_OPT_COMPAT(struct globalcom2, compat),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_globalcom2 = {
    .name = "globalcom2",
    .brief = "keeps what CLS looks at, tiles and their rows by what the whole picture shows",
    .paper = "GlobalCom2 (arXiv 2501.05179), xuyang-liu16/GlobalCom2 @ 96b2d00",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_LOGITS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct globalcom2),
    .token = &ops,
};
