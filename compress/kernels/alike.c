/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_alike_params *p = params;
    const float *x = buf[0];
    const int32_t *ptr = buf[1];
    uint32_t *bits = buf[2];

    for (int32_t s = 0; s < p->n_segments; s++) {
        for (int64_t i = ptr[s]; i < ptr[s + 1]; i++) {
            const int32_t m = ptr[s + 1] - ptr[s];
            uint32_t *own = bits + i * p->words;
            for (int32_t w = 0; w < (m + 31) / 32; w++)
                own[w] = 0;
            for (int32_t j = 0; j < m; j++) {
                const float d = wn_dot(x + i * p->dim, x + (int64_t)(ptr[s] + j) * p->dim, p->dim);
                own[j / 32] |= (uint32_t)(d > p->tau) << j % 32;
            }
        }
    }
}

enum { ROWS = 64, COLS = 32 }; /* what is read of columns serves many rows */

/* Rows [i, end) of a segment, ROWS at most, with all of its m rows from x on. */
static void meet(const struct wn_alike_params *p, const float *x, int32_t m, int64_t i, int64_t end,
                 uint32_t *bits)
{
    const float *row[ROWS], *col[COLS];
    const int n = (int)(end - i);
    float d[ROWS][COLS];

    for (int r = 0; r < n; r++)
        row[r] = x + (i + r) * p->dim;
    for (int32_t w = 0; w < (m + COLS - 1) / COLS; w++) {
        const int cols = WN_MIN(COLS, m - w * COLS);
        for (int c = 0; c < cols; c++)
            col[c] = x + (int64_t)(w * COLS + c) * p->dim;
        wn_dots(d[0], COLS, row, n, col, cols, p->dim);
        for (int r = 0; r < n; r++) {
            uint32_t word = 0;
            for (int c = 0; c < cols; c++)
                word |= (uint32_t)(d[r][c] > p->tau) << c;
            bits[(i + r) * p->words + w] = word;
        }
    }
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_alike_params *p = params;
    const int32_t *ptr = buf[1];

    for (int64_t i = first, next; i < end; i = next) {
        const int32_t s = wn_segment_of(ptr, p->n_segments, i);
        next = WN_MIN(WN_MIN(i + ROWS, end), ptr[s + 1]);
        meet(p, (const float *)buf[0] + (int64_t)ptr[s] * p->dim, ptr[s + 1] - ptr[s], i - ptr[s],
             next - ptr[s], (uint32_t *)buf[2] + (int64_t)ptr[s] * p->words);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_alike_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[1])[p->n_segments], ROWS, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_alike_params *p = params;

    return (uint32_t)((p->n + 3) / 4);
}

const struct wn_kernel wn_kernel_alike = {
    .name = "alike",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_alike_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
