/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include <ggml.h>

#include "vit.h"

/* Compiled once for each instruction set, chosen when the program is loaded. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
# define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
# define CLONES
#endif

/* exp for x in [-87, 87] to 2 units in the last place: 2^n by the exponent's bits, the rest, within
 * +-ln 2 / 2, by a polynomial. Adding 1.5 * 2^23 rounds to a whole number. */
static inline float exp_poly(float x)
{
    const float magic = 12582912.0f;
    float clamped = x > -87.0f ? x : -87.0f, p, scale; /* not a number: a number, too */
    int32_t bits;

    clamped = clamped > 87.0f ? 87.0f : clamped;
    const float n = (clamped * 1.44269504f + magic) - magic;
    const float r = (clamped - n * 0.693145752f) - n * 1.42860677e-6f;
    p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 0.166666667f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    bits = ((int32_t)n + 127) << 23;
    memcpy(&scale, &bits, sizeof(scale));
    return p * scale;
}

/* x * sigmoid(s * x) */
CLONES static void swish(float *y, const float *x, const float *b, int64_t n, float s)
{
    for (int64_t i = 0; i < n; i++) {
        const float v = x[i] + b[i];

        y[i] = v / (1.0f + exp_poly(-s * v));
    }
}

/* gelu by tanh: (1 + tanh u) / 2 is a sigmoid of 2 u */
CLONES static void gelu_tanh(float *y, const float *x, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const float v = x[i] + b[i];
        const float u2 = 1.5957691216f * v * (1.0f + 0.044715f * v * v);

        y[i] = v / (1.0f + exp_poly(-u2));
    }
}

static void gelu_erf(float *y, const float *x, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const float v = x[i] + b[i];

        y[i] = 0.5f * v * (1.0f + erff(v * 0.707106781f));
    }
}

void wn_vit_act_op(struct ggml_tensor *dst, const struct ggml_tensor *x,
                   const struct ggml_tensor *b, int ith, int nth, void *act)
{
    const int64_t n = x->ne[0], rows = ggml_nrows(x);
    const int64_t first = rows * ith / nth, end = rows * (ith + 1) / nth;
    const enum wn_vit_act kind = (enum wn_vit_act)(intptr_t)act;

    for (int64_t r = first; r < end; r++) {
        const float *from = (const float *)x->data + r * n;
        float *to = (float *)dst->data + r * n;

        if (kind == WN_VIT_QUICK_GELU || kind == WN_VIT_SILU)
            swish(to, from, b->data, n, kind == WN_VIT_SILU ? 1.0f : 1.702f);
        else if (kind == WN_VIT_GELU_TANH)
            gelu_tanh(to, from, b->data, n);
        else
            gelu_erf(to, from, b->data, n);
    }
}

/* Rows of one head of one picture at a time. */
void wn_vit_heads_op(struct ggml_tensor *dst, int ith, int nth, void *unused)
{
    const struct ggml_tensor *x = dst->src[0];
    const int64_t wide = dst->ne[0], rows = dst->ne[1], heads = dst->ne[2], n = dst->ne[3];
    const int64_t dim = x->ne[0], tokens = x->ne[1], d = dim / heads;

    for (int64_t i = heads * n * ith / nth; i < heads * n * (ith + 1) / nth; i++) {
        const float *from = (const float *)x->data + i / heads * tokens * dim + i % heads * d;
        float *to = (float *)dst->data + i * rows * wide;

        for (int64_t t = 0; t < tokens; t++) {
            memcpy(to + t * wide, from + t * dim, (size_t)d * sizeof(*to));
            memset(to + t * wide + d, 0, (size_t)(wide - d) * sizeof(*to));
        }
        memset(to + tokens * wide, 0, (size_t)((rows - tokens) * wide) * sizeof(*to));
    }
}

void wn_vit_channels_op(struct ggml_tensor *dst, int ith, int nth, void *unused)
{
    const struct ggml_tensor *x = dst->src[0];
    const int64_t wide = dst->ne[0], d = dst->ne[1], heads = dst->ne[2], n = dst->ne[3];
    const int64_t dim = x->ne[0], tokens = x->ne[1];

    for (int64_t i = heads * n * ith / nth; i < heads * n * (ith + 1) / nth; i++) {
        const float *from = (const float *)x->data + i / heads * tokens * dim + i % heads * d;
        float *to = (float *)dst->data + i * d * wide;

        for (int64_t t = 0; t < wide; t++)
            for (int64_t c = 0; c < d; c++)
                to[c * wide + t] = t < tokens ? from[t * dim + c] : 0;
    }
}
