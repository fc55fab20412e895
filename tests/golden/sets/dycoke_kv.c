/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <string.h>

struct steps {
    struct wn_dycoke_kv p;
    float *with_first; /* [1 + steps][heads][stride] */
    int32_t n_steps, post;
    double threshold;
    float *similarity;
    int32_t *mask, *count;
};

static void step(struct golden_case *c, struct steps *s, int32_t t)
{
    struct wn_dycoke_kv p = s->p;
    struct wn_kv b;
    wn_buf similarity = WN_NONE;

    p.first = t == 0;
    p.n = p.image + p.n_image + s->post + 1 + t;
    if (!golden_begin(c, &b))
        return;
    /* The first step has none before: zeros stand there. */
    const float *two = s->with_first + (int64_t)t * p.heads * p.stride;
    const struct wn_heads in = golden_input(&b, two, 2, p.heads * p.stride, 1);
    const struct wn_picked kept = wn_dycoke_kv(&b, &p, in.data, &similarity);
    const int32_t *keep = golden_out(c, &b, kept.keep, p.n);
    const float *cosine = golden_out(c, &b, similarity, 2);
    if (!golden_end(c, &b))
        return;
    const bool chosen = cosine[1] < s->threshold;
    s->similarity[t] = cosine[1];
    for (int32_t j = 0; j < p.stride; j++) {
        const int32_t stays = j < p.n && keep[j];
        s->mask[t * p.stride + j] = chosen ? stays : -1;
        s->count[t] += stays;
    }
    if (!chosen)
        s->count[t] = -1; /* all keys, as the code has it */
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *attn = golden_f32(c, "in.attn", shape, NULL);
    const int64_t row = shape[1] * shape[2];
    struct steps s = {.with_first = golden_alloc(c, (1 + shape[0]) * row)};

    if (attn && s.with_first)
        memcpy(s.with_first + row, attn, (size_t)(shape[0] * row) * sizeof(*attn));
    s.p = (struct wn_dycoke_kv){
        .image = (int32_t)golden_int(c, "image_token_start_index"),
        .n_image = (int32_t)golden_int(c, "image_token_length"),
        .keep = (int32_t)golden_int(c, "num_keep"),
        .heads = (int32_t)shape[1],
        .stride = (int32_t)shape[2],
    };
    s.n_steps = (int32_t)shape[0];
    s.post = s.p.stride - s.p.image - s.p.n_image - s.n_steps;
    s.threshold = golden_num(c, "threshold");
    s.similarity = golden_alloc(c, s.n_steps);
    s.mask = golden_alloc(c, shape[0] * shape[2]);
    s.count = golden_alloc(c, s.n_steps);
    for (int32_t t = 0; !c->failed && t < s.n_steps; t++)
        step(c, &s, t);
    if (c->failed)
        return;
    golden_expect_f32(c, "out.similarity", s.similarity, s.n_steps);
    golden_expect_i32(c, "out.keep_mask", s.mask, shape[0] * shape[2]);
    golden_expect_i32(c, "out.kept_count", s.count, s.n_steps);
}

const struct golden_set golden_dycoke_kv = {
    .name = "dycoke_kv",
    .runs_kernels = true,
    .run = run,
};
