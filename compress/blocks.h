/* SPDX-License-Identifier: MIT */
/* What the fast twins share. */
#ifndef WN_BLOCKS_H
#define WN_BLOCKS_H

#include <string.h>

#include "kernel.h"

/* Compiled once for each instruction set, chosen when the program is loaded. None of them changes a
 * bit: products are never fused, and the order of additions is the source's. A test builds with
 * one alone to see that: WN_ONLY_DEFAULT, or WN_ONLY_PATH "avx2" or "avx512f". */
#if defined(WN_ONLY_DEFAULT)
# define WN_CLONES
# define WN_HAS(path) false
#elif defined(WN_ONLY_PATH)
# define WN_CLONES __attribute__((target(WN_ONLY_PATH)))
# define WN_HAS(path) (!strcmp(path, WN_ONLY_PATH))
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
# define WN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
# define WN_HAS(path) __builtin_cpu_supports(path)
#else
# define WN_CLONES
# define WN_HAS(path) __builtin_cpu_supports(path)
#endif

/* part(params, buf, first, end) over [0, n) on the pool, about `size` items at a time. */
void wn_blocks(struct wn_pool *pool, int64_t n, int64_t size,
               void (*part)(const void *params, void *const *buf, int64_t first, int64_t end),
               const void *params, void *const *buf);

/* Items of `bytes` each that make a block worth a thread's while. */
static inline int64_t wn_block_size(int64_t bytes)
{
    return WN_MAX(1, (int64_t)65536 / WN_MAX(bytes, 1));
}

/* The segment of row i: the last s with ptr[s] <= i, so empty segments own nothing. */
static inline int32_t wn_segment_of(const int32_t *ptr, int32_t n, int64_t i)
{
    int32_t low = 0, high = n;

    while (high - low > 1) {
        const int32_t mid = low + (high - low) / 2;
        if (ptr[mid] <= i)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* A strip's first row, and how many of n rows there are. */
static inline int32_t wn_strip_base(const int32_t *ptr, int32_t skip)
{
    return ptr[0] + skip;
}

static inline int32_t wn_strip_rows(const int32_t *ptr, int32_t n_segments, int32_t skip, int32_t n)
{
    return WN_MAX(0, WN_MIN(n, ptr[n_segments] - ptr[0] - skip));
}

/* d[i * stride + j] = wn_dot(a[i], b[j], n) for i < na, j < nb; na best in fours. */
void wn_dots(float *d, int64_t stride, const float *const *a, int na, const float *const *b, int nb,
             int32_t n);

#endif
