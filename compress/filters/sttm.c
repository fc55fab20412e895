/* SPDX-License-Identifier: MIT */
/* Each frame is a tree of squares. A square is one row when it is like the four that it is made of,
 * else these are looked at. Then squares of neighbouring frames, where one covers the other, hang
 * together when they are alike, and become their mean. Frames of other grids than the one before
 * begin anew. compat=released keeps two quirks of the authors' code: at an edge of odd length the
 * squares that are not there are taken for the frame's first one, and labels may stop spreading
 * before all that hang together have the same one. */
#include <stdlib.h>
#include <string.h>

#include "compress/filters/options.h"
#include "compress/quadtree.h"

struct sttm {
    const AVClass *class;
    double threshold, temporal;
    int drop, head_dim, weighted, slow, compat;
};

struct params {
    const struct wn_rows *rows; /* its layouts are read */
    int32_t n, n_frames, drop, released, slow, weighted;
    float threshold, temporal;
};

/* ---- squares: W of all above the rows, and pairs of a square and a part of it ---- */

/* The k-th part of a square, or what stands for it; WN_NONE: nothing does. */
static int32_t part_of(const struct wn_quad *q, int32_t level, const int32_t at[2], int k,
                       bool released)
{
    static const int32_t origin[2];
    int32_t child[2];

    if (wn_quad_child(q, level, at, k, child))
        return wn_quad_id(q, level - 1, child);
    return released ? wn_quad_id(q, level - 1, origin) : WN_NONE;
}

/* buf: ptr, cell, ids, pairs with rows, how many, pairs with squares, how many, then W. */
static void squares(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0];
    int32_t *pair[2] = {buf[3], buf[5]}, *count[2] = {buf[4], buf[6]};
    struct wn_maker m = wn_maker(buf + 7);
    struct wn_quad q;

    *count[0] = *count[1] = 0;
    for (int32_t f = 0; f < p->n_frames; f++) {
        wn_quad_make(&q, p->rows->frames[f].layout, buf[1], ptr[f], ptr[f + 1], p->drop, m.n,
                     buf[2]);
        for (int32_t l = 1; l < q.levels; l++) {
            for (int32_t i = 0; i < q.h[l] * q.w[l]; i++) {
                const int32_t at[2] = {i / q.w[l], i % q.w[l]}, id = wn_quad_id(&q, l, at);
                const int above = l > 1;
                if (id == WN_NONE)
                    continue;
                wn_make_row(&m, f, wn_quad_first(&q, l, at));
                wn_quad_entries(&q, l, at, 1, &m);
                for (int k = 0; k < 4; k++) {
                    const int32_t part = part_of(&q, l, at, k, p->released);
                    int32_t *next = pair[above] + 2 * (int64_t)(*count[above])++;
                    next[0] = id;
                    next[1] = part == WN_NONE ? 0 : part;
                }
            }
        }
    }
    wn_make_end(&m, p->n_frames);
}

/* ---- which squares stay ---- */

struct choice {
    const struct params *p;
    struct wn_quad q;
    const float *cosine[2]; /* of this frame's pairs on, with rows and with squares */
    int32_t low;            /* squares of level 1, which have pairs of their own */
    int32_t *at;            /* [grid] what begins at a place: level + 1, 0: nothing */
};

static bool whole(const struct choice *c, int32_t level, const int32_t at[2])
{
    const int64_t before = wn_quad_id(&c->q, level, at) - c->q.node0 - (level > 1 ? c->low : 0);
    const float *cosine = c->cosine[level > 1] + 4 * before;

    for (int k = 0; k < 4; k++) {
        if (part_of(&c->q, level, at, k, c->p->released) != WN_NONE &&
            !(cosine[k] >= c->p->threshold))
            return false;
    }
    return true;
}

static void look(struct choice *c, int32_t level, const int32_t at[2])
{
    int32_t box[4], child[2];

    if (wn_quad_id(&c->q, level, at) == WN_NONE)
        return;
    if (!level || whole(c, level, at)) {
        wn_quad_box(&c->q, level, at, box);
        c->at[box[0] * c->q.w[0] + box[1]] = level + 1;
        return;
    }
    for (int k = 0; k < 4; k++) {
        if (wn_quad_child(&c->q, level, at, k, child))
            look(c, level - 1, child);
    }
}

/* The square of a level that begins at a place. */
static void square_at(const struct wn_quad *q, int32_t level, int32_t y, int32_t x, int32_t at[2])
{
    at[0] = y;
    at[1] = x;
    for (int32_t l = 0; l < level; l++) {
        at[0] = (at[0] + q->h[l] % 2) / 2;
        at[1] = (at[1] + q->w[l] % 2) / 2;
    }
}

/* Squares of a frame, and which of them covers a place. */
struct cover {
    const struct wn_layout *layout;
    int32_t *of;        /* [grid] */
    int32_t first, end; /* rows that come out */
};

static void stay(struct choice *c, struct wn_maker *m, int32_t frame, struct cover *cover,
                 int32_t *box)
{
    const struct wn_quad *q = &c->q;

    for (int32_t i = 0; i < q->h[0] * q->w[0]; i++)
        cover->of[i] = WN_NONE;
    for (int32_t i = 0; i < q->h[0] * q->w[0]; i++) {
        int32_t at[2], *own = box + 4 * (int64_t)m->n;
        if (!c->at[i])
            continue;
        square_at(q, c->at[i] - 1, i / q->w[0], i % q->w[0], at);
        wn_quad_box(q, c->at[i] - 1, at, own);
        for (int32_t y = own[0]; y < own[2]; y++) {
            for (int32_t x = own[1]; x < own[3]; x++)
                cover->of[y * q->w[0] + x] = m->n;
        }
        wn_make_row(m, frame, wn_quad_first(q, c->at[i] - 1, at));
        wn_quad_entries(q, c->at[i] - 1, at, 1, m);
    }
}

/* Rows that are in no tree: without a place, or not the first at theirs. */
static void stay_alone(const struct choice *c, struct wn_maker *m, int32_t frame,
                       const int32_t *cell, int32_t first, int32_t end)
{
    const struct wn_layout *layout = c->p->rows->frames[frame].layout;

    for (int32_t i = first; i < end; i++) {
        const int32_t *pos = layout->pos[cell[i]];
        if (pos[0] >= 0 && wn_quad_id(&c->q, 0, pos) == i)
            continue;
        wn_make_row(m, frame, i);
        wn_make_entry(m, i, 1);
    }
}

static int64_t area(const int32_t *box)
{
    return (int64_t)(box[2] - box[0]) * (box[3] - box[1]);
}

static void add_pair(int32_t *pair, int32_t *count, int32_t a, int32_t b)
{
    pair[2 * *count] = a;
    pair[2 * *count + 1] = b;
    ++*count;
}

/* Pairs of squares of two frames, of which one covers the other. Of two that share a place, the
 * larger one does. */
static void meet(const struct cover *a, const struct cover *b, const int32_t *box, int32_t *pair,
                 int32_t *count)
{
    const int32_t w = a->layout->grid_w;

    if (a->layout->grid_h != b->layout->grid_h || w != b->layout->grid_w)
        return;
    for (int32_t v = b->first; v < b->end; v++) {
        const int32_t *own = box + 4 * (int64_t)v, u = a->of[own[0] * w + own[1]];
        if (u != WN_NONE && area(box + 4 * (int64_t)u) >= area(own))
            add_pair(pair, count, u, v);
    }
    for (int32_t u = a->first; u < a->end; u++) {
        const int32_t *own = box + 4 * (int64_t)u, v = b->of[own[0] * w + own[1]];
        if (v != WN_NONE && area(box + 4 * (int64_t)v) > area(own))
            add_pair(pair, count, u, v);
    }
}

/* Squares of a frame that are one row, in c->at. */
static void begin_frame(struct choice *c, int32_t f, const int32_t *cell, const int32_t *ptr,
                        int32_t node0, int32_t *ids)
{
    struct wn_quad *q = &c->q;

    wn_quad_make(q, c->p->rows->frames[f].layout, cell, ptr[f], ptr[f + 1], c->p->drop, node0, ids);
    const int32_t top = q->levels - 1;
    c->low = 0;
    for (int32_t i = 0; top > 0 && i < q->h[1] * q->w[1]; i++)
        c->low += q->id[1][i] != WN_NONE;
    memset(c->at, 0, (size_t)(q->h[0] * q->w[0]) * sizeof(*c->at));
    for (int32_t i = 0; i < q->h[top] * q->w[top]; i++)
        look(c, top, (int32_t[]){i / q->w[top], i % q->w[top]});
}

/* buf: ptr, cell, cosines with rows and with squares, ids, places (three grids), boxes, pairs, how
 * many, then W. */
static void choose(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *cell = buf[1];
    struct choice c = {.p = p, .cosine = {buf[2], buf[3]}, .at = buf[5]};
    int32_t *box = buf[6], *pair = buf[7], *count = buf[8], grid = 0, node = 0;
    struct wn_maker m = wn_maker(buf + 9);
    struct cover cover[2] = {{NULL}};

    *count = 0;
    for (int32_t f = 0; f < p->n_frames; f++) {
        const struct wn_layout *layout = p->rows->frames[f].layout;
        grid = WN_MAX(grid, layout->grid_h * layout->grid_w);
    }
    cover[0].of = c.at + grid;
    cover[1].of = cover[0].of + grid;
    for (int32_t f = 0; f < p->n_frames; f++) {
        struct cover *own = &cover[f % 2];
        begin_frame(&c, f, cell, ptr, node, buf[4]);
        own->layout = p->rows->frames[f].layout;
        own->first = m.n;
        stay(&c, &m, f, own, box);
        own->end = m.n;
        stay_alone(&c, &m, f, cell, ptr[f], ptr[f + 1]);
        if (f)
            meet(&cover[!(f % 2)], own, box, pair, count);
        node += c.q.n_nodes;
        c.cosine[0] += 4 * c.low;
        c.cosine[1] += 4 * (c.q.n_nodes - c.low);
    }
    wn_make_end(&m, p->n_frames);
}

/* ---- what hangs together over time ---- */

/* Best first, then the one that comes first; a shell sort. */
static void sort(int32_t *order, const float *cosine, int32_t n)
{
    for (int32_t gap = n / 2; gap > 0; gap /= 2) {
        for (int32_t i = gap; i < n; i++) {
            const int32_t e = order[i];
            int32_t k = i;
            for (; k >= gap && wn_before(cosine[e], e, cosine[order[k - gap]], order[k - gap]);
                 k -= gap)
                order[k] = order[k - gap];
            order[k] = e;
        }
    }
}

/* One pair, the best, for each square of the later frame; released: pairs of two frames in order of
 * their cosines, without those of the same later square as the pair before. */
static int32_t thin_out(const struct params *p, const int32_t *ptr, int32_t *order,
                        const int32_t *pair, const float *cosine, int32_t n, int32_t *seen)
{
    int32_t kept = 0, end = 0;

    memset(seen, 0, (size_t)p->n * sizeof(*seen));
    for (int32_t first = 0, f = 0; first < n; first = end) {
        while (ptr[f + 1] <= pair[2 * order[first] + 1])
            f++;
        for (end = first; end < n && pair[2 * order[end] + 1] < ptr[f + 1];)
            end++;
        sort(order + first, cosine, end - first);
        for (int32_t i = first, last = WN_NONE; i < end; i++) {
            const int32_t v = pair[2 * order[i] + 1];
            if (p->released ? v != last : !seen[v])
                order[kept++] = order[i];
            seen[v] = 1;
            last = v;
        }
    }
    return kept;
}

/* label[i] becomes the lowest of those that hang together with i, or, released, what the authors'
 * loop makes of it: lowest labels go over every pair at once, then labels of labels are taken,
 * until that changes nothing. */
static void spread(int32_t *label, int32_t *next, int32_t n, const int32_t *pair,
                   const int32_t *order, int32_t n_pairs, bool released)
{
    for (int32_t i = 0; i < n; i++)
        label[i] = i;
    for (bool more = n_pairs > 0; more;) {
        more = false;
        memcpy(next, label, (size_t)n * sizeof(*next));
        for (int32_t i = 0; i < n_pairs; i++) {
            const int32_t a = pair[2 * order[i]], b = pair[2 * order[i] + 1];
            next[b] = WN_MIN(next[b], label[a]);
            if (!released)
                next[a] = WN_MIN(next[a], label[b]);
        }
        for (int32_t i = 0; i < n; i++) {
            more |= !released && next[next[i]] != label[i];
            label[i] = next[next[i]];
        }
        for (int32_t i = 0; released && i < n; i++)
            more |= label[i] != label[label[i]];
    }
}

/* buf: ptr and W's ptr of the squares, pairs, how many, cosines, work, then W. */
static void join(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *patches = buf[1], *pair = buf[2], n = ptr[p->n_frames];
    const float *cosine = buf[4];
    int32_t *label = buf[5], *next = label + p->n, *head = next + p->n, *order = head + p->n;
    struct wn_maker m = wn_maker(buf + 6);
    int32_t n_pairs = 0;

    for (int32_t e = 0; e < ((const int32_t *)buf[3])[0]; e++) {
        if (cosine[e] >= p->temporal)
            order[n_pairs++] = e;
    }
    if (p->slow)
        n_pairs = thin_out(p, ptr, order, pair, cosine, n_pairs, next);
    spread(label, next, n, pair, order, n_pairs, p->released);
    for (int32_t i = 0; i < n; i++)
        head[i] = WN_NONE;
    for (int32_t i = n; i-- > 0;) {
        next[i] = head[label[i]];
        head[label[i]] = i;
    }
    for (int32_t i = 0, f = 0; i < n; i++) {
        float all = 0;
        while (ptr[f + 1] <= i)
            f++;
        for (int32_t k = head[i]; k != WN_NONE; k = next[k])
            all += p->weighted ? (float)(patches[k + 1] - patches[k]) : 1;
        if (head[i] == WN_NONE)
            continue;
        wn_make_row(&m, f, head[i]);
        for (int32_t k = head[i]; k != WN_NONE; k = next[k])
            wn_make_entry(&m, k, (p->weighted ? (float)(patches[k + 1] - patches[k]) : 1) / all);
    }
    wn_make_end(&m, p->n_frames);
}

#define R WN_READ
#define W WN_WRITE
static const struct wn_kernel squares_kernel = {
    .name = "squares", .n_bufs = 12, .access = {R, R, W, W, W, W, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = squares, .host = true,
};
static const struct wn_kernel choose_kernel = {
    .name = "squares that stay", .n_bufs = 14,
    .access = {R, R, R, R, W, W, W, W, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = choose, .host = true,
};
static const struct wn_kernel join_kernel = {
    .name = "squares over time", .n_bufs = 11, .access = {R, R, R, R, R, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = join, .host = true,
};
#undef R
#undef W

/* ---- the plan ---- */

static wn_buf link(struct wn_build *b, const struct sttm *f, wn_buf x, wn_buf z, wn_buf pair,
                   wn_buf count, int64_t n)
{
    const struct wn_link_params p = {
        .n = (int32_t)n,
        .dim = b->in.dim,
        .heads = f->head_dim ? b->in.dim / f->head_dim : 1,
    };
    const wn_buf y = wn_plan_temp(b->plan, "cosines", n);

    WN_CALL(b, link, &p, x, z, pair, count, y);
    return y;
}

/* First stage. *pair, *count: of rows that come out, neighbours in time. */
static void build_squares(struct wn_build *b, const struct sttm *f, const struct params *p,
                          wn_buf *pair, wn_buf *count)
{
    const struct wn_quad_most most = wn_quad_most(b, f->drop);
    const int64_t n = b->in.n, pairs = 4 * most.squares;
    struct wn_made all = {.n_out = (int32_t)most.squares,
                          .n_entries = (int32_t)WN_MIN(n * most.levels, INT32_MAX)};
    struct wn_made made = {.n_out = b->in.n, .n_entries = b->in.n};
    const wn_buf low = wn_plan_temp(b->plan, "pairs", 2 * pairs);
    const wn_buf high = wn_plan_temp(b->plan, "pairs", 2 * pairs);
    const wn_buf n_low = wn_plan_temp(b->plan, "n", 1), n_high = wn_plan_temp(b->plan, "n", 1);

    wn_build_made(b, &all);
    wn_build_made(b, &made);
    wn_plan_call(b->plan, &squares_kernel, p, (const wn_buf[]){
        b->in.ptr, b->in.cell, wn_plan_temp(b->plan, "ids", most.cells), low, n_low, high, n_high,
        all.ptr, all.base, all.w_ptr, all.w_idx, all.w,
    });
    const wn_buf x = wn_build_apply(b, &all, b->in.data);
    const wn_buf with_rows = link(b, f, x, b->in.data, low, n_low, pairs);
    const wn_buf with_squares = link(b, f, x, x, high, n_high, pairs);
    *pair = wn_plan_temp(b->plan, "neighbours", 4 * n);
    *count = wn_plan_temp(b->plan, "n", 1);
    wn_plan_call(b->plan, &choose_kernel, p, (const wn_buf[]){
        b->in.ptr, b->in.cell, with_rows, with_squares, wn_plan_temp(b->plan, "ids", most.cells),
        wn_plan_temp(b->plan, "places", 3 * most.grid), wn_plan_temp(b->plan, "boxes", 4 * n),
        *pair, *count, made.ptr, made.base, made.w_ptr, made.w_idx, made.w,
    });
    wn_build_rows(b, &made);
}

static int build(void *priv, struct wn_build *b)
{
    const struct sttm *f = priv;
    const struct params p = {
        .rows = b->rows,
        .n = b->in.n,
        .n_frames = b->in.n_frames,
        .drop = f->drop,
        .released = f->compat == WN_RELEASED,
        .slow = f->slow,
        .weighted = f->weighted,
        .threshold = (float)f->threshold,
        .temporal = (float)f->temporal,
    };
    struct wn_made made = {.n_out = b->in.n, .n_entries = b->in.n, .most = b->in.n};
    wn_buf pair, count;
    int err;

    if (f->head_dim && b->in.dim % f->head_dim) {
        wn_plan_fail(b->plan, WN_ERR_ARG, "sttm: heads of %d do not divide rows of %d", f->head_dim,
                     (int)b->in.dim);
        return WN_OK;
    }
    build_squares(b, f, &p, &pair, &count);
    const wn_buf patches = b->w_ptr;
    TRY(wn_build_next(b));
    const wn_buf cosine = link(b, f, b->in.data, b->in.data, pair, count, 2 * (int64_t)p.n);
    wn_build_made(b, &made);
    wn_plan_call(b->plan, &join_kernel, &p, (const wn_buf[]){
        b->in.ptr, patches, pair, count, cosine, wn_plan_temp(b->plan, "labels", 5 * (int64_t)p.n),
        made.ptr, made.base, made.w_ptr, made.w_idx, made.w,
    });
    wn_build_rows(b, &made);
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    {"threshold", "cosine of a square and its parts from which it is one row",
     offsetof(struct sttm, threshold), AV_OPT_TYPE_DOUBLE, {.dbl = 0.85}, -2, 2, 0, NULL},
    {"temporal", "cosine from which squares of neighbouring frames hang together; 2: never",
     offsetof(struct sttm, temporal), AV_OPT_TYPE_DOUBLE, {.dbl = 0.65}, -2, 2, 0, NULL},
    {"root", "how many of the coarsest levels are left out", offsetof(struct sttm, drop),
     AV_OPT_TYPE_INT, {.i64 = 1}, 0, 16, 0, NULL},
    {"head_dim", "a cosine is the mean over parts of this length; 0: of whole rows",
     offsetof(struct sttm, head_dim), AV_OPT_TYPE_INT, {.i64 = 0}, 0, 65536, 0, NULL},
    {"weighted_avg", "means over time count each square by its patches",
     offsetof(struct sttm, weighted), AV_OPT_TYPE_BOOL, {.i64 = 0}, 0, 1, 0, NULL},
    {"slow", "fewer pairs over time, as the authors' slow version chooses them",
     offsetof(struct sttm, slow), AV_OPT_TYPE_BOOL, {.i64 = 0}, 0, 1, 0, NULL},
    WN_OPT_COMPAT(struct sttm, compat),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_sttm = {
    .name = "sttm",
    .brief = "merges squares of the grid that are alike, then squares over time",
    .paper = "STTM (arXiv 2507.07990), HYUNJS/STTM @ 00736c7",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID | WN_NEED_HOST,
    .options = options,
    .priv_size = sizeof(struct sttm),
    .token = &ops,
};
