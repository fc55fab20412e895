/* SPDX-License-Identifier: MIT */
/* The query is the same for every picture, so that keys need not be made: a head's logits are
 * products of tokens with one vector; nor need values but of the one token that attention mixes. */
#include "vit_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wn_vit_head {
    struct wn_vit_head_weights w; /* pointers into `own` */
    float *own;
    float *look;                  /* [heads][dim] */
    float *bias;                  /* [heads] */
};

static double dot(const float *a, const float *b, int32_t n)
{
    double sum = 0;

    for (int32_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* y[out] = w [out][in] times x, plus b */
static void times(float *y, const float *w, const float *b, const float *x, int32_t out, int32_t in)
{
    for (int32_t i = 0; i < out; i++)
        y[i] = (float)(dot(w + (size_t)i * (size_t)in, x, in) + b[i]);
}

static const float *keep(float **at, const float *from, size_t n)
{
    float *to = *at;

    memcpy(to, from, n * sizeof(*to));
    *at += n;
    return to;
}

/* look[h] = the sum over the head's channels c of q[c] times row c of the key matrix. */
static void find_look(struct wn_vit_head *h, const float *q)
{
    const int32_t d = h->w.dim, wide = d / h->w.heads;
    const float scale = 1.0f / sqrtf((float)wide);

    for (int32_t c = 0; c < d; c++) {
        const float *row = h->w.qkv_w + (size_t)(d + c) * (size_t)d;
        float *to = h->look + (size_t)(c / wide) * (size_t)d;

        h->bias[c / wide] += scale * q[c] * h->w.qkv_b[d + c];
        for (int32_t i = 0; i < d; i++)
            to[i] += scale * q[c] * row[i];
    }
}

int wn_vit_head_create(struct wn_vit_head **out, const struct wn_vit_head_weights *w)
{
    const size_t d = (size_t)w->dim, ff = (size_t)w->ff;
    struct wn_vit_head *h = wn_calloc(1, sizeof(*h));
    float *q = wn_calloc(d, sizeof(*q)), *at;

    if (!h || !q)
        goto fail;
    h->w = *w;
    at = h->own = wn_calloc(4 * d * d + 2 * ff * d + 8 * d + ff, sizeof(*h->own));
    h->look = wn_calloc((size_t)w->heads * d, sizeof(*h->look));
    h->bias = wn_calloc((size_t)w->heads, sizeof(*h->bias));
    if (!h->own || !h->look || !h->bias)
        goto fail;
    h->w.probe = NULL;
    h->w.qkv_w = keep(&at, w->qkv_w, 3 * d * d);
    h->w.qkv_b = keep(&at, w->qkv_b, 3 * d);
    h->w.out_w = keep(&at, w->out_w, d * d);
    h->w.out_b = keep(&at, w->out_b, d);
    h->w.ln_w = keep(&at, w->ln_w, d);
    h->w.ln_b = keep(&at, w->ln_b, d);
    h->w.up_w = keep(&at, w->up_w, ff * d);
    h->w.up_b = keep(&at, w->up_b, ff);
    h->w.down_w = keep(&at, w->down_w, ff * d);
    h->w.down_b = keep(&at, w->down_b, d);
    times(q, h->w.qkv_w, h->w.qkv_b, w->probe, w->dim, w->dim);
    find_look(h, q);
    free(q);
    *out = h;
    return WN_OK;
fail:
    free(q);
    wn_vit_head_destroy(&h);
    return WN_ERR_NOMEM;
}

void wn_vit_head_destroy(struct wn_vit_head **head)
{
    if (!*head)
        return;
    free((*head)->own);
    free((*head)->look);
    free((*head)->bias);
    free(*head);
    *head = NULL;
}

/* Softmax of head i over the tokens. */
static void attend(const struct wn_vit_head *h, int32_t i, const float *tokens, int32_t n, float *p)
{
    const int32_t d = h->w.dim;
    float most = -INFINITY;
    double sum = 0;

    for (int32_t t = 0; t < n; t++) {
        p[t] = (float)dot(tokens + (size_t)t * (size_t)d, h->look + (size_t)i * (size_t)d, d) +
               h->bias[i];
        most = fmaxf(most, p[t]);
    }
    for (int32_t t = 0; t < n; t++) {
        p[t] = expf(p[t] - most);
        sum += p[t];
    }
    for (int32_t t = 0; t < n; t++)
        p[t] = (float)(p[t] / sum);
}

/* to[i]: values of head i of the tokens' mix. */
static void mix(const struct wn_vit_head *h, int32_t i, const float *tokens, int32_t n,
                const float *p, float *mixed, float *to)
{
    const int32_t d = h->w.dim, wide = d / h->w.heads;
    const size_t first = (size_t)(2 * d + i * wide);

    memset(mixed, 0, (size_t)d * sizeof(*mixed));
    for (int32_t t = 0; t < n; t++)
        for (int32_t c = 0; c < d; c++)
            mixed[c] += p[t] * tokens[(size_t)t * (size_t)d + (size_t)c];
    times(to + i * wide, h->w.qkv_w + first * (size_t)d, h->w.qkv_b + first, mixed, wide, d);
}

static float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

/* pooled += MLP of its norm */
static void finish(const struct wn_vit_head *h, float *pooled, float *normed, float *inner,
                   float *outer)
{
    const int32_t d = h->w.dim;
    double mean = 0, square = 0;

    for (int32_t c = 0; c < d; c++)
        mean += pooled[c] / (double)d;
    for (int32_t c = 0; c < d; c++)
        square += (pooled[c] - mean) * (pooled[c] - mean) / (double)d;
    for (int32_t c = 0; c < d; c++)
        normed[c] = (float)((pooled[c] - mean) / sqrt(square + (double)h->w.eps)) * h->w.ln_w[c] +
                    h->w.ln_b[c];
    times(inner, h->w.up_w, h->w.up_b, normed, h->w.ff, d);
    for (int32_t c = 0; c < h->w.ff; c++)
        inner[c] = gelu(inner[c]);
    times(outer, h->w.down_w, h->w.down_b, inner, d, h->w.ff);
    for (int32_t c = 0; c < d; c++)
        pooled[c] += outer[c];
}

int wn_vit_head_run(const struct wn_vit_head *h, const float *tokens, int32_t n, float *pooled,
                    float *attn)
{
    const size_t d = (size_t)h->w.dim;
    float *p = wn_calloc((size_t)n + 3 * d + (size_t)h->w.ff, sizeof(*p));

    if (!p)
        return WN_ERR_NOMEM;
    float *mixed = p + n, *values = mixed + d, *outer = values + d, *inner = outer + d;
    for (int32_t t = 0; attn && t < n; t++)
        attn[t] = 0;
    for (int32_t i = 0; i < h->w.heads; i++) {
        attend(h, i, tokens, n, p);
        mix(h, i, tokens, n, p, mixed, values);
        for (int32_t t = 0; attn && t < n; t++)
            attn[t] += p[t] / (float)h->w.heads;
    }
    times(pooled, h->w.out_w, h->w.out_b, values, h->w.dim, h->w.dim);
    finish(h, pooled, mixed, inner, outer);
    free(p);
    return WN_OK;
}
