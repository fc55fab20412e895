/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <math.h>
#include <string.h>

static void check_rows(struct golden_case *c)
{
    const struct wn_streamingllm p = {
        .start = (int32_t)golden_int(c, "start_size"),
        .recent = (int32_t)golden_int(c, "recent_size"),
        .coming = (int32_t)golden_int(c, "num_coming"),
    };
    const int32_t end = (int32_t)golden_int(c, "end");
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const struct wn_heads k = golden_heads(c, &b, "in.k"), v = golden_heads(c, &b, "in.v");
    /* With an end, num_coming is where a cut begins. */
    const struct wn_span range[] = {{p.coming, k.n}, {end - p.coming, 0}, {k.n - end, k.n}};
    const struct wn_picked kept = end ? wn_kv_pick(&b, WN_NONE, k.heads, k.n, range, 3, false)
                                      : wn_streamingllm(&b, &p, k.heads, k.n);
    const int64_t size = (int64_t)k.heads * kept.each * k.dim;
    const int32_t *idx = golden_out(c, &b, kept.idx, kept.each);
    const float *kept_k = golden_out(c, &b, wn_kv_take(&b, k, &kept).data, size);
    const float *kept_v = golden_out(c, &b, wn_kv_take(&b, v, &kept).data, size);
    if (golden_end(c, &b)) {
        golden_expect_i32(c, "out.kept", idx, kept.each);
        golden_expect_f32(c, "out.k", kept_k, size);
        golden_expect_f32(c, "out.v", kept_v, size);
    }
}

/* ---- steps of a model that turns keys by their place in the cache ---- */

struct state {
    float *k, *v; /* [kv][n][dim] */
    int32_t n;
};

struct tokens {
    const float *q, *k, *v;
    int32_t heads, kv, n, dim;
};

/* Llama's rotation of the row at place `at`; the model's work, not ours. */
static void rotate(float *y, const float *x, int32_t dim, int32_t at)
{
    for (int32_t i = 0; i < dim / 2; i++) {
        const double angle = at * pow(10000, -2.0 * i / dim);
        y[i] = (float)(x[i] * cos(angle) - x[i + dim / 2] * sin(angle));
        y[i + dim / 2] = (float)(x[i + dim / 2] * cos(angle) + x[i] * sin(angle));
    }
}

static float *rotated(struct golden_case *c, const float *x, int32_t heads, int32_t n, int32_t dim,
                      int32_t first)
{
    float *y = golden_alloc(c, (int64_t)heads * n * dim);

    for (int64_t r = 0; y && x && r < (int64_t)heads * n; r++)
        rotate(y + r * dim, x + r * dim, dim, first + (int32_t)(r % n));
    return y;
}

static float *append(struct golden_case *c, const float *x, const struct tokens *t,
                     const float *all, int32_t n, int32_t token)
{
    float *y = golden_alloc(c, (int64_t)t->kv * (n + 1) * t->dim);
    const size_t row = (size_t)t->dim * sizeof(*y);

    for (int64_t h = 0; y && h < t->kv; h++) {
        memcpy(y + h * (n + 1) * t->dim, x + h * n * t->dim, (size_t)n * row);
        memcpy(y + (h * (n + 1) + n) * t->dim, all + (h * t->n + token) * t->dim, row);
    }
    return y;
}

/* The cache is cut, then a token comes in and looks at it. */
static const float *step(struct golden_case *c, const struct tokens *t, struct state *s,
                         const struct wn_streamingllm *p, int32_t token)
{
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return NULL;
    const struct wn_heads k = golden_input(&b, s->k, t->kv, s->n, t->dim);
    const struct wn_heads v = golden_input(&b, s->v, t->kv, s->n, t->dim);
    const struct wn_picked kept = wn_streamingllm(&b, p, t->kv, s->n);
    const int64_t size = (int64_t)t->kv * kept.each * t->dim;
    const float *kept_k = golden_out(c, &b, wn_kv_take(&b, k, &kept).data, size);
    const float *kept_v = golden_out(c, &b, wn_kv_take(&b, v, &kept).data, size);
    if (!golden_end(c, &b))
        return NULL;
    s->k = append(c, kept_k, t, t->k, kept.each, token);
    s->v = append(c, kept_v, t, t->v, kept.each, token);
    s->n = kept.each + 1;
    const float *q = golden_rows_of(c, t->q, t->heads, t->n, t->dim, token, 1);
    const float *turned = rotated(c, q, t->heads, 1, t->dim, s->n - 1);
    if (!golden_begin(c, &b))
        return NULL;
    const struct wn_attend a = {
        .q = golden_input(&b, turned, t->heads, 1, t->dim),
        .k = golden_input(&b, rotated(c, s->k, t->kv, s->n, t->dim, 0), t->kv, s->n, t->dim),
        .n_queries = 1,
    };
    const wn_buf y = golden_attend(c, &b, wn_kv_attention(&b, &a), t->heads, 1,
                                   golden_input(&b, s->v, t->kv, s->n, t->dim));
    const float *out = golden_out(c, &b, y, (int64_t)t->heads * t->dim);
    return golden_end(c, &b) ? out : NULL;
}

static void check_steps(struct golden_case *c)
{
    int64_t shape[8] = {0}, kv_shape[8] = {0};
    const float *q = golden_f32(c, "in.q", shape, NULL);
    const float *k = golden_f32(c, "in.k", kv_shape, NULL);
    const struct tokens t = {
        .q = q,
        .k = k,
        .v = golden_f32(c, "in.v", NULL, NULL),
        .heads = (int32_t)shape[1],
        .kv = (int32_t)kv_shape[1],
        .n = (int32_t)shape[2],
        .dim = (int32_t)shape[3],
    };
    const struct wn_streamingllm p = {
        .start = (int32_t)golden_int(c, "start_size"),
        .recent = (int32_t)golden_int(c, "recent_size"),
    };
    const int32_t prefill = (int32_t)golden_int(c, "prefill");
    struct state s = {
        .k = golden_rows_of(c, t.k, t.kv, t.n, t.dim, 0, prefill),
        .v = golden_rows_of(c, t.v, t.kv, t.n, t.dim, 0, prefill),
        .n = prefill,
    };

    for (int32_t i = 0; !c->failed && i < (int32_t)golden_int(c, "steps"); i++) {
        char name[] = "out.attn_out1";
        const float *y = step(c, &t, &s, &p, prefill + i);
        name[sizeof(name) - 2] = (char)('1' + i);
        if (y)
            golden_expect_f32(c, name, y, (int64_t)t.heads * t.dim);
    }
    if (!c->failed)
        golden_expect_f32(c, "out.cache_k_raw", s.k, (int64_t)t.kv * s.n * t.dim);
}

static void run(struct golden_case *c)
{
    if (golden_has(c, "steps"))
        check_steps(c);
    else
        check_rows(c);
}

const struct golden_set golden_streamingllm = {
    .name = "streamingllm",
    .runs_kernels = true,
    .run = run,
};
