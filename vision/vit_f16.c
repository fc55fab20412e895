/* SPDX-License-Identifier: MIT */
#include "vit_f16.h"

#include "../pipeline/util.h"

enum {
    ROWS = 32,           /* outputs side by side: two vectors */
    TILE = 6,            /* tokens that share a load of weights */
    CACHED = 1 << 17,    /* activations at once, for the cache's sake */
};

size_t wn_vit_f16_size(int64_t in, int64_t out)
{
    return (size_t)(in * ((out + ROWS - 1) / ROWS)) * ROWS * sizeof(ggml_fp16_t);
}

void wn_vit_f16_pack(void *packed, const void *rows, int64_t in, int64_t out)
{
    const ggml_fp16_t *from = rows;
    ggml_fp16_t *to = packed;

    for (int64_t o = 0; o < out; o += ROWS)
        for (int64_t k = 0; k < in; k++)
            for (int64_t r = 0; r < ROWS; r++)
                *to++ = o + r < out ? from[(o + r) * in + k] : 0;
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,f16c")))

bool wn_vit_f16_runs(void)
{
    return __builtin_cpu_supports("avx512f");
}

/* 32 outputs of n tokens; `n` is a constant where this is called. */
AVX512 static inline __attribute__((always_inline))
void tile(__m512 sum[TILE][2], const ggml_fp16_t *w, const float *x, int64_t in, int n)
{
    for (int t = 0; t < n; t++)
        sum[t][0] = sum[t][1] = _mm512_setzero_ps();
    for (int64_t k = 0; k < in; k++, w += ROWS) {
        const __m512 a = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)w));
        const __m512 b = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(w + 16)));

        for (int t = 0; t < n; t++) {
            const __m512 v = _mm512_set1_ps(x[t * in + k]);

            sum[t][0] = _mm512_fmadd_ps(a, v, sum[t][0]);
            sum[t][1] = _mm512_fmadd_ps(b, v, sum[t][1]);
        }
    }
}

AVX512 static void multiply(float *dst, int64_t out, const ggml_fp16_t *w, const float *x,
                            int64_t in, int64_t n)
{
    for (int64_t o = 0; o < out; o += ROWS, w += in * ROWS) {
        const int64_t left = out - o;
        const uint32_t bits = left >= ROWS ? 0xffffffffu : (1u << left) - 1;
        __m512 sum[TILE][2];

        for (int64_t t = 0; t < n; t += TILE) {
            const int m = (int)WN_MIN(TILE, n - t);

            if (m == TILE)
                tile(sum, w, x + t * in, in, TILE);
            else
                for (int i = 0; i < m; i++)
                    tile(sum + i, w, x + (t + i) * in, in, 1);
            for (int i = 0; i < m; i++) {
                float *to = dst + (t + i) * out + o;

                _mm512_mask_storeu_ps(to, (__mmask16)bits, sum[i][0]);
                _mm512_mask_storeu_ps(to + 16, (__mmask16)(bits >> 16), sum[i][1]);
            }
        }
    }
}

void wn_vit_f16_op(struct ggml_tensor *dst, int ith, int nth, void *unused)
{
    const struct ggml_tensor *x = dst->src[1];
    const int64_t in = x->ne[0], out = dst->ne[0], n = ggml_nrows(x);
    const int64_t first = n * ith / nth, end = n * (ith + 1) / nth;
    const int64_t chunk = WN_MAX(TILE, CACHED / in / TILE * TILE);

    for (int64_t t = first; t < end; t += chunk)
        multiply((float *)dst->data + t * out, out, dst->src[0]->data,
                 (const float *)x->data + t * in, in, WN_MIN(chunk, end - t));
}

#else

bool wn_vit_f16_runs(void)
{
    return false;
}

void wn_vit_f16_op(struct ggml_tensor *dst, int ith, int nth, void *unused)
{
}

#endif
