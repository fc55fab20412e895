/* SPDX-License-Identifier: MIT */
/* Frames make windows so that most rows can be saved: where a place is like itself from frame to
 * frame all through a window, it is one row, the mean, in the window's first frame. These become
 * clusters, of which the center counts most; of the others each frame keeps those with the most
 * attention. `keep` is what remains of all rows: the windows' saving counts. The windows are a
 * dynamic programme of the host. Frames of another grid than the one before begin a window. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"
#include "compress/made.h"

struct holitom {
    const AVClass *class;
    double keep, tau, beta;
    int k, window, order;
};

struct params {
    const struct wn_rows *rows; /* its layouts are read */
    int32_t n, n_frames, window, paper;
    float tau, beta;
    uint32_t keep[2]; /* a double */
};

static bool has_place(const struct params *p, const int32_t *cell, int32_t f, int32_t i)
{
    return p->rows->frames[f].layout->pos[cell[i]][0] >= 0;
}

/* ---- windows ---- */

/* buf[i] of the first step: ptr, cell, the row at the same place of the next frame, cosines with
 * it, ranks by attention; then flags of other rows that stay, how many of m rows do, work; then W
 * of places that are one row. */
struct work {
    const int32_t *ptr, *cell, *next;
    const float *cosine;
    int32_t *run;   /* [n] frames from a row's on through which its place stays the same */
    int32_t *order; /* [n] rows of a frame by rank */
    int32_t *saved; /* [T + 1] by the frames before */
    int32_t *from;  /* [T] where the best window that ends with a frame begins */
    int32_t *long_; /* [T + 1] rows of a frame with such a run or a longer one */
};

/* Rows of frame s whose place is the same for so many steps or more: long_[steps]. */
static void count_runs(const struct work *w, int32_t s, int32_t n_frames)
{
    memset(w->long_, 0, ((size_t)n_frames + 1) * sizeof(*w->long_));
    for (int32_t i = w->ptr[s]; i < w->ptr[s + 1]; i++)
        w->long_[w->run[i]]++;
    for (int32_t steps = n_frames; steps-- > 0;)
        w->long_[steps] += w->long_[steps + 1];
}

/* Where filters before left a place several rows, the first goes on in the next frame. */
static void find_runs(const struct params *p, const struct work *w, int32_t *taken)
{
    memset(taken, 0, (size_t)p->n * sizeof(*taken));
    for (int32_t f = p->n_frames; f-- > 0;) {
        for (int32_t i = w->ptr[f]; i < w->ptr[f + 1]; i++) {
            const int32_t next = w->next[i];
            w->run[i] = 0;
            if (next == WN_NONE || taken[next] || !(w->cosine[i] > p->tau) ||
                !has_place(p, w->cell, f, i))
                continue;
            w->run[i] = 1 + w->run[next];
            taken[next] = 1;
        }
    }
}

/* saved[e + 1]: the most that windows of frames up to e save. A longer window than another, or one
 * at all, must save more. */
static void find_windows(const struct params *p, const struct work *w, int32_t *gain)
{
    const int32_t T = p->n_frames;

    for (int32_t s = 0; s < T; s++) {
        count_runs(w, s, T);
        for (int32_t steps = 0; steps < T; steps++)
            gain[s * T + steps] = steps * w->long_[steps];
    }
    w->saved[0] = 0;
    for (int32_t e = 0; e < T; e++) {
        w->saved[e + 1] = w->saved[e];
        w->from[e] = e;
        for (int32_t size = 2; size <= WN_MIN(e + 1, p->window); size++) {
            const int32_t s = e - size + 1, all = w->saved[s] + gain[s * T + size - 1];
            if (all > w->saved[e + 1]) {
                w->saved[e + 1] = all;
                w->from[e] = s;
            }
        }
    }
    for (int32_t e = T - 1; e >= 0;) { /* from[t] becomes the first frame of t's window */
        const int32_t s = w->from[e];
        for (int32_t t = s; t <= e; t++)
            w->from[t] = s;
        e = s - 1;
    }
}

static int32_t window_end(const struct work *w, int32_t s, int32_t n_frames)
{
    int32_t e = s;

    while (e + 1 < n_frames && w->from[e + 1] == s)
        e++;
    return e;
}

/* The share of what is not saved that stays. */
static double share_of(const struct params *p, const struct work *w)
{
    double keep, all = 0;

    memcpy(&keep, p->keep, sizeof(keep));
    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = w->ptr[f]; i < w->ptr[f + 1]; i++)
            all += has_place(p, w->cell, f, i);
    }
    const double ratio = keep < 1 ? keep : keep / fmax(all, 1);
    return fmin(ratio / ((all - w->saved[p->n_frames]) / fmax(all, 1)), 1);
}

/* Of the rows of frame f that are not marked those with the most attention. */
static void keep_best(const struct params *p, const struct work *w, const int32_t *rank, int32_t f,
                      double share, int32_t *stays)
{
    const int32_t first = w->ptr[f], m = w->ptr[f + 1] - first;
    int32_t n = 0;

    for (int32_t i = first; i < first + m; i++) {
        w->order[first + rank[i]] = i;
        n += stays[i] == 0 && has_place(p, w->cell, f, i);
    }
    n = (int32_t)ceil(n * share);
    for (int32_t k = first; k < first + m; k++) {
        const int32_t i = w->order[k];
        if (stays[i])
            continue;
        if (!has_place(p, w->cell, f, i))
            stays[i] = 1;
        else if (n-- > 0)
            stays[i] = 1;
    }
}

enum { STAYS = 1, MERGED = 2 };

static void make_windows(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t T = p->n_frames;
    int32_t *stays = buf[5], *table = buf[6], *work = buf[7];
    struct wn_maker m = wn_maker(buf + 8);
    const struct work w = {buf[0], buf[1], buf[2], buf[3], work, work + p->n, work + 2 * p->n,
                           work + 2 * p->n + T + 1, work + 2 * p->n + 2 * T + 1};

    find_runs(p, &w, stays);
    find_windows(p, &w, w.long_ + T + 1);
    memset(stays, 0, (size_t)p->n * sizeof(*stays));
    const double share = share_of(p, &w);
    for (int32_t f = 0; f < T; f++) {
        const int32_t size = w.from[f] == f ? window_end(&w, f, T) - f + 1 : 1;
        for (int32_t i = w.ptr[f]; size > 1 && i < w.ptr[f + 1]; i++) {
            if (w.run[i] < size - 1)
                continue;
            wn_make_row(&m, f, i);
            for (int32_t k = 0, at = i; k < size; k++, at = w.next[at]) {
                wn_make_entry(&m, at, 1.0f / (float)size);
                stays[at] = MERGED;
            }
        }
    }
    wn_make_end(&m, T);
    for (int32_t f = 0; f < T; f++)
        keep_best(p, &w, buf[4], f, share, stays);
    for (int32_t i = 0; i <= p->n; i++)
        table[i] = i ? (int32_t)fmax(nearbyint(i * share), 1) : 0;
}

/* ---- rows ---- */

/* The first cell with a place: what stands before it is no newline, and stays. */
static int32_t first_place(const struct wn_layout *layout)
{
    int32_t i = 0;

    while (i < layout->n_rows && layout->pos[i][0] < 0)
        i++;
    return i;
}

/* What comes out of one frame. */
struct frame {
    const int32_t *cell, *stays, *w_ptr, *w_idx, *keep, *head, *next;
    float beta;
};

/* A center has `beta`, its members the rest; each is a mean itself. */
static void make_center(struct wn_maker *m, const struct frame *s, int32_t f, int32_t center)
{
    int32_t count = 0;

    for (int32_t k = s->head[center]; k != WN_NONE; k = s->next[k])
        count++;
    wn_make_row(m, f, s->w_idx[s->w_ptr[center]]);
    for (int32_t at = center, k = s->head[center]; at != WN_NONE;) {
        const float share = !count ? 1 : at == center ? s->beta : (1 - s->beta) / (float)count;
        const int32_t size = s->w_ptr[at + 1] - s->w_ptr[at];
        for (int32_t e = s->w_ptr[at]; e < s->w_ptr[at + 1]; e++)
            wn_make_entry(m, s->w_idx[e], share / (float)size);
        at = k;
        k = k == WN_NONE ? k : s->next[k];
    }
}

/* buf: ptr, cell, flags, W of the windows' rows (ptr, w_ptr, w_idx), which of them are centers,
 * what the others join, work; then W. */
static void make_rows(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *still = buf[3], *to = buf[7];
    int32_t *head = buf[8], *next = head + p->n;
    const struct frame s = {buf[1], buf[2], buf[4], buf[5], buf[6], head, next, p->beta};
    struct wn_maker m = wn_maker(buf + 9);

    for (int32_t r = still[p->n_frames]; r-- > 0;)
        head[r] = WN_NONE;
    for (int32_t r = still[p->n_frames]; r-- > 0;) {
        if (s.keep[r] || to[r] == WN_NONE)
            continue;
        next[r] = head[to[r]];
        head[to[r]] = r;
    }
    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t begin = first_place(p->rows->frames[f].layout);
        int32_t r = still[f], since = 0; /* rows since the last one without a place */
        for (int32_t i = ptr[f]; i <= ptr[f + 1]; i++) {
            const int32_t last = i == ptr[f + 1];
            for (; r < still[f + 1] && (p->paper || last || s.w_idx[s.w_ptr[r]] < i); r++) {
                if (s.keep[r])
                    make_center(&m, &s, f, r);
                since += s.keep[r];
            }
            if (last || s.stays[i] != STAYS)
                continue;
            const bool place = has_place(p, s.cell, f, i);
            if (place || since || s.cell[i] < begin) {
                wn_make_row(&m, f, i);
                wn_make_entry(&m, i, 1);
            }
            since = place ? since + 1 : 0;
        }
    }
    wn_make_end(&m, p->n_frames);
}

#define R WN_READ
#define W WN_WRITE
static const struct wn_kernel windows_kernel = {
    .name = "windows of holitom", .n_bufs = 13, .access = {R, R, R, R, R, W, W, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = make_windows, .host = true,
};
static const struct wn_kernel rows_kernel = {
    .name = "rows of windows", .n_bufs = 14, .access = {R, R, R, R, R, R, R, R, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = make_rows, .host = true,
};
#undef R
#undef W

/* ---- the plan ---- */

/* The row at the same place of the next frame, where grids are the same. */
static wn_buf next_rows(struct wn_build *b)
{
    const int32_t T = b->in.n_frames;
    const wn_buf next = wn_plan_temp(b->plan, "next", b->in.n);
    int32_t *ref = wn_build_scratch(b, T);

    for (int32_t t = 0; ref && t < T; t++) {
        const struct wn_layout *a = b->rows->frames[t].layout;
        const struct wn_layout *z = t + 1 < T ? b->rows->frames[t + 1].layout : NULL;
        ref[t] = z && a->grid_h == z->grid_h && a->grid_w == z->grid_w ? t + 1 : WN_NONE;
    }
    if (ref)
        WN_CALL(b, pair, (&(struct wn_pair_params){b->in.n, T}), b->in.cell, b->in.ptr,
                wn_build_ints(b, "next frame", ref, T), next);
    free(ref);
    return next;
}

static wn_buf cosines(struct wn_build *b, wn_buf next)
{
    const wn_buf y = wn_plan_temp(b->plan, "cosine", b->in.n);
    const struct wn_pair_cos_params p = {
        .n = b->in.n,
        .n_frames = b->in.n_frames,
        .dim = b->in.dim,
        .scale = 1,
        .none = -3,
    };

    WN_CALL(b, pair_cos, &p, b->in.data, next, b->in.ptr, y);
    return y;
}

static int build(void *priv, struct wn_build *b)
{
    const struct holitom *f = priv;
    const int32_t n = b->in.n, T = b->in.n_frames;
    struct params p = {b->rows, n, T, f->window, f->order == WN_PAPER, (float)f->tau,
                       (float)f->beta, {0}};
    struct wn_made still = {.n_out = n / 2, .n_entries = n};
    struct wn_made made = {.n_out = n, .n_entries = n, .most = wn_build_most(b)};
    const wn_buf stays = wn_plan_temp(b->plan, "stays", n);
    const wn_buf table = wn_plan_temp(b->plan, "table", (int64_t)n + 1);
    const wn_buf work = wn_plan_temp(b->plan, "runs", 2 * (int64_t)n + 3 * T + 3 + (int64_t)T * T);

    memcpy(p.keep, &f->keep, sizeof(f->keep));
    b->in.score = wn_build_cls_score(b, -2, -1, true, -1.0f);
    if (b->in.score == WN_NONE)
        return WN_OK;
    const wn_buf next = next_rows(b);
    wn_build_made(b, &still);
    wn_build_made(b, &made);
    wn_plan_call(b->plan, &windows_kernel, &p, (const wn_buf[]){
        b->in.ptr, b->in.cell, next, cosines(b, next), wn_build_rank(b, b->in.score), stays, table,
        work, still.ptr, still.base, still.w_ptr, still.w_idx, still.w,
    });
    struct wn_clusters c = {
        .n = still.n_out,
        .n_segments = T,
        .dim = b->in.dim,
        .width = WN_MIN(wn_build_most(b), WN_MAX(still.n_out, 1)),
        .data = wn_build_apply(b, &still, b->in.data),
        .ptr = still.ptr,
        .table = table,
        .k = f->k,
        .capped = true,
    };
    wn_build_find_clusters(b, &c);
    wn_plan_call(b->plan, &rows_kernel, &p, (const wn_buf[]){
        b->in.ptr, b->in.cell, stays, still.ptr, still.w_ptr, still.w_idx, c.keep, c.to,
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
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct holitom, keep, "rows of the segment that stay, a share below 1", 0.1),
    {"tau", "cosine above which a place is the same in the next frame",
     offsetof(struct holitom, tau), AV_OPT_TYPE_DOUBLE, {.dbl = 0.8}, -2, 2, 0, NULL},
    {"beta", "what a cluster's center counts", offsetof(struct holitom, beta), AV_OPT_TYPE_DOUBLE,
     {.dbl = 0.6}, 0, 1, 0, NULL},
    {"k", "neighbours that make a density", offsetof(struct holitom, k), AV_OPT_TYPE_INT,
     {.i64 = 7}, 1, WN_DENSITY_MOST, 0, NULL},
    {"window", "most frames of a window", offsetof(struct holitom, window), AV_OPT_TYPE_INT,
     {.i64 = 1024}, 1, 1 << 20, 0, NULL},
    WN_OPT_ORDER(struct holitom, order, "rows of the window first"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_holitom = {
    .name = "holitom",
    .brief = "merges places that stay the same in windows chosen to save most, prunes the others",
    .paper = "HoliTom (arXiv 2505.21334), cokeshao/HoliTom @ e9b2972",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_GRID | WN_NEED_HOST,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct holitom),
    .token = &ops,
};
