/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <stdio.h>
#include <string.h>

/* All tokens, those of the prefill and one a step. */
struct tokens {
    const float *q, *k, *v; /* [heads][n][dim] */
    int32_t heads, n, dim, prefill, steps;
};

static struct tokens tokens_of(struct golden_case *c)
{
    int64_t shape[8] = {0};
    struct tokens t = {
        .q = golden_f32(c, "in.q", shape, NULL),
        .k = golden_f32(c, "in.k", NULL, NULL),
        .v = golden_f32(c, "in.v", NULL, NULL),
        .prefill = (int32_t)golden_int(c, "prefill"),
        .steps = (int32_t)golden_int(c, "steps"),
    };

    t.heads = (int32_t)shape[1];
    t.n = (int32_t)shape[2];
    t.dim = (int32_t)shape[3];
    return t;
}

static struct wn_heads part(struct golden_case *c, struct wn_kv *b, const struct tokens *t,
                            const float *x, int32_t first, int32_t count)
{
    return golden_input(b, golden_rows_of(c, x, t->heads, t->n, t->dim, first, count), t->heads,
                        count, t->dim);
}

/* ---- a cache that evicts ---- */

struct cache {
    float *k, *v, *score; /* [heads][n][dim], [heads][n] */
    int32_t *key;         /* [heads][n] the token of each */
    int32_t n;
};

/* Rows of a cache and one more behind each head's: a token's, or 0. */
static float *grown(struct golden_case *c, const float *x, int32_t heads, int32_t n, int32_t dim,
                    const float *all, int32_t n_all, int32_t token, int32_t count)
{
    float *y = golden_alloc(c, (int64_t)heads * (n + count) * dim);
    const size_t row = (size_t)dim * sizeof(*y);

    for (int64_t h = 0; y && h < heads; h++) {
        if (n)
            memcpy(y + h * (n + count) * dim, x + h * n * dim, (size_t)n * row);
        if (all)
            memcpy(y + (h * (n + count) + n) * dim, all + (h * n_all + token) * dim,
                   (size_t)count * row);
    }
    return y;
}

/* Tokens [first, first + count) come in; afterwards the cache holds what stays. */
static void step(struct golden_case *c, const struct tokens *t, const struct wn_h2o *p,
                 struct cache *cache, int32_t first, int32_t count)
{
    const int32_t n = cache->n + count;
    float *k = grown(c, cache->k, t->heads, cache->n, t->dim, t->k, t->n, first, count);
    float *v = grown(c, cache->v, t->heads, cache->n, t->dim, t->v, t->n, first, count);
    float *score = grown(c, cache->score, t->heads, cache->n, 1, NULL, 0, 0, count);
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const struct wn_heads keys = golden_input(&b, k, t->heads, n, t->dim);
    const struct wn_attend a = {
        .q = part(c, &b, t, t->q, first, count),
        .k = keys,
        .n_queries = count,
        .seen = cache->n + 1,
    };
    const struct wn_heads sum = {
        wn_h2o_score(&b, &a, golden_input(&b, score, t->heads, n, 1).data), t->heads, n, 1,
    };
    const struct wn_picked kept = wn_h2o_evict(&b, p, sum);
    const struct wn_heads values = golden_input(&b, v, t->heads, n, t->dim);
    const int64_t rows = (int64_t)t->heads * kept.each;
    const struct cache old = *cache;
    const int32_t *idx = golden_out(c, &b, kept.idx, rows);
    *cache = (struct cache){
        .k = golden_out(c, &b, wn_kv_take(&b, keys, &kept).data, rows * t->dim),
        .v = golden_out(c, &b, wn_kv_take(&b, values, &kept).data, rows * t->dim),
        .score = golden_out(c, &b, wn_kv_take(&b, sum, &kept).data, rows),
        .key = golden_alloc(c, rows),
        .n = kept.each,
    };
    if (!golden_end(c, &b))
        return;
    for (int64_t i = 0; i < rows; i++) {
        const int32_t j = idx[i] % n, h = idx[i] / n;
        cache->key[i] = j < old.n ? old.key[h * old.n + j] : first + j - old.n;
    }
}

static void run_evicting(struct golden_case *c)
{
    const struct tokens t = tokens_of(c);
    const struct wn_h2o p = {
        .heavy = (int32_t)golden_int(c, "hh_size"),
        .recent = (int32_t)golden_int(c, "recent_size"),
    };
    struct cache cache = {0};

    for (int32_t s = 0; !c->failed && s <= t.steps; s++) {
        char name[32];
        step(c, &t, &p, &cache, s ? t.prefill + s - 1 : 0, s ? 1 : t.prefill);
        snprintf(name, sizeof(name), "out.kept%d", (int)s);
        if (!c->failed)
            golden_expect_i32(c, name, cache.key, (int64_t)t.heads * cache.n);
        if (!c->failed && s == 0)
            golden_expect_f32(c, "mid.score0", cache.score, (int64_t)t.heads * cache.n);
    }
    if (c->failed)
        return;
    golden_expect_f32(c, "out.score", cache.score, (int64_t)t.heads * cache.n);
    golden_expect_f32(c, "out.k", cache.k, (int64_t)t.heads * cache.n * t.dim);
    golden_expect_f32(c, "out.v", cache.v, (int64_t)t.heads * cache.n * t.dim);
}

/* ---- masks over a whole cache ---- */

struct masked {
    int32_t *allow; /* [heads][n + 1]: the next token's key, too */
    float *score;   /* [heads][n], after masking */
    int32_t n;
};

/* The mask as the code stores it: with a column for the next token. */
static int32_t *with_next(struct golden_case *c, const int32_t *allow, int32_t heads, int32_t n)
{
    int32_t *y = golden_alloc(c, (int64_t)heads * (n + 1));

    for (int64_t h = 0; y && h < heads; h++) {
        memcpy(y + h * (n + 1), allow + h * n, (size_t)n * sizeof(*y));
        y[h * (n + 1) + n] = 1;
    }
    return y;
}

static float *mask_step(struct golden_case *c, const struct tokens *t, const struct wn_h2o *p,
                        struct masked *m, int32_t first, int32_t count)
{
    const int32_t n = first + count, size = t->heads * n;
    float *score = grown(c, m->score, t->heads, m->n, 1, NULL, 0, 0, count);
    wn_buf next = WN_NONE;
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return NULL;
    const struct wn_attend a = {
        .q = part(c, &b, t, t->q, first, count),
        .k = part(c, &b, t, t->k, 0, n),
        .n_queries = count,
        .seen = first + 1,
        .masked = m->allow != NULL,
        .allow = m->allow ? wn_plan_input(b.plan, "allow", m->allow, size) : WN_NONE,
    };
    const struct wn_heads sum = {
        wn_h2o_score(&b, &a, golden_input(&b, score, t->heads, n, 1).data), t->heads, n, 1,
    };
    const int32_t *allow = golden_out(c, &b, wn_h2o_mask(&b, p, sum, &next), size);
    const wn_buf y = golden_attend(c, &b, wn_kv_attention(&b, &a), t->heads, count,
                                   part(c, &b, t, t->v, 0, n));
    float *out = golden_out(c, &b, y, (int64_t)t->heads * count * t->dim);
    m->score = golden_out(c, &b, next, size);
    m->n = n;
    if (!golden_end(c, &b))
        return NULL;
    m->allow = with_next(c, allow, t->heads, n);
    return out;
}

static void run_masked(struct golden_case *c)
{
    const struct tokens t = tokens_of(c);
    const struct wn_h2o p = {
        .heavy = (int32_t)(t.prefill * golden_num(c, "heavy_ratio")),
        .recent = (int32_t)(t.prefill * golden_num(c, "recent_ratio")),
        .released = true,
    };
    struct masked m = {0};

    golden_expect_i32(c, "out.budget", (int32_t[]){p.heavy, p.recent}, 2);
    for (int32_t s = 0; !c->failed && s <= t.steps; s++) {
        char mask[32], out[32];
        const float *y = mask_step(c, &t, &p, &m, s ? t.prefill + s - 1 : 0, s ? 1 : t.prefill);
        snprintf(mask, sizeof(mask), "out.mask%d", (int)s);
        snprintf(out, sizeof(out), "out.attn_out%d", (int)s);
        if (y)
            golden_expect_i32(c, mask, m.allow, (int64_t)t.heads * (m.n + 1));
        if (y && s)
            golden_expect_f32(c, out, y, (int64_t)t.heads * t.dim);
        else if (y)
            golden_expect_f32(c, "mid.score0", m.score, (int64_t)t.heads * m.n);
    }
    if (!c->failed)
        golden_expect_f32(c, "out.score", m.score, (int64_t)t.heads * m.n);
}

static void run(struct golden_case *c)
{
    if (golden_has(c, "hh_size"))
        run_evicting(c);
    else
        run_masked(c);
}

const struct golden_set golden_h2o = {
    .name = "h2o",
    .runs_kernels = true,
    .run = run,
};
