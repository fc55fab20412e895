/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <stdio.h>
#include <string.h>

struct state {
    const float *q, *k, *v; /* [heads][n_all][dim] */
    int32_t heads, n_all, dim;
    int32_t *allow; /* [heads][n + 1] with the next token's key, or NULL */
    float *score;   /* [heads][n + 1] with 0 for it */
    int32_t n;      /* keys so far */
};

static struct wn_heads part(struct golden_case *c, struct wn_kv *b, const struct state *s,
                            const float *x, int32_t first, int32_t count)
{
    return golden_input(b, golden_rows_of(c, x, s->heads, s->n_all, s->dim, first, count), s->heads,
                        count, s->dim);
}

/* One more column in each head. */
static void *widened(struct golden_case *c, const void *x, int32_t heads, int32_t n, int32_t last)
{
    const int32_t *from = x;
    int32_t *y = golden_alloc(c, (int64_t)heads * (n + 1));

    for (int64_t h = 0; y && h < heads; h++) {
        memcpy(y + h * (n + 1), from + h * n, (size_t)n * sizeof(*y));
        y[h * (n + 1) + n] = last;
    }
    return y;
}

/* Tokens [s->n, s->n + count); the attention's output, and what is checked of score and mask. */
static const float *step(struct golden_case *c, struct state *s, const struct wn_h2o *p, float tau,
                         const float *noise, int32_t count, const float **score)
{
    const int32_t first = s->n, n = first + count, size = s->heads * n;
    wn_buf next = WN_NONE, was = WN_NONE;
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return NULL;
    if (s->allow)
        was = wn_plan_input(b.plan, "was", s->allow, size);
    const struct wn_attend a = {
        .q = part(c, &b, s, s->q, first, count),
        .k = part(c, &b, s, s->k, 0, n),
        .n_queries = count,
        .seen = first + 1,
        .masked = s->allow != NULL,
        .allow = was,
    };
    const wn_buf in = wn_plan_input(b.plan, "noise", noise, (int64_t)s->heads * count * n);
    const wn_buf old = s->score ? wn_plan_input(b.plan, "score", s->score, size) : WN_NONE;
    const struct wn_heads sum = {wn_keyformer_score(&b, &a, in, tau, old), s->heads, n, 1};
    const int32_t *allow = golden_out(c, &b, wn_keyformer_mask(&b, p, sum, was, &next), size);
    const wn_buf y = golden_attend(c, &b, wn_kv_attention(&b, &a), s->heads, count,
                                   part(c, &b, s, s->v, 0, n));
    const float *out = golden_out(c, &b, y, (int64_t)s->heads * count * s->dim);
    *score = golden_out(c, &b, next, size);
    if (!golden_end(c, &b))
        return NULL;
    s->allow = widened(c, allow, s->heads, n, 1);
    s->score = widened(c, *score, s->heads, n, 0);
    s->n = n;
    return out;
}

static void run_steps(struct golden_case *c, struct state *s, const struct wn_h2o *p,
                      int32_t prefill)
{
    const int32_t steps = (int32_t)golden_int(c, "steps");
    const double tau = golden_num(c, "tau_init"), delta = golden_num(c, "tau_delta");
    const float *score = NULL;

    for (int32_t t = 0; !c->failed && t <= steps; t++) {
        char noise[32], mask[32], out[32];
        snprintf(noise, sizeof(noise), "in.gumbel%d", (int)t);
        snprintf(mask, sizeof(mask), "out.mask%d", (int)t);
        snprintf(out, sizeof(out), "out.attn_out%d", (int)t);
        const float *gumbel = golden_f32(c, noise, NULL, NULL);
        const float *y = step(c, s, p, (float)(tau + t * delta), gumbel, t ? 1 : prefill, &score);
        if (y)
            golden_expect_i32(c, mask, s->allow, (int64_t)s->heads * (s->n + 1));
        if (y && t)
            golden_expect_f32(c, out, y, (int64_t)s->heads * s->dim);
        else if (y)
            golden_expect_f32(c, "mid.score0", score, (int64_t)s->heads * s->n);
    }
    if (!c->failed)
        golden_expect_f32(c, "out.score", score, (int64_t)s->heads * s->n);
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0};
    struct state s = {
        .q = golden_f32(c, "in.q", shape, NULL),
        .k = golden_f32(c, "in.k", NULL, NULL),
        .v = golden_f32(c, "in.v", NULL, NULL),
    };
    const int32_t prefill = (int32_t)golden_int(c, "prefill");
    const int32_t all = (int32_t)(prefill * golden_num(c, "kv_cache_percent") / 100);
    const int32_t recent = (int32_t)(all * golden_num(c, "recent_percent") / 100);
    const struct wn_h2o p = {
        .heavy = all - recent,
        .recent = recent,
        .released = true,
    };

    s.heads = (int32_t)shape[1];
    s.n_all = (int32_t)shape[2];
    s.dim = (int32_t)shape[3];
    golden_expect_i32(c, "out.req", (int32_t[]){p.recent, p.heavy}, 2);
    run_steps(c, &s, &p, prefill);
}

const struct golden_set golden_keyformer = {
    .name = "keyformer",
    .runs_kernels = true,
    .run = run,
};
