/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_gram_params *p = params;
    const float *x = buf[0];
    const int32_t *ptr = buf[1];
    float *y = buf[2];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int64_t i = ptr[f]; i < ptr[f + 1]; i++) {
            for (int64_t j = ptr[f]; j < ptr[f + 1]; j++)
                y[i * p->width + j - ptr[f]] = wn_dot(x + i * p->dim, x + j * p->dim, p->dim);
        }
    }
}

enum { BLOCK = 48, GROUP = 4 }; /* most rows of a block, rows that meet a block together */

/* Rows of a block: it stays in a core's cache while others pass by. */
static int32_t block_rows(const struct wn_gram_params *p)
{
    const int64_t fit = ((int64_t)1 << 19) / (4 * WN_MAX((int64_t)p->dim, 1)) / 12 * 12;

    return (int32_t)WN_MAX(WN_MIN(fit, BLOCK), 12);
}

/* Rows of a frame, from x on. */
struct square {
    const float *x;
    float *y;
    int32_t m, dim, width;
};

/* Rows [i, i + GROUP) with rows [j, end), i <= j. A dot is the same both ways, bit for bit, so the
 * other half of the matrix is written along. */
static void meet(const struct square *q, int32_t i, int32_t j, int32_t end)
{
    const float *a[GROUP], *b[BLOCK] = {0};
    const int32_t na = WN_MIN(GROUP, q->m - i), nb = end - j;
    float d[GROUP][BLOCK];

    for (int32_t r = 0; r < na; r++)
        a[r] = q->x + (int64_t)(i + r) * q->dim;
    for (int32_t c = 0; c < nb; c++)
        b[c] = q->x + (int64_t)(j + c) * q->dim;
    wn_dots(d[0], BLOCK, a, na, b, nb, q->dim);
    for (int32_t r = 0; r < na; r++) {
        for (int32_t c = 0; c < nb; c++)
            q->y[(int64_t)(i + r) * q->width + j + c] = d[r][c];
    }
    for (int32_t c = 0; c < nb; c++) {
        for (int32_t r = 0; r < na; r++)
            q->y[(int64_t)(j + c) * q->width + i + r] = d[r][c];
    }
}

/* A block of rows of a frame with itself and all blocks after it. */
static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_gram_params *p = params;
    const int32_t *ptr = buf[1], size = block_rows(p), blocks = (p->width + size - 1) / size;

    for (int64_t t = first; t < end; t++) {
        const int32_t f = (int32_t)(t / blocks), begin = (int32_t)(t % blocks) * size;
        const struct square q = {
            .x = (const float *)buf[0] + (int64_t)ptr[f] * p->dim,
            .y = (float *)buf[2] + (int64_t)ptr[f] * p->width,
            .m = ptr[f + 1] - ptr[f],
            .dim = p->dim,
            .width = p->width,
        };
        for (int32_t j = begin; j < q.m; j += size) {
            const int32_t stop = WN_MIN(j + size, q.m);
            for (int32_t i = begin; i < WN_MIN(begin + size, stop); i += GROUP)
                meet(&q, i, WN_MAX(i, j), stop);
        }
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_gram_params *p = params;
    const int32_t size = block_rows(p);

    wn_blocks(pool, (int64_t)p->n_frames * ((p->width + size - 1) / size), 1, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_gram_params *p = params;

    return (uint32_t)((p->n + 3) / 4);
}

const struct wn_kernel wn_kernel_gram = {
    .name = "gram",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_gram_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
