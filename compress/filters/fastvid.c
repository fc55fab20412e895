/* SPDX-License-Identifier: MIT */
/* Frames make segments where the vectors of neighbours differ. Of each frame stay, as they are, the
 * rows with the most attention. The others of a segment are told by a few: peaks of density in its
 * last frame and in every p-th before it, each mixed with the mean of the segment's rows that are
 * most like it. Every such frame tells the whole segment again. A frame's vector is the model's
 * pooled one, and the mean of its rows where it has none. Rows without a place go, as newlines do
 * in the authors' code. */
#include <stdlib.h>
#include <string.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"
#include "compress/made.h"

struct fastvid {
    const AVClass *class;
    double keep, tau, context, beta;
    int segments, step, k;
};

struct params {
    const struct wn_rows *rows; /* its layouts are read */
    int32_t n, n_frames, segments, step, slots;
    float tau, beta;
    uint32_t keep[2], context[2]; /* doubles */
};

/* What the steps of the host tell each other of a frame. */
struct frame {
    int32_t first, end; /* frames of its segment */
    int32_t n;          /* rows of it that tell the segment */
};

/* ---- segments and rows with attention ---- */

/* Ends of segments: the segments - 1 lowest of T - 1 cosines, and those below tau. */
static void cut(const struct params *p, const float *cosine, struct frame *frame)
{
    const int32_t T = p->n_frames;

    for (int32_t t = 0; t < T; t++)
        frame[t] = (struct frame){.n = t == T - 1 || cosine[t] < p->tau};
    for (int32_t n = 1; n < p->segments; n++) { /* `first` marks the lowest so far */
        int32_t least = WN_NONE;
        for (int32_t t = 0; t < T - 1; t++) {
            if (!frame[t].first && (least == WN_NONE || cosine[t] < cosine[least]))
                least = t;
        }
        if (least == WN_NONE)
            break;
        frame[least].first = frame[least].n = 1;
    }
    for (int32_t t = 0, first = 0; t < T; t++) {
        const bool last = frame[t].n;
        for (int32_t k = first; last && k <= t; k++)
            frame[k] = (struct frame){first, t + 1, 0};
        first = last ? t + 1 : first;
    }
}

/* How many of m rows stay for their attention, and how many for their frame. */
static void counts(const struct params *p, int32_t m, int32_t *salient, int32_t *context)
{
    double keep, share;

    memcpy(&keep, p->keep, sizeof(keep));
    memcpy(&share, p->context, sizeof(share));
    const int32_t all = wn_keep(keep, m);
    *context = (int32_t)(all * share);
    *salient = all - *context;
}

/* Of a segment its last frame, and every step-th before that, share what its frames may have. */
static void allot(const struct params *p, const int32_t *places, struct frame *frame)
{
    for (int32_t first = 0; first < p->n_frames; first = frame[first].end) {
        const int32_t end = frame[first].end, n = (end - first + p->step - 1) / p->step;
        int64_t all = 0;
        for (int32_t t = first; t < end; t++) {
            int32_t salient, context;
            counts(p, places[t], &salient, &context);
            all += context;
        }
        for (int32_t t = first; t < end; t++)
            frame[t].n = (end - 1 - t) % p->step ? 0 : (int32_t)(all / n);
    }
}

/* buf: ptr, cell, cosines of frames, ranks by attention; then what becomes of each row, the rows
 * that do not stay yet, where those of a frame begin, frames, work. */
enum { GOES, SALIENT, OTHER };

static void choose(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *cell = buf[1], *rank = buf[3];
    int32_t *what = buf[4], *rest = buf[5], *rest_ptr = buf[6], *order = buf[8];
    int32_t *places = order + p->n, n = 0;
    struct frame *frame = buf[7];

    cut(p, buf[2], frame);
    rest_ptr[0] = 0;
    for (int32_t f = 0; f < p->n_frames; f++) {
        const struct wn_layout *layout = p->rows->frames[f].layout;
        int32_t salient, context;
        places[f] = 0;
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            order[ptr[f] + rank[i]] = i;
            what[i] = layout->pos[cell[i]][0] < 0 ? GOES : OTHER;
            places[f] += what[i] == OTHER;
        }
        counts(p, places[f], &salient, &context);
        for (int32_t k = ptr[f]; k < ptr[f + 1]; k++) {
            if (what[order[k]] == OTHER && salient-- > 0)
                what[order[k]] = SALIENT;
        }
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            if (what[i] == OTHER)
                rest[n++] = i;
        }
        rest_ptr[f + 1] = n;
    }
    allot(p, places, frame);
}

/* ---- rows that tell the others ---- */

/* buf: where frames begin among the others, their ranks by density, frames; then the rows (among
 * the others) that tell, where those of a frame begin, and for each frame and slot where those of
 * the segment's frames do. */
static void targets(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *rest_ptr = buf[0], *rank = buf[1];
    const struct frame *frame = buf[2];
    int32_t *target = buf[3], *target_ptr = buf[4], *range = buf[5], n = 0;

    target_ptr[0] = 0;
    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = rest_ptr[f]; i < rest_ptr[f + 1]; i++) {
            if (rank[i] < frame[f].n)
                target[n++] = i;
        }
        target_ptr[f + 1] = n;
    }
    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t a = 0; a < p->slots; a++) {
            const int32_t t = frame[f].end - 1 - a * p->step; /* slot 0: the last frame */
            const bool is = t >= frame[f].first;
            range[2 * (f * p->slots + a)] = is ? target_ptr[t] : 0;
            range[2 * (f * p->slots + a) + 1] = is ? target_ptr[t + 1] : 0;
        }
    }
}

/* ---- rows ---- */

/* buf: ptr, what becomes of each row, the others and where they begin, the target of each slot of
 * theirs, frames, targets and where they begin, work; then W. */
struct told {
    const struct params *p;
    const int32_t *ptr, *what, *rest, *rest_ptr, *to;
    const struct frame *frame;
    int32_t *head, *next;
};

/* Members of every target of frame f, in order. */
static void list_members(const struct told *s, int32_t f, int32_t first, int32_t end)
{
    const int32_t slot = (s->frame[f].end - 1 - f) / s->p->step;
    const int32_t *to = s->to + (int64_t)slot * s->p->n;

    for (int32_t t = first; t < end; t++)
        s->head[t] = WN_NONE;
    for (int32_t i = s->rest_ptr[s->frame[f].end]; i-- > s->rest_ptr[s->frame[f].first];) {
        if (first == end || to[i] == WN_NONE)
            continue;
        s->next[i] = s->head[to[i]];
        s->head[to[i]] = i;
    }
}

static void make_target(const struct told *s, struct wn_maker *m, int32_t row, int32_t target)
{
    int32_t count = 0;

    for (int32_t i = s->head[target]; i != WN_NONE; i = s->next[i])
        count++;
    const float least = 1.0f / (float)(count + 1);
    const float own = !count ? 1 : least > s->p->beta ? least : s->p->beta;
    wn_make_entry(m, row, own);
    for (int32_t i = s->head[target]; i != WN_NONE; i = s->next[i])
        wn_make_entry(m, s->rest[i], (1 - own) / (float)count);
}

static void make_rows(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *target = buf[6], *target_ptr = buf[7];
    int32_t *work = buf[8];
    const struct told s = {p, buf[0], buf[1], buf[2], buf[3], buf[4], buf[5], work, work + p->n};
    struct wn_maker m = wn_maker(buf + 9);

    for (int32_t f = 0; f < p->n_frames; f++) {
        int32_t t = target_ptr[f];
        list_members(&s, f, t, target_ptr[f + 1]);
        for (int32_t i = s.ptr[f]; i < s.ptr[f + 1]; i++) {
            const bool told = t < target_ptr[f + 1] && s.rest[target[t]] == i;
            if (s.what[i] != SALIENT && !told)
                continue;
            wn_make_row(&m, f, i);
            if (told)
                make_target(&s, &m, i, t++);
            else
                wn_make_entry(&m, i, 1);
        }
    }
    wn_make_end(&m, p->n_frames);
}

#define R WN_READ
#define W WN_WRITE
static const struct wn_kernel choose_kernel = {
    .name = "segments of fastvid", .n_bufs = 9, .access = {R, R, R, R, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = choose, .host = true,
};
static const struct wn_kernel targets_kernel = {
    .name = "rows that tell", .n_bufs = 6, .access = {R, R, R, W, W, W},
    .params_size = sizeof(struct params), .ref = targets, .host = true,
};
static const struct wn_kernel rows_kernel = {
    .name = "rows of segments", .n_bufs = 14, .access = {R, R, R, R, R, R, R, R, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = make_rows, .host = true,
};
#undef R
#undef W

/* ---- the plan ---- */

/* Cosines of each frame's vector with the next one's. */
static wn_buf frame_cosines(struct wn_build *b)
{
    const struct wn_rows *r = b->rows;
    const int32_t T = b->in.n_frames, all[2] = {0, T};
    const struct wn_pair_cos_params p = {
        .n = T,
        .n_frames = 1,
        .dim = r->global ? r->global_dim : b->in.dim,
        .scale = 1,
        .none = 2,
    };
    const wn_buf x = r->global ? wn_plan_input(b->plan, "frames", r->global,
                                               (int64_t)T * r->global_dim)
                               : wn_build_frame_means(b);
    const wn_buf y = wn_plan_temp(b->plan, "cosines", T);
    int32_t *next = wn_build_scratch(b, T);

    for (int32_t t = 0; next && t < T; t++)
        next[t] = t + 1 < T ? t + 1 : WN_NONE;
    if (next)
        WN_CALL(b, pair_cos, &p, x, wn_build_ints(b, "next", next, T),
                wn_build_ints(b, "all", all, 2), y);
    free(next);
    return y;
}

static wn_buf take(struct wn_build *b, wn_buf x, wn_buf idx, wn_buf ptr)
{
    const wn_buf y = wn_plan_temp(b->plan, "taken", (int64_t)b->in.n * b->in.dim);

    WN_CALL(b, take, (&(struct wn_take_params){b->in.n, b->in.n_frames, b->in.dim}), x, idx, ptr,
            y);
    return y;
}

/* Targets of the others, by the densest peaks of each frame, and the closest of every segment's
 * frame for each of the others. */
struct peaks {
    wn_buf target, ptr, to;
};

static struct peaks find_peaks(struct wn_build *b, const struct fastvid *f, const struct params *p,
                               wn_buf x, wn_buf ptr, wn_buf frames)
{
    const int32_t n = b->in.n, T = b->in.n_frames, dim = b->in.dim;
    const wn_buf range = wn_plan_temp(b->plan, "ranges", 2 * (int64_t)T * p->slots);
    const wn_buf unit = wn_plan_temp(b->plan, "unit rows", (int64_t)n * dim);
    struct peaks peaks = {wn_plan_temp(b->plan, "targets", n),
                          wn_plan_temp(b->plan, "target ptr", (int64_t)T + 1),
                          wn_plan_temp(b->plan, "to", (int64_t)n * p->slots)};
    struct wn_clusters c = {
        .n = n,
        .n_segments = T,
        .dim = dim,
        .width = wn_build_most(b),
        .data = x,
        .ptr = ptr,
        .k = f->k,
    };

    wn_build_find_peaks(b, &c);
    wn_plan_call(b->plan, &targets_kernel, p, (const wn_buf[]){
        ptr, c.rank, frames, peaks.target, peaks.ptr, range,
    });
    WN_CALL(b, unit, (&(struct wn_unit_params){n, T, dim}), x, ptr, unit);
    WN_CALL(b, closest, (&(struct wn_closest_params){n, T, dim, p->slots}), unit, ptr,
            take(b, unit, peaks.target, peaks.ptr), range, peaks.to);
    return peaks;
}

static int build(void *priv, struct wn_build *b)
{
    const struct fastvid *f = priv;
    const int32_t n = b->in.n, T = b->in.n_frames;
    struct params p = {b->rows, n, T, f->segments, f->step, WN_MAX((T + f->step - 1) / f->step, 1),
                       (float)f->tau, (float)f->beta, {0}, {0}};
    struct wn_made made = {.n_out = n, .n_entries = n * WN_MIN(p.slots + 2, INT32_MAX / (n + 1))};
    const wn_buf what = wn_plan_temp(b->plan, "what", n), rest = wn_plan_temp(b->plan, "rest", n);
    const wn_buf ptr = wn_plan_temp(b->plan, "rest ptr", (int64_t)T + 1);
    const wn_buf frames = wn_plan_temp(b->plan, "frames", 3 * (int64_t)T);

    memcpy(p.keep, &f->keep, sizeof(f->keep));
    memcpy(p.context, &f->context, sizeof(f->context));
    b->in.score = wn_build_cls_score(b, -2, -1, true, -1.0f);
    if (b->in.score == WN_NONE)
        return WN_OK;
    wn_build_made(b, &made);
    wn_plan_call(b->plan, &choose_kernel, &p, (const wn_buf[]){
        b->in.ptr, b->in.cell, frame_cosines(b), wn_build_rank(b, b->in.score), what, rest, ptr,
        frames, wn_plan_temp(b->plan, "order", (int64_t)n + T),
    });
    const struct peaks peaks = find_peaks(b, f, &p, take(b, b->in.data, rest, ptr), ptr, frames);
    wn_plan_call(b->plan, &rows_kernel, &p, (const wn_buf[]){
        b->in.ptr, what, rest, ptr, peaks.to, frames, peaks.target, peaks.ptr,
        wn_plan_temp(b->plan, "members", 2 * (int64_t)n), made.ptr, made.base, made.w_ptr,
        made.w_idx, made.w,
    });
    wn_build_rows(b, &made);
    return WN_OK;
}

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    needs->global = true;
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct fastvid, keep, "rows of a frame, a share below 1, on average", 0.1),
    {"segments", "at least so many, where there are as many frames",
     offsetof(struct fastvid, segments), AV_OPT_TYPE_INT, {.i64 = 8}, 1, 1 << 20, 0, NULL},
    {"tau", "cosine of two frames' vectors below which a segment ends: of the model's pooled ones, "
     "else of the means of their rows", offsetof(struct fastvid, tau), AV_OPT_TYPE_DOUBLE,
     {.dbl = 0.9}, -2, 2, 0, NULL},
    {"context", "share of `keep` that tells the other rows", offsetof(struct fastvid, context),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.4}, 0, 1, 0, NULL},
    {"step", "frames of a segment from one that tells to the next", offsetof(struct fastvid, step),
     AV_OPT_TYPE_INT, {.i64 = 4}, 1, 1 << 20, 0, NULL},
    {"beta", "what a row that tells counts itself", offsetof(struct fastvid, beta),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.6}, 0, 1, 0, NULL},
    {"k", "neighbours that make a density", offsetof(struct fastvid, k), AV_OPT_TYPE_INT,
     {.i64 = 4}, 1, WN_DENSITY_MOST, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_fastvid = {
    .name = "fastvid",
    .brief = "keeps rows with attention, and peaks that tell the others of a segment of frames",
    .paper = "FastVID (arXiv 2503.11187), LunarShen/FastVID @ a40a109",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_GLOBAL | WN_NEED_HOST,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct fastvid),
    .token = &ops,
};
