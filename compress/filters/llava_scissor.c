/* SPDX-License-Identifier: MIT */
/* Rows that are alike hang together: in each frame the connected parts become their means, then
 * those of all frames likewise. Every row then joins the one of these that it is most like. A part
 * stands where its row with the most neighbours does. The authors look at a random sample of more
 * than about 3200 rows; here all are looked at. */
#include <stdlib.h>

#include "compress/filters/options.h"
#include "compress/made.h"

struct llava_scissor {
    const AVClass *class;
    double tau;
    int per;
};

/* ---- the host's side ---- */

struct params {
    int32_t n, n_frames, words;
};

/* Connected parts of rows, [n] each. */
struct parts {
    int32_t *parent, *degree;
    int32_t *key;         /* of a root: its part's row with the most neighbours */
    int32_t *head, *next; /* of a root: its part's rows */
};

static struct parts parts_in(int32_t *work, int32_t n)
{
    return (struct parts){work, work + n, work + 2 * (int64_t)n, work + 3 * (int64_t)n,
                          work + 4 * (int64_t)n};
}

static int32_t root_of(int32_t *parent, int32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static void connect(struct parts *s, const uint32_t *own, int32_t i, int32_t first, int32_t words)
{
    for (int32_t w = 0; w < words; w++) {
        for (int32_t j = first + w * 32, bits = 0; bits < 32; bits++) {
            if (!(own[w] >> bits & 1))
                continue;
            const int32_t a = root_of(s->parent, i), b = root_of(s->parent, j + bits);
            s->parent[WN_MAX(a, b)] = WN_MIN(a, b);
            s->degree[i]++;
        }
    }
}

/* Among rows [first, end). */
static void find_parts(struct parts *s, const uint32_t *bits, int32_t words, int32_t first,
                       int32_t end)
{
    for (int32_t i = first; i < end; i++) {
        s->parent[i] = s->key[i] = i;
        s->degree[i] = 0;
        s->head[i] = WN_NONE;
    }
    for (int32_t i = first; i < end; i++)
        connect(s, bits + (int64_t)i * words, i, first, (end - first + 31) / 32);
    for (int32_t i = end; i-- > first;) {
        const int32_t root = root_of(s->parent, i);
        s->next[i] = s->head[root];
        s->head[root] = i;
    }
    for (int32_t i = first; i < end; i++) {
        int32_t *key = &s->key[root_of(s->parent, i)];
        if (s->degree[i] > s->degree[*key])
            *key = i;
    }
}

static int32_t count_rows(const struct parts *s, int32_t root)
{
    int32_t n = 0;

    for (int32_t i = s->head[root]; i != WN_NONE; i = s->next[i])
        n++;
    return n;
}

/* Of each frame. buf: ptr, bits, work, then W. */
static void in_frames(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0];
    struct parts s = parts_in(buf[2], p->n);
    struct wn_maker m = wn_maker(buf + 3);

    for (int32_t f = 0; f < p->n_frames; f++) {
        find_parts(&s, buf[1], p->words, ptr[f], ptr[f + 1]);
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            const int32_t root = root_of(s.parent, i);
            if (s.key[root] != i)
                continue;
            const float share = 1.0f / (float)count_rows(&s, root);
            wn_make_row(&m, f, i);
            wn_make_entry(&m, i, share);
            for (int32_t k = s.head[root]; k != WN_NONE; k = s.next[k]) {
                if (k != i)
                    wn_make_entry(&m, k, share);
            }
        }
    }
    wn_make_end(&m, p->n_frames);
}

/* Parts of frames become parts of the whole; W is over rows. buf: ptr, base, w_ptr and w_idx of the
 * parts of frames, bits, work, then W. */
static void across(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *base = buf[1], *w_ptr = buf[2], *w_idx = buf[3];
    struct parts s = parts_in(buf[5], p->n);
    struct wn_maker m = wn_maker(buf + 6);

    find_parts(&s, buf[4], p->words, 0, ptr[p->n_frames]);
    for (int32_t i = 0, f = 0; i < ptr[p->n_frames]; i++) {
        const int32_t root = root_of(s.parent, i);
        while (ptr[f + 1] <= i)
            f++;
        if (s.key[root] != i)
            continue;
        const float share = 1.0f / (float)count_rows(&s, root);
        wn_make_row(&m, f, base[i]);
        for (int32_t at = i, k = s.head[root]; at != WN_NONE;) {
            for (int32_t e = w_ptr[at]; e < w_ptr[at + 1]; e++)
                wn_make_entry(&m, w_idx[e], share / (float)(w_ptr[at + 1] - w_ptr[at]));
            while (k == i) /* it was the first */
                k = s.next[k];
            at = k;
            k = k == WN_NONE ? k : s.next[k];
        }
    }
    wn_make_end(&m, p->n_frames);
}

/* Rows join parts. buf: ptr, base, w_ptr, w_idx and w of the parts, the part of each row, how many
 * rows of each frame there are (ptr), work, then W. */
static void join(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *base = buf[1], *w_ptr = buf[2], *w_idx = buf[3], *to = buf[5];
    const int32_t n = ((const int32_t *)buf[6])[p->n_frames], parts = ptr[p->n_frames];
    const float *w = buf[4];
    int32_t *head = buf[7], *next = head + p->n;
    struct wn_maker m = wn_maker(buf + 8);

    for (int32_t r = 0; r < parts; r++)
        head[r] = WN_NONE;
    for (int32_t i = n; i-- > 0;) {
        next[i] = head[to[i]];
        head[to[i]] = i;
    }
    for (int32_t r = 0, f = 0; r < parts; r++) {
        int32_t count = 1;
        while (ptr[f + 1] <= r)
            f++;
        for (int32_t i = head[r]; i != WN_NONE; i = next[i])
            count++;
        wn_make_row(&m, f, base[r]);
        for (int32_t e = w_ptr[r]; e < w_ptr[r + 1]; e++)
            wn_make_entry(&m, w_idx[e], w[e] / (float)count);
        for (int32_t i = head[r]; i != WN_NONE; i = next[i])
            wn_make_entry(&m, i, 1.0f / (float)count);
    }
    wn_make_end(&m, p->n_frames);
}

#define R WN_READ
#define W WN_WRITE
static const struct wn_kernel in_frames_kernel = {
    .name = "parts of frames", .n_bufs = 8, .access = {R, R, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = in_frames, .host = true,
};
static const struct wn_kernel across_kernel = {
    .name = "parts of all", .n_bufs = 11, .access = {R, R, R, R, R, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = across, .host = true,
};
static const struct wn_kernel join_kernel = {
    .name = "rows of parts", .n_bufs = 13, .access = {R, R, R, R, R, R, R, W, W, W, W, W, W},
    .params_size = sizeof(struct params), .ref = join, .host = true,
};
#undef R
#undef W

/* ---- the plan ---- */

static wn_buf unit_rows(struct wn_build *b, wn_buf x, wn_buf ptr)
{
    const wn_buf y = wn_plan_temp(b->plan, "unit rows", (int64_t)b->in.n * b->in.dim);

    WN_CALL(b, unit, (&(struct wn_unit_params){b->in.n, b->in.n_frames, b->in.dim}), x, ptr, y);
    return y;
}

/* Which rows of a segment are alike; `most` of them. */
static wn_buf alike(struct wn_build *b, const struct llava_scissor *f, wn_buf unit, wn_buf ptr,
                    int32_t n_segments, int32_t most, struct params *params)
{
    const struct wn_alike_params p = {
        .n = b->in.n,
        .n_segments = n_segments,
        .dim = b->in.dim,
        .words = (most + 31) / 32,
        .tau = (float)f->tau,
    };
    const wn_buf bits = wn_plan_temp(b->plan, "alike", (int64_t)p.n * p.words);

    params->words = p.words;
    WN_CALL(b, alike, &p, unit, ptr, bits);
    return bits;
}

/* The closest of the parts for every row. */
static wn_buf closest(struct wn_build *b, wn_buf unit, const struct wn_made *parts)
{
    const int32_t T = b->in.n_frames, size = 2 * T;
    const wn_buf range = wn_plan_temp(b->plan, "range", size);
    const wn_buf to = wn_plan_temp(b->plan, "to", b->in.n);
    const wn_buf targets = unit_rows(b, wn_build_apply(b, parts, b->in.data), parts->ptr);
    int32_t *at = wn_build_scratch(b, size);

    for (int32_t f = 0; at && f < T; f++)
        at[2 * f + 1] = T;
    if (at) {
        WN_CALL(b, take, (&(struct wn_take_params){.n = size, .n_frames = 0, .width = 1}),
                parts->ptr, wn_build_ints(b, "ends", at, size), wn_build_ints(b, "n", &size, 1),
                range);
        WN_CALL(b, closest, (&(struct wn_closest_params){b->in.n, T, b->in.dim, 1}), unit,
                b->in.ptr, targets, range, to);
    }
    free(at);
    return to;
}

/* Parts of all frames' parts, and what joins them. */
static void build_across(struct wn_build *b, const struct llava_scissor *f, wn_buf unit,
                         const struct wn_made *first)
{
    const int32_t n = b->in.n;
    struct params p = {.n = n, .n_frames = b->in.n_frames};
    struct wn_made all = {.n_out = n, .n_entries = n};
    struct wn_made last = {.n_out = n, .n_entries = 2 * n, .most = n};
    const wn_buf work = wn_plan_temp(b->plan, "parts", 5 * (int64_t)n);
    const wn_buf members = wn_plan_temp(b->plan, "members", 2 * (int64_t)n);
    const wn_buf means = unit_rows(b, wn_build_apply(b, first, b->in.data), first->ptr);
    const wn_buf bits = alike(b, f, means, wn_build_ends(b, first->ptr), 1, n, &p);

    wn_build_made(b, &all);
    wn_build_made(b, &last);
    wn_plan_call(b->plan, &across_kernel, &p, (const wn_buf[]){
        first->ptr, first->base, first->w_ptr, first->w_idx, bits, work, all.ptr, all.base,
        all.w_ptr, all.w_idx, all.w,
    });
    const wn_buf to = closest(b, unit, &all);
    wn_plan_call(b->plan, &join_kernel, &p, (const wn_buf[]){
        all.ptr, all.base, all.w_ptr, all.w_idx, all.w, to, b->in.ptr, members, last.ptr,
        last.base, last.w_ptr, last.w_idx, last.w,
    });
    wn_build_rows(b, &last);
}

static int build(void *priv, struct wn_build *b)
{
    const struct llava_scissor *f = priv;
    struct params p = {.n = b->in.n, .n_frames = b->in.n_frames};
    struct wn_made first = {.n_out = p.n, .n_entries = p.n};
    const wn_buf work = wn_plan_temp(b->plan, "parts", 5 * (int64_t)p.n);
    const wn_buf unit = unit_rows(b, b->in.data, b->in.ptr);
    const wn_buf bits = alike(b, f, unit, b->in.ptr, p.n_frames, wn_build_most(b), &p);

    wn_build_made(b, &first);
    wn_plan_call(b->plan, &in_frames_kernel, &p, (const wn_buf[]){
        b->in.ptr, bits, work, first.ptr, first.base, first.w_ptr, first.w_idx, first.w,
    });
    if (f->per == WN_PER_FRAME)
        wn_build_rows(b, &first);
    else
        build_across(b, f, unit, &first);
    return WN_OK;
}

static const AVOption options[] = {
    {"tau", "cosine above which rows are alike", offsetof(struct llava_scissor, tau),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.95}, -2, 2, 0, NULL},
    {"per", "how far it goes", offsetof(struct llava_scissor, per), AV_OPT_TYPE_INT,
     {.i64 = WN_PER_SEGMENT}, WN_PER_FRAME, WN_PER_SEGMENT, 0, "per"},
    {"frame", "means of the parts of each frame", 0, AV_OPT_TYPE_CONST, {.i64 = WN_PER_FRAME}, 0, 0,
     0, "per"},
    {"segment", "all three steps", 0, AV_OPT_TYPE_CONST, {.i64 = WN_PER_SEGMENT}, 0, 0, 0, "per"},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_llava_scissor = {
    .name = "llava_scissor",
    .brief = "merges connected rows of each frame, then of all frames, and adds what is like them",
    .paper = "LLaVA-Scissor (arXiv 2506.21862), HumanMLLM/LLaVA-Scissor @ b63354c",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_HOST,
    .options = options,
    .priv_size = sizeof(struct llava_scissor),
    .token = &ops,
};
