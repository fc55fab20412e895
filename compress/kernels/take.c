/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <string.h>
#if defined(__x86_64__)
# include <immintrin.h>
#endif

/* Rows too many to stay in a cache are written past it: what they replace is not read first. */
#define FAR ((int64_t)8 << 20)

#if defined(__x86_64__)

__attribute__((target("avx512f"))) static void copy_past(uint32_t *y, const uint32_t *x, int64_t n)
{
    int64_t i = 0;

    for (; i < n && (uintptr_t)(y + i) % 64; i++)
        y[i] = x[i];
    for (; i + 64 <= n; i += 64) {
        for (int k = 0; k < 64; k += 16)
            _mm512_stream_si512((void *)(y + i + k), _mm512_loadu_si512(x + i + k));
    }
    for (; i < n; i++)
        y[i] = x[i];
}

static void part_past(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_take_params *p = params;
    const uint32_t *x = buf[0];
    const int32_t *idx = buf[1];
    uint32_t *y = buf[3];

    for (int64_t i = first; i < end; i++)
        copy_past(y + i * p->width, x + (int64_t)idx[i] * p->width, p->width);
    _mm_sfence();
}

static bool can_copy_past(int64_t n, int32_t width)
{
    return width >= 256 && n * width * 4 >= FAR && WN_HAS("avx512f");
}

#else

static bool can_copy_past(int64_t n, int32_t width)
{
    return false;
}

# define part_past part
#endif

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_take_params *p = params;
    const uint32_t *x = buf[0];
    const int32_t *idx = buf[1];
    uint32_t *y = buf[3];

    if (p->width == 1) {
        for (int64_t i = first; i < end; i++)
            y[i] = x[idx[i]];
        return;
    }
    for (int64_t i = first; i < end; i++)
        memcpy(y + i * p->width, x + (int64_t)idx[i] * p->width, (size_t)p->width * sizeof(*y));
}

static int64_t rows_of(const void *params, void *const *buf)
{
    const struct wn_take_params *p = params;

    return ((const int32_t *)buf[2])[p->n_frames];
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, rows_of(params, buf));
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_take_params *p = params;
    const int64_t n = rows_of(params, buf);

    wn_blocks(pool, n, wn_block_size((int64_t)8 * p->width),
              can_copy_past(n, p->width) ? part_past : part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_take_params *p = params;

    return (uint32_t)(((int64_t)p->n * p->width + 255) / 256);
}

const struct wn_kernel wn_kernel_take = {
    .name = "take",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_take_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
