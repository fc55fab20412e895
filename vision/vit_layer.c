/* SPDX-License-Identifier: MIT */
#include "vit_layer.h"

#include <math.h>

#include "vit_f16.h"
#include "vit_q8.h"

enum { LANES = 16 }; /* keys and heads are padded to whole vectors for ggml's fast products */

void wn_vit_build_init(struct wn_vit_build *b, const struct wn_vit *vit, struct ggml_context *ctx)
{
    *b = (struct wn_vit_build){
        .vit = vit,
        .ctx = ctx,
        .dim = vit->info.dim,
        .heads = vit->info.n_heads,
        .d_head = vit->info.dim / vit->info.n_heads,
    };
}

int64_t wn_vit_padded(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

struct ggml_tensor *wn_vit_norm(const struct wn_vit_build *b, struct ggml_tensor *x,
                                const struct wn_vit_linear *ln)
{
    x = ggml_norm(b->ctx, x, b->vit->info.eps);
    return ggml_add(b->ctx, ggml_mul(b->ctx, x, ln->w), ln->b);
}

struct ggml_tensor *wn_vit_product(const struct wn_vit_build *b, struct ggml_tensor *x,
                                   const struct wn_vit_linear *l)
{
    struct ggml_tensor *from[] = {l->w, x};

    if (!l->packed)
        return ggml_mul_mat(b->ctx, l->w, x);
    return ggml_custom_4d(b->ctx, GGML_TYPE_F32, l->out, x->ne[1], x->ne[2], x->ne[3], from, 2,
                          l->packed == GGML_TYPE_F16 ? wn_vit_f16_op : wn_vit_q8_op,
                          GGML_N_TASKS_MAX, NULL);
}

struct ggml_tensor *wn_vit_linear(const struct wn_vit_build *b, struct ggml_tensor *x,
                                  const struct wn_vit_linear *l)
{
    x = wn_vit_product(b, x, l);
    return l->b ? ggml_add(b->ctx, x, l->b) : x;
}

struct ggml_tensor *wn_vit_act(const struct wn_vit_build *b, struct ggml_tensor *x,
                               struct ggml_tensor *bias, enum wn_vit_act kind)
{
    if (b->vit->on_cpu)
        return ggml_map_custom2_inplace(b->ctx, x, bias, wn_vit_act_op, GGML_N_TASKS_MAX,
                                        (void *)(intptr_t)kind);
    x = ggml_add(b->ctx, x, bias);
    switch (kind) {
    case WN_VIT_QUICK_GELU:
        return ggml_gelu_quick(b->ctx, x);
    case WN_VIT_GELU_ERF:
        return ggml_gelu_erf(b->ctx, x);
    case WN_VIT_GELU_TANH:
        return ggml_gelu(b->ctx, x);
    default:
        return ggml_silu(b->ctx, x);
    }
}

/* x as [d_head][tokens][heads][n] with zeros up to `rows` and to whole vectors. */
static struct ggml_tensor *by_head(const struct wn_vit_build *b, struct ggml_tensor *x,
                                   int64_t rows)
{
    const int64_t wide = wn_vit_padded(b->d_head), tokens = x->ne[1], n = x->ne[2];
    const size_t f = sizeof(float);

    if (b->vit->on_cpu)
        return ggml_custom_4d(b->ctx, GGML_TYPE_F32, wide, rows, b->heads, n,
                              (struct ggml_tensor *[]){x}, 1, wn_vit_heads_op, GGML_N_TASKS_MAX,
                              NULL);
    x = ggml_view_4d(b->ctx, x, b->d_head, tokens, b->heads, n, (size_t)b->dim * f,
                     (size_t)b->d_head * f, (size_t)(b->dim * tokens) * f, 0);
    if (wide == b->d_head && rows == tokens)
        return ggml_cont(b->ctx, x);
    return ggml_pad(b->ctx, x, (int)(wide - b->d_head), (int)(rows - tokens), 0, 0);
}

/* x as [tokens, padded][d_head][heads][n] */
static struct ggml_tensor *by_channel(const struct wn_vit_build *b, struct ggml_tensor *x)
{
    const int64_t tokens = x->ne[1], n = x->ne[2], keys = wn_vit_padded(tokens);
    const size_t f = sizeof(float);

    if (b->vit->on_cpu)
        return ggml_custom_4d(b->ctx, GGML_TYPE_F32, keys, b->d_head, b->heads, n,
                              (struct ggml_tensor *[]){x}, 1, wn_vit_channels_op,
                              GGML_N_TASKS_MAX, NULL);
    x = ggml_view_4d(b->ctx, x, b->d_head, tokens, b->heads, n, (size_t)b->dim * f,
                     (size_t)b->d_head * f, (size_t)(b->dim * tokens) * f, 0);
    x = ggml_cont(b->ctx, ggml_permute(b->ctx, x, 1, 0, 2, 3));
    return keys == tokens ? x : ggml_pad(b->ctx, x, (int)(keys - tokens), 0, 0, 0);
}

struct ggml_tensor *wn_vit_attention(const struct wn_vit_build *b, struct ggml_tensor *q,
                                     struct ggml_tensor *k, struct ggml_tensor *mask,
                                     struct ggml_tensor **logits)
{
    const int64_t keys = wn_vit_padded(k->ne[1]);
    const float scale = 1.0f / sqrtf((float)b->d_head);

    q = by_head(b, q, q->ne[1]);
    *logits = ggml_mul_mat(b->ctx, by_head(b, k, keys), q);
    return ggml_soft_max_ext(b->ctx, *logits, mask, scale, 0);
}

struct ggml_tensor *wn_vit_attend(const struct wn_vit_build *b, struct ggml_tensor *rows,
                                  struct ggml_tensor *v)
{
    struct ggml_tensor *x = ggml_mul_mat(b->ctx, by_channel(b, v), rows);
    const int64_t queries = x->ne[1], n = x->ne[3];

    x = ggml_cont(b->ctx, ggml_permute(b->ctx, x, 0, 2, 1, 3));
    return ggml_reshape_3d(b->ctx, x, b->dim, queries, n);
}

struct ggml_tensor *wn_vit_corner(const struct wn_vit_build *b, struct ggml_tensor *x,
                                  int64_t tokens, int64_t queries)
{
    return ggml_view_4d(b->ctx, x, tokens, queries, b->heads, x->ne[3], x->nb[1], x->nb[2],
                        x->nb[3], 0);
}

struct ggml_tensor *wn_vit_mlp(const struct wn_vit_build *b, const struct wn_vit_layer *w,
                               struct ggml_tensor *x)
{
    struct ggml_tensor *in = x;

    x = wn_vit_product(b, wn_vit_norm(b, x, &w->ln2), &w->up);
    x = wn_vit_act(b, x, w->up.b, b->vit->info.act);
    return ggml_add(b->ctx, wn_vit_linear(b, x, &w->down), in);
}

struct ggml_tensor *wn_vit_project(const struct wn_vit_build *b, struct ggml_tensor *x)
{
    const struct wn_vit *vit = b->vit;

    if (!vit->mm[1].w)
        return wn_vit_linear(b, x, &vit->mm[0]);
    x = wn_vit_act(b, wn_vit_product(b, x, &vit->mm[0]), vit->mm[0].b, WN_VIT_GELU_ERF);
    return wn_vit_linear(b, x, &vit->mm[1]);
}
