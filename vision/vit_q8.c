/* SPDX-License-Identifier: MIT */
#include "vit_q8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../pipeline/util.h"

enum {
    BLOCK = 32,  /* weights with one scale */
    ROWS = 16,   /* outputs side by side */
    TILE = 6,    /* tokens that share a load of weights */
    CHUNK = 96,  /* tokens rounded at once */
};

/* One block of 16 outputs: bytes by fours of inputs, 128 added so that they have no sign. */
struct packed {
    uint8_t w[BLOCK / 4][ROWS][4];
    float scale[ROWS];
};

/* A block of an activation row. */
struct rounded {
    int8_t a[BLOCK];
    float scale;
    int32_t less;    /* what the 128s added: to be taken off */
};

size_t wn_vit_q8_size(int64_t in, int64_t out)
{
    const int64_t blocks = (in + BLOCK - 1) / BLOCK, groups = (out + ROWS - 1) / ROWS;

    return (size_t)(blocks * groups) * sizeof(struct packed);
}

void wn_vit_q8_pack(void *packed, const void *rows, size_t row_bytes, int64_t in, int64_t out)
{
    const int64_t blocks = in / BLOCK, groups = (out + ROWS - 1) / ROWS;
    const size_t stored = sizeof(ggml_fp16_t) + BLOCK; /* of a block in the file: scale, bytes */
    struct packed *to = packed;

    for (int64_t g = 0; g < groups; g++)
        for (int64_t k = 0; k < blocks; k++, to++)
            for (int64_t r = 0; r < ROWS; r++) {
                const uint8_t *from = (const uint8_t *)rows + (size_t)(g * ROWS + r) * row_bytes +
                                      (size_t)k * stored;
                ggml_fp16_t scale = 0;

                if (g * ROWS + r < out)
                    memcpy(&scale, from, sizeof(scale));
                to->scale[r] = ggml_fp16_to_fp32(scale);
                for (int i = 0; i < BLOCK; i++)
                    to->w[i / 4][r][i % 4] = g * ROWS + r < out
                        ? (uint8_t)(from[sizeof(scale) + (size_t)i] + 128) : 128;
            }
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

bool wn_vit_q8_runs(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
}

VNNI static void round_row(struct rounded *to, const float *x, int64_t n)
{
    for (; n > 0; n -= BLOCK, x += BLOCK, to++) {
        const __mmask16 low = n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
        const __mmask16 high = n >= 32 ? 0xffff : n > 16 ? (__mmask16)((1u << (n - 16)) - 1) : 0;
        const __m512 a = _mm512_maskz_loadu_ps(low, x), b = _mm512_maskz_loadu_ps(high, x + 16);
        const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
        const __m512 inv = _mm512_set1_ps(most > 0 ? 127.0f / most : 0);
        const __m512i ia = _mm512_cvtps_epi32(_mm512_mul_ps(a, inv));
        const __m512i ib = _mm512_cvtps_epi32(_mm512_mul_ps(b, inv));

        _mm_storeu_si128((__m128i *)to->a, _mm512_cvtsepi32_epi8(ia));
        _mm_storeu_si128((__m128i *)(to->a + 16), _mm512_cvtsepi32_epi8(ib));
        to->scale = most / 127.0f;
        to->less = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(ia, ib));
    }
}

/* 16 outputs of up to TILE tokens; `n` is a constant where this is called. */
VNNI static inline __attribute__((always_inline))
void tile(__m512 sum[TILE], const struct packed *w, const struct rounded *a, int64_t blocks, int n)
{
    for (int t = 0; t < n; t++)
        sum[t] = _mm512_setzero_ps();
    for (int64_t k = 0; k < blocks; k++) {
        const __m512 scale = _mm512_loadu_ps(w[k].scale);
        __m512i dot[TILE];

        for (int t = 0; t < n; t++)
            dot[t] = _mm512_set1_epi32(a[t * blocks + k].less);
        for (int j = 0; j < BLOCK / 4; j++) {
            const __m512i bytes = _mm512_loadu_si512(w[k].w[j]);

            for (int t = 0; t < n; t++) {
                int32_t four;

                memcpy(&four, a[t * blocks + k].a + 4 * j, sizeof(four));
                dot[t] = _mm512_dpbusd_epi32(dot[t], bytes, _mm512_set1_epi32(four));
            }
        }
        for (int t = 0; t < n; t++)
            sum[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[t]),
                                     _mm512_mul_ps(scale, _mm512_set1_ps(a[t * blocks + k].scale)),
                                     sum[t]);
    }
}

/* Tokens of one chunk against all weights. */
VNNI static void multiply(float *dst, int64_t out, const struct packed *w, const struct rounded *a,
                          int64_t blocks, int64_t n)
{
    for (int64_t o = 0; o < out; o += ROWS, w += blocks) {
        const __mmask16 in = out - o >= ROWS ? 0xffff : (__mmask16)((1u << (out - o)) - 1);
        __m512 sum[TILE];

        for (int64_t t = 0; t < n; t += TILE) {
            const int m = (int)WN_MIN(TILE, n - t);

            if (m == TILE)
                tile(sum, w, a + t * blocks, blocks, TILE);
            else
                for (int i = 0; i < m; i++)
                    tile(sum + i, w, a + (t + i) * blocks, blocks, 1);
            for (int i = 0; i < m; i++)
                _mm512_mask_storeu_ps(dst + (t + i) * out + o, in, sum[i]);
        }
    }
}

/* Tokens are shared out; one without memory would give wrong rows, so that it gives none. */
void wn_vit_q8_op(struct ggml_tensor *dst, int ith, int nth, void *unused)
{
    const struct ggml_tensor *x = dst->src[1];
    const struct packed *w = dst->src[0]->data;
    const int64_t in = x->ne[0], out = dst->ne[0], n = ggml_nrows(x);
    const int64_t blocks = (in + BLOCK - 1) / BLOCK;
    const int64_t first = n * ith / nth, end = n * (ith + 1) / nth;
    struct rounded *a = malloc((size_t)(CHUNK * blocks) * sizeof(*a));
    float *rows = dst->data;

    for (int64_t t = first; t < end; t += CHUNK) {
        const int64_t m = WN_MIN(CHUNK, end - t);

        for (int64_t i = 0; a && i < m; i++)
            round_row(a + i * blocks, (const float *)x->data + (t + i) * in, in);
        if (a)
            multiply(rows + t * out, out, w, a, blocks, m);
        for (int64_t i = 0; !a && i < m * out; i++)
            rows[t * out + i] = NAN;
    }
    free(a);
}

#else

bool wn_vit_q8_runs(void)
{
    return false;
}

void wn_vit_q8_op(struct ggml_tensor *dst, int ith, int nth, void *unused)
{
}

#endif
