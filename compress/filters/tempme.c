/* SPDX-License-Identifier: MIT */
/* Neighbouring frames come together: rows of all of them are matched by what they are, then those
 * that are left by their keys. A row that others join keeps its frame and place. In the authors'
 * order (order=paper) the rows of frames that came together stand in the first of them.
 *
 * Between the layers of an encoder this happens at a few layers, and the others merge rows by keys.
 * There weights= adds positions of frames, which the authors trained; LoRA, which they trained as
 * well, belongs into the encoder's file (wn_merge_lora). */
#include "compress/match.h"

#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/places.h"

struct tempme {
    const AVClass *class;
    double keep, across, within;
    char *joins, *weights;
    int frames, r, proportional, order;
    int32_t (*join)[2]; /* layer, and how many frames come together before it */
    int32_t n_joins;
    struct wn_places *places;   /* of weights; or NULL */
    int32_t depth, patches; /* of the encoder, for build() between its layers */
};

static int init(void *priv, struct wn_log *log)
{
    struct tempme *f = priv;
    bool good = !f->joins || wn_read_pairs(f->joins, &f->join, &f->n_joins);

    for (int32_t i = 0; good && i < f->n_joins; i++)
        good = f->join[i][1] > 0 && f->join[i][1] <= 64 &&
               (!i || f->join[i][0] > f->join[i - 1][0]);
    return good ? WN_OK
                : wn_fail(log, WN_ERR_ARG, "joins of tempme are pairs like 8/2+9/2+10/3: a layer, "
                          "and how many frames (up to 64) come together before it");
}

static void finish(void *priv)
{
    struct tempme *f = priv;

    wn_places_close(&f->places);
    free(f->join);
}

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    const struct tempme *f = priv;

    if (f->weights)
        return wn_fail(log, WN_ERR_UNSUPPORTED, "weights= of tempme are for layers of the encoder: "
                       "behind it there is no place for them");
    wn_need_keys(needs, info);
    return WN_OK;
}

/* ---- one matching after the other ---- */

/* Frames that come together, in the order of the segment. */
struct clips {
    wn_buf ptr;           /* [n_frames + 1] the first frame of each has all its rows */
    const int32_t *count; /* [n_frames] rows of each frame by that, or NULL */
    wn_buf special;
    int32_t n_special;
};

/* Rows of the first stage as they are, of frames joined by ptr alone. */
static void gather(struct wn_build *b, int32_t frames, struct clips *c)
{
    const int32_t n_frames = b->in.n_frames, n = n_frames + 1;
    int32_t *at = wn_build_scratch(b, n), *count = wn_build_scratch(b, n_frames);

    *c = (struct clips){.ptr = b->in.ptr, .count = b->in.count};
    c->special = wn_build_special(b, &c->n_special);
    c->n_special *= WN_MIN(frames, n_frames);
    if (frames < 2)
        goto done;
    c->ptr = wn_plan_temp(b->plan, "clips", n);
    for (int32_t f = 0; at && f < n; f++)
        at[f] = WN_MIN((f + frames - 1) / frames * frames, n_frames);
    for (int32_t f = 0; count && b->in.count && f < n_frames; f++)
        count[f / frames * frames] += b->in.count[f];
    c->count = count && b->in.count ? wn_build_keep_ints(b, count, n_frames) : NULL;
    if (at)
        WN_CALL(b, take, (&(struct wn_take_params){.n = n, .n_frames = 0, .width = 1}), b->in.ptr,
                wn_build_ints(b, "firsts", at, n), wn_build_ints(b, "n", &n, 1), c->ptr);
done:
    free(at);
    free(count);
}

/* The authors' order: the frames' CLS rows, then the others. From here on a clip is one frame. */
static int line_up(struct wn_build *b, struct clips *c)
{
    struct wn_list list = {
        .keep = wn_build_fill(b, 1),
        .rank = WN_NONE,
        .mode = wn_build_zeros(b, b->in.n_frames),
        .count = c->count,
        .n_out = b->in.n,
    };

    for (int32_t f = 1; f < b->in.n_frames; f++) {
        if (b->rows->frames[f].layout->n_rows != b->rows->frames[0].layout->n_rows)
            return wn_fail(b->log, WN_ERR_UNSUPPORTED,
                           "tempme=order=paper needs frames of one size");
    }
    b->in.ptr = c->ptr;
    b->in.count = c->count;
    if (c->special != WN_NONE)
        list.rank = wn_build_rank(b, wn_build_mix(b, c->special, 1, c->special, 0, 0, true));
    list.most = b->in.most = wn_build_most(b);
    const bool need_keys = b->need_keys;
    b->need_keys = true;
    wn_build_compact(b, &list);
    b->need_keys = need_keys;
    return wn_build_next(b);
}

static int32_t after(int32_t m, double share)
{
    return m - (int32_t)(m * share);
}

/* Rows of clips are matched by `metric`, f32 [in.n][dim], which becomes that of those left. */
static void merge(struct wn_build *b, const struct tempme *f, const struct clips *c,
                  const int32_t *stay, wn_buf *metric, int32_t dim)
{
    const wn_buf ptr = b->in.ptr;
    const int32_t *count = b->in.count;
    const bool own = *metric == b->in.data;
    struct wn_match m = {
        .dim = dim,
        .every = 2,
        .stay = stay,
        .special = c->special,
        .n_special = c->n_special,
        .paper = f->order == WN_PAPER,
    };

    m.unit = wn_build_unit(b, *metric, dim);
    b->in.ptr = c->ptr;
    b->in.count = c->count;
    wn_build_match(b, &m);
    b->in.ptr = ptr;
    b->in.count = count;
    b->in.data = wn_build_placed(b, f->places);
    if (ptr != c->ptr) { /* rows stay in their frames: how many in each is not known */
        m.list.count = NULL;
        m.list.across = true;
    }
    wn_build_merge_sized(b, &m.list, m.to);
    *metric = own ? b->out.data : wn_build_combine(b, *metric, dim);
}

/* What a matching leaves when a share of m rows joins others. */
static const int32_t *shares(const struct wn_build *b, double share, int32_t n_special,
                             int32_t *stay)
{
    for (int32_t m = 0; m <= b->in.n; m++)
        stay[m] = WN_MAX(after(m, share), wn_match_least(m, n_special, 2));
    return stay;
}

static int again(struct wn_build *b, const struct tempme *f, struct clips *c)
{
    int32_t unused;
    int err;

    TRY(wn_build_next(b));
    if (f->order == WN_PAPER) {
        c->ptr = b->in.ptr;
        c->count = b->in.count;
        c->special = wn_build_special(b, &unused);
        return WN_OK;
    }
    gather(b, f->frames, c);
fail:
    return err;
}

/* ---- the token place ---- */

/* Shares of the paper: one matching by the rows themselves, one by their keys. */
static int by_shares(struct wn_build *b, const struct tempme *f, struct clips *c, wn_buf *keys,
                     int32_t dim, int32_t *stay)
{
    wn_buf data = b->in.data;
    bool merged = false;
    int err = WN_OK;

    if (f->across > 0) {
        merge(b, f, c, shares(b, f->across, c->n_special, stay), &data, b->in.dim);
        if (*keys != WN_NONE)
            *keys = wn_build_combine(b, *keys, dim);
        merged = true;
    }
    if (f->within > 0) {
        if (merged)
            TRY(again(b, f, c));
        if (*keys == WN_NONE)
            *keys = b->in.data;
        merge(b, f, c, shares(b, f->within, c->n_special, stay), keys, dim);
    }
fail:
    return err;
}

/* Matchings until `keep` of each frame is met; the first by the rows, the others by keys. */
static int by_keep(struct wn_build *b, const struct tempme *f, struct clips *c, wn_buf *keys,
                   int32_t dim, struct wn_rounds *r)
{
    wn_buf data = b->in.data;
    int err = WN_OK;

    for (int i = 0; wn_rounds_next(r); i++) {
        if (i) {
            TRY(again(b, f, c));
            merge(b, f, c, r->stay, keys, dim);
            continue;
        }
        merge(b, f, c, r->stay, &data, b->in.dim);
        *keys = *keys == WN_NONE ? b->out.data : wn_build_combine(b, *keys, dim);
    }
fail:
    return err;
}

/* Rows of clips, and what shall remain of them. */
static void aims(const struct tempme *f, const struct wn_build *b, const struct clips *c,
                 struct wn_rounds *r, int32_t *aim)
{
    const int32_t frames = WN_MIN(f->frames, b->in.n_frames);

    r->n = c->count ? b->in.n_frames : b->in.n + 1;
    for (int32_t i = 0; i < r->n; i++) {
        r->now[i] = c->count ? c->count[i] : i;
        aim[i] = wn_keep(f->keep < 1 ? f->keep : f->keep * frames, r->now[i]);
    }
}

static int build(void *priv, struct wn_build *b)
{
    const struct tempme *f = priv;
    const int32_t most = WN_MAX(b->in.n, b->in.n_frames) + 1;
    int32_t *list = wn_build_scratch(b, 3 * (int64_t)most), dim, err = WN_OK;
    struct wn_rounds rounds = {
        .now = list,
        .aim = list + most,
        .stay = list + 2 * (int64_t)most,
        .every = 2,
        .most = b->in.n,
    };
    struct clips clips;

    if (!list)
        return WN_ERR_NOMEM;
    gather(b, f->frames, &clips);
    aims(f, b, &clips, &rounds, list + most);
    if (f->order == WN_PAPER && f->frames > 1) {
        TRY(line_up(b, &clips));
        int32_t unused;
        clips.special = wn_build_special(b, &unused);
        clips.ptr = b->in.ptr;
    }
    rounds.special = clips.n_special;
    wn_buf keys = wn_build_keys(b, &dim);
    if (keys == b->in.data)
        keys = WN_NONE;
    err = f->keep > 0 ? by_keep(b, f, &clips, &keys, dim, &rounds)
                      : by_shares(b, f, &clips, &keys, dim, rounds.stay);
fail:
    free(list);
    return err;
}

/* ---- between the layers of an encoder ---- */

/* Of 12 layers the authors' 8, 9 and 10, with 2, 2 and 3 frames. */
static int default_joins(struct tempme *f, int32_t depth, struct wn_log *log)
{
    static const int32_t authors[][2] = {{8, 2}, {9, 2}, {10, 3}};

    f->join = wn_calloc(WN_LEN(authors), sizeof(*f->join));
    if (!f->join)
        return wn_nomem(log, "the filters");
    for (int i = 0; i < WN_LEN(authors); i++) {
        const int32_t layer = authors[i][0] * depth / 12;
        if (f->n_joins && layer <= f->join[f->n_joins - 1][0])
            continue; /* a tower with few layers */
        f->join[f->n_joins][0] = layer;
        f->join[f->n_joins++][1] = authors[i][1];
    }
    return WN_OK;
}

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    struct tempme *f = priv;
    int err, next = 0;

    if (!f->n_joins)
        TRY(default_joins(f, info->depth, log));
    wn_places_close(&f->places);
    if (f->weights)
        TRY(wn_places_open(&f->places, f->weights, (const int32_t(*)[2])f->join, f->n_joins, info,
                           log));
    f->depth = info->depth;
    f->patches = info->patches;
    cuts->proportional = f->proportional;
    for (int32_t l = 0; l < info->depth; l++) {
        if (next < f->n_joins && f->join[next][0] == l) {
            const int32_t frames = f->join[next++][1];
            cuts->frames *= frames;
            if (wn_cuts_add(cuts, (struct wn_cut){.point = 2 * l, .join = frames}))
                return wn_nomem(log, "the filters");
        }
        if (wn_cuts_add(cuts, (struct wn_cut){.point = 2 * l + 1, .taps = WN_TAP_KEYS}))
            return wn_nomem(log, "the filters");
    }
    if (f->places)
        cuts->frames = WN_MAX(cuts->frames, wn_places_frames(f->places));
    return WN_OK;
fail:
    return err;
}

/* Rows that a cut leaves of m. */
static int32_t left(const struct tempme *f, int32_t point, int32_t m)
{
    if (point % 2 == 0)
        return after(m, f->across);
    return f->n_joins && point / 2 >= f->join[0][0] ? after(m, f->within) : WN_MAX(m - f->r, 0);
}

/* What shall be left of frame i by `keep`: each cut takes its part. */
static int32_t goal(const struct tempme *f, const struct wn_build *b, int32_t i)
{
    const struct wn_layout *layout = b->rows->frames[i].layout;
    const int32_t special = wn_count_special(layout), patches = layout->n_rows - special;
    const double share = (double)wn_keep(f->keep, f->patches) / WN_MAX(f->patches, 1);
    const int64_t go = patches - (int64_t)(patches * share);
    int32_t done = b->cut->point / 2 + b->cut->point % 2, all = f->depth;

    for (int32_t k = 0; k < f->n_joins; k++) {
        done += 2 * f->join[k][0] <= b->cut->point;
        all += f->join[k][0] < f->depth;
    }
    return special + patches - (int32_t)(go * done / WN_MAX(all, 1));
}

/* stay[m], by `keep`, of the m rows that frames have. */
static void by_goal(const struct tempme *f, const struct wn_build *b, int32_t n_special,
                    int32_t *stay)
{
    const int32_t n = b->in.count ? b->in.n_frames : b->in.n + 1;

    for (int32_t m = 0; m <= b->in.n; m++)
        stay[m] = m;
    for (int32_t i = 0; i < n; i++) {
        const int32_t m = b->in.count ? b->in.count[i] : i;
        const int32_t want = goal(f, b, b->in.count ? i : 0);
        stay[m] = WN_MIN(stay[m], WN_MAX(want, wn_match_least(m, n_special, 2)));
    }
}

static int build_between(void *priv, struct wn_build *b)
{
    const struct tempme *f = priv;
    int32_t *stay = wn_build_scratch(b, (int64_t)b->in.n + 1), dim = b->in.dim;
    wn_buf metric = b->cut->point % 2 ? wn_build_keys(b, &dim) : b->in.data;
    struct clips clips;

    if (!stay)
        return WN_ERR_NOMEM;
    gather(b, 1, &clips); /* the encoder has joined them */
    for (int32_t m = 0; m <= b->in.n; m++)
        stay[m] = WN_MAX(left(f, b->cut->point, m), wn_match_least(m, clips.n_special, 2));
    if (f->keep > 0)
        by_goal(f, b, clips.n_special, stay);
    merge(b, f, &clips, stay, &metric, dim);
    free(stay);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct tempme, keep,
                "rows of a frame that remain; a share below 1; 0: `across` and `within` tell", 0),
    {"frames", "neighbouring frames that come together", offsetof(struct tempme, frames),
     AV_OPT_TYPE_INT, {.i64 = 2}, 1, 64, 0, NULL},
    {"across", "share of their rows that joins another first", offsetof(struct tempme, across),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.3}, 0, 1, 0, NULL},
    {"within", "share of what is left that joins another then", offsetof(struct tempme, within),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.1}, 0, 1, 0, NULL},
    {"joins", "between layers: where how many frames come together, like 8/2+9/2+10/3",
     offsetof(struct tempme, joins), AV_OPT_TYPE_STRING, {.str = NULL}, 0, 0, 0, NULL},
    {"r", "between layers: rows that join others in each layer before that",
     offsetof(struct tempme, r), AV_OPT_TYPE_INT, {.i64 = 2}, 0, 1 << 24, 0, NULL},
    {"proportional", "between layers: attention counts a row as often as it has patches",
     offsetof(struct tempme, proportional), AV_OPT_TYPE_BOOL, {.i64 = 1}, 0, 1, 0, NULL},
    {"weights", "between layers: safetensors file of TempMe's trained positions of frames, which "
     "are added where these come together; its LoRA: winnow convert-mmproj --lora",
     offsetof(struct tempme, weights), AV_OPT_TYPE_STRING, {.str = NULL}, 0, 0, 0, NULL},
    WN_OPT_ORDER(struct tempme, order,
                 "CLS rows, rows that could have joined others, the others; clip by clip"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

static const struct wn_encoder_ops encoder_ops = {
    .cuts = cuts,
    .build = build_between,
};

const struct wn_filter wn_filter_tempme = {
    .name = "tempme",
    .brief = "brings neighbouring frames together and merges their most similar rows",
    .paper = "TempMe (arXiv 2409.01156), LunarShen/TempMe @ e624930",
    .family = WN_SIMILARITY,
    .places = WN_AT_ENCODER | WN_AT_TOKEN,
    .needs = WN_NEED_KEYS,
    .options = options,
    .priv_size = sizeof(struct tempme),
    .init = init,
    .finish = finish,
    .token = &ops,
    .encoder = &encoder_ops,
};
