/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <stdio.h>
#include <string.h>

/* One of the code's variants: text_* keep text before images. */
struct variant {
    const char *name;
    bool text;
    enum wn_lookm_how how;
};

static const struct variant variants[] = {
    {"pivot", false, WN_LOOKM_PIVOT},         {"text_pivot", true, WN_LOOKM_PIVOT},
    {"weighted", false, WN_LOOKM_WEIGHTED},   {"text_weighted", true, WN_LOOKM_WEIGHTED},
    {"avg", false, WN_LOOKM_AVERAGE},         {"text_avg", true, WN_LOOKM_AVERAGE},
};

struct inputs {
    const float *attn, *k, *v;
    int32_t heads, queries, n, dim;
    struct wn_lookm p;
};

static const char *name_of(char *text, size_t size, const struct variant *v, const char *what)
{
    snprintf(text, size, "out.%s.%s", v->name, what);
    return text;
}

/* Sums over the queries, and what stays: keys of each head. */
static const int32_t *choose(struct golden_case *c, const struct inputs *in, int32_t *each,
                             const float **score)
{
    const int32_t size = in->heads * in->n;
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return NULL;
    const struct wn_heads attn = golden_input(&b, in->attn, in->heads, in->queries, in->n);
    const wn_buf sum = wn_plan_temp(b.plan, "score", size);
    const struct wn_reduce_params r = {
        .n = in->heads,
        .width = in->queries * in->n,
        .n_c = in->n,
        .step_c = 1,
        .n_a = in->queries,
        .step_a = in->n,
        .n_b = 1,
        .scale = 1,
    };
    wn_plan_call(b.plan, &wn_kernel_reduce, &r, (const wn_buf[]){attn.data, sum});
    const struct wn_picked kept =
        wn_lookm(&b, &in->p, (struct wn_heads){sum, in->heads, in->n, 1});
    const int32_t *idx = golden_out(c, &b, kept.idx, (int64_t)in->heads * kept.each);
    *each = kept.each;
    *score = golden_out(c, &b, sum, size);
    return golden_end(c, &b) ? golden_keys(c, idx, (int64_t)in->heads * kept.each, in->n) : NULL;
}

static bool among(const int32_t *list, int32_t n, int32_t key)
{
    for (int32_t i = 0; i < n; i++) {
        if (list[i] == key)
            return true;
    }
    return false;
}

/* The code ranks images by score - 65516 in 32 bits, where hundreds of keys tie, and torch.topk
 * leaves open which of them come first. So a head's lists may differ in keys whose lowered scores
 * are the same, and in nothing else; then the code's choice is what is merged. */
static const int32_t *settle(struct golden_case *c, const struct inputs *in, const int32_t *got,
                             const int32_t *want, int32_t each, const float *score)
{
    for (int32_t h = 0; h < in->heads; h++) {
        const int32_t *g = got + h * each, *w = want + h * each;
        float odd = 1; /* the lowered score of keys in one list alone */
        for (int32_t i = 0; i < 2 * each; i++) {
            const int32_t key = i < each ? g[i] : w[i - each];
            const float lowered = score[h * in->n + key] - 65516.0f;
            if (among(i < each ? w : g, each, key))
                continue;
            if (odd > 0)
                odd = lowered;
            if (lowered != odd)
                golden_fail(c, "head %d keeps key %d, which does not tie", (int)h, (int)key);
        }
    }
    return want;
}

static struct wn_picked picked(struct golden_case *c, struct wn_kv *b, const struct inputs *in,
                               const int32_t *key, int32_t each)
{
    int32_t *keep = golden_alloc(c, (int64_t)in->heads * in->n);
    int32_t *idx = golden_alloc(c, (int64_t)in->heads * each);

    for (int32_t i = 0; keep && idx && i < in->heads * each; i++) {
        idx[i] = i / each * in->n + key[i];
        keep[idx[i]] = 1;
    }
    return (struct wn_picked){
        .heads = in->heads,
        .n = in->n,
        .each = each,
        .keep = wn_plan_input(b->plan, "keep", keep, (int64_t)in->heads * in->n),
        .idx = wn_plan_input(b->plan, "kept", idx, (int64_t)in->heads * each),
        .ptr = wn_kv_ptr(b, in->heads, each),
    };
}

/* Places among the kept keys that the others join, in order of those. */
static void check_dst(struct golden_case *c, const struct inputs *in, const char *name,
                      const int32_t *to, const int32_t *key, int32_t each)
{
    const int32_t gone = in->n - each;
    int32_t *dst = golden_alloc(c, (int64_t)in->heads * gone);
    int32_t at = 0;

    for (int32_t i = 0; dst && i < in->heads * in->n; i++) {
        const int32_t *own = key + i / in->n * each;
        for (int32_t r = 0; to[i] != WN_NONE && r < each; r++) {
            if (own[r] == to[i] % in->n && at < in->heads * gone)
                dst[at++] = r;
        }
    }
    golden_expect_i32(c, name, dst, at);
}

static void merge(struct golden_case *c, const struct inputs *in, const struct variant *v,
                  const int32_t *key, int32_t each)
{
    const int32_t n = in->n, all = in->heads * n;
    const int64_t size = (int64_t)in->heads * each * in->dim;
    char name[64];
    struct wn_kv b;

    if (!golden_begin(c, &b))
        return;
    const struct wn_picked kept = picked(c, &b, in, key, each);
    const struct wn_lookm_out o =
        wn_lookm_merge(&b, v->how, true, &kept, golden_input(&b, in->k, in->heads, n, in->dim),
                       golden_input(&b, in->v, in->heads, n, in->dim));
    const int32_t *to = golden_out(c, &b, o.to, all), *filter = golden_out(c, &b, o.filter, n);
    const float *k = golden_out(c, &b, o.k.data, size), *values = golden_out(c, &b, o.v.data, size);
    if (!golden_end(c, &b))
        return;
    check_dst(c, in, name_of(name, sizeof(name), v, "dst"), to, key, each);
    if (v->how != WN_LOOKM_PIVOT)
        golden_expect_i32(c, name_of(name, sizeof(name), v, "merged_filter"), filter, n - each);
    golden_expect_f32(c, name_of(name, sizeof(name), v, "k"), k, size);
    golden_expect_f32(c, name_of(name, sizeof(name), v, "v"), values, size);
}

static void check(struct golden_case *c, struct inputs *in, const struct variant *v)
{
    static const int32_t tokens = 576; /* of an image in the code */
    char name[64];
    int32_t each = 0;
    const float *score = NULL;
    int64_t shape[8] = {0};
    int32_t *image = (int32_t *)golden_i32(c, "in.image_position", shape, NULL);

    for (int64_t i = 0; image && i < shape[0]; i++)
        image[i] += (int32_t)i * (tokens - 1);
    in->p.image = v->text ? image : NULL;
    in->p.n_images = v->text ? (int32_t)shape[0] : 0;
    in->p.n_image = tokens;
    in->p.start = v->text ? 0 : 4;
    in->p.released = true;
    const int32_t *got = choose(c, in, &each, &score);
    name_of(name, sizeof(name), v, "kept");
    const int32_t *want = golden_i32(c, name, shape, NULL);
    if (got && want && v->text && shape[1] == each)
        got = settle(c, in, got, want, each, score);
    if (got)
        golden_expect_i32(c, name, got, (int64_t)in->heads * each);
    if (got && !c->failed)
        merge(c, in, v, got, each);
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0}, k_shape[8] = {0};
    struct inputs in = {0};
    char name[64];

    in.attn = golden_f32(c, "in.attn", shape, NULL);
    in.k = golden_f32(c, "in.k", k_shape, NULL);
    in.v = golden_f32(c, "in.v", NULL, NULL);
    in.heads = (int32_t)shape[1];
    in.queries = (int32_t)shape[2];
    in.n = (int32_t)shape[3];
    in.dim = (int32_t)k_shape[3];
    in.p.heavy = (int32_t)(in.n * golden_num(c, "hh_ratio"));
    in.p.recent = (int32_t)(in.n * golden_num(c, "recent_ratio"));
    for (int i = 0; !c->failed && i < WN_LEN(variants); i++) {
        if (golden_has_tensor(c, name_of(name, sizeof(name), &variants[i], "kept")))
            check(c, &in, &variants[i]);
    }
}

const struct golden_set golden_lookm = {
    .name = "lookm",
    .runs_kernels = true,
    .run = run,
};
