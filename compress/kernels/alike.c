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

enum { WORD = 32 }; /* rows of a block, whose bits are a word */

/* Rows of a segment, from x on; bits too. */
struct square {
    const struct wn_alike_params *p;
    const float *x;
    uint32_t *bits;
    int32_t m;
};

/* Block i with block j. A dot is the same both ways, so the other half of the bits comes along. */
static void meet(const struct square *q, int32_t i, int32_t j)
{
    const int32_t n = WN_MIN(WORD, q->m - i * WORD), end = WN_MIN(WORD, q->m - j * WORD);
    const float *row[WORD] = {0}, *col[WORD] = {0};
    float d[WORD][WORD];
    uint32_t other[WORD] = {0};

    for (int32_t r = 0; r < n; r++)
        row[r] = q->x + (int64_t)(i * WORD + r) * q->p->dim;
    for (int32_t c = 0; c < end; c++)
        col[c] = q->x + (int64_t)(j * WORD + c) * q->p->dim;
    wn_dots(d[0], WORD, row, n, col, end, q->p->dim);
    for (int32_t r = 0; r < n; r++) {
        uint32_t word = 0;
        for (int32_t c = 0; c < end; c++) {
            const uint32_t bit = d[r][c] > q->p->tau;
            word |= bit << c;
            other[c] |= bit << r;
        }
        q->bits[(int64_t)(i * WORD + r) * q->p->words + j] = word;
    }
    for (int32_t c = 0; i != j && c < end; c++)
        q->bits[(int64_t)(j * WORD + c) * q->p->words + i] = other[c];
}

/* Two blocks of rows at a time meet themselves and all blocks after them: what is read of these
 * serves both. */
static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_alike_params *p = params;
    const int32_t *ptr = buf[1], pairs = (p->words + 1) / 2;

    for (int64_t t = first; t < end; t++) {
        const int32_t s = (int32_t)(t / pairs), i = 2 * (int32_t)(t % pairs);
        const struct square q = {
            .p = p,
            .x = (const float *)buf[0] + (int64_t)ptr[s] * p->dim,
            .bits = (uint32_t *)buf[2] + (int64_t)ptr[s] * p->words,
            .m = ptr[s + 1] - ptr[s],
        };
        for (int32_t j = i; j * WORD < q.m; j++) {
            meet(&q, i, j);
            if (i < j)
                meet(&q, i + 1, j);
        }
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_alike_params *p = params;

    wn_blocks(pool, (int64_t)p->n_segments * ((p->words + 1) / 2), 1, part, params, buf);
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
