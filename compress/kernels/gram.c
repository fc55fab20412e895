/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* The row whose products are row r of y; WN_NONE: there is none. */
static int32_t row_of(const struct wn_gram_params *p, void *const *buf, int64_t r)
{
    const int32_t *ptr = buf[1], *list = buf[3], *end = buf[4];
    const int64_t i = ptr[0] + p->skip + r;

    if (p->listed >= 0)
        return p->skip + r < end[p->listed] ? list[p->skip + r] : WN_NONE;
    return i < ptr[p->n_frames] ? (int32_t)i : WN_NONE;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_gram_params *p = params;
    const float *x = buf[0];
    const int32_t *ptr = buf[1];
    float *y = buf[2];

    for (int64_t r = 0; r < p->n; r++) {
        const int64_t i = row_of(p, buf, r);
        if (i == WN_NONE)
            continue;
        const int32_t f = wn_segment_of(ptr, p->n_frames, i);
        for (int64_t j = ptr[f]; j < ptr[f + 1]; j++)
            y[r * p->width + j - ptr[f]] = wn_dot(x + i * p->dim, x + j * p->dim, p->dim);
    }
}

enum { BLOCK = 48, GROUP = 4 }; /* most rows of a block, rows that meet a block together */

/* Rows of a block: it stays in a core's cache while others pass by. */
static int32_t block_rows(const struct wn_gram_params *p)
{
    const int64_t fit = ((int64_t)1 << 19) / (4 * WN_MAX((int64_t)p->dim, 1)) / 12 * 12;

    return (int32_t)WN_MAX(WN_MIN(fit, BLOCK), 12);
}

/* Rows [from, to) of a frame's m, which begins at x; y is of row `from` on. */
struct square {
    const float *x;
    float *y;
    int32_t m, from, to, dim, width;
};

/* Rows [i, i + GROUP) with rows [j, end). `both`, as long as these are of the strip and i <= j: a
 * dot is the same both ways, bit for bit, so the other half of the matrix is written along. */
static void meet(const struct square *q, int32_t i, int32_t j, int32_t end, bool both)
{
    const float *a[GROUP], *b[BLOCK] = {0};
    const int32_t na = WN_MIN(GROUP, q->to - i), nb = end - j;
    float d[GROUP][BLOCK];

    for (int32_t r = 0; r < na; r++)
        a[r] = q->x + (int64_t)(i + r) * q->dim;
    for (int32_t c = 0; c < nb; c++)
        b[c] = q->x + (int64_t)(j + c) * q->dim;
    wn_dots(d[0], BLOCK, a, na, b, nb, q->dim);
    for (int32_t r = 0; r < na; r++) {
        for (int32_t c = 0; c < nb; c++)
            q->y[(int64_t)(i - q->from + r) * q->width + j + c] = d[r][c];
    }
    for (int32_t c = 0; both && c < nb; c++) {
        for (int32_t r = 0; r < na; r++)
            q->y[(int64_t)(j - q->from + c) * q->width + i + r] = d[r][c];
    }
}

/* Rows [begin, stop) with columns [from, to) that are no rows of the strip. */
static void beside(const struct square *q, int32_t begin, int32_t stop, int32_t from, int32_t to)
{
    for (int32_t j = from; j < to; j += BLOCK) {
        for (int32_t i = begin; i < stop; i += GROUP)
            meet(q, i, j, WN_MIN(j + BLOCK, to), false);
    }
}

/* A block of rows of a frame with itself and all blocks after it. */
static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_gram_params *p = params;
    const int32_t *ptr = buf[1], size = block_rows(p), blocks = (p->width + size - 1) / size;
    const int32_t base = wn_strip_base(ptr, p->skip);
    const int32_t n = wn_strip_rows(ptr, p->n_frames, p->skip, p->n);

    for (int64_t t = first; t < end; t++) {
        const int32_t f = (int32_t)(t / blocks), from = WN_MAX(ptr[f], base);
        const struct square q = {
            .x = (const float *)buf[0] + (int64_t)ptr[f] * p->dim,
            .y = (float *)buf[2] + (int64_t)(from - base) * p->width,
            .m = ptr[f + 1] - ptr[f],
            .from = from - ptr[f],
            .to = WN_MIN(ptr[f + 1], base + n) - ptr[f],
            .dim = p->dim,
            .width = p->width,
        };
        const int32_t begin = q.from + (int32_t)(t % blocks) * size;
        const int32_t last = WN_MIN(begin + size, q.to);
        for (int32_t j = begin; j < q.to; j += size) {
            const int32_t stop = WN_MIN(j + size, q.to);
            for (int32_t i = begin; i < WN_MIN(last, stop); i += GROUP)
                meet(&q, i, WN_MAX(i, j), stop, true);
        }
        beside(&q, begin, last, 0, q.from);
        beside(&q, begin, last, q.to, q.m);
    }
}

enum { COLS = 4 * BLOCK, ROWS = 64 }; /* of a piece of listed rows */

/* Rows [r, end) of y, of one frame: columns [from, to). */
static void listed_rows(const struct wn_gram_params *p, void *const *buf, int64_t r, int64_t end,
                        int32_t begin, int32_t from, int32_t to)
{
    const float *x = buf[0], *a[GROUP], *b[BLOCK];

    for (int32_t j = from; j < to; j += BLOCK) {
        const int nb = WN_MIN(BLOCK, to - j);
        for (int c = 0; c < nb; c++)
            b[c] = x + (int64_t)(begin + j + c) * p->dim;
        for (int64_t i = r; i < end; i += GROUP) {
            const int na = (int)WN_MIN(GROUP, end - i);
            for (int g = 0; g < na; g++)
                a[g] = x + (int64_t)row_of(p, buf, i + g) * p->dim;
            wn_dots((float *)buf[2] + i * p->width + j, p->width, a, na, b, nb, p->dim);
        }
    }
}

/* Pieces of ROWS listed rows and COLS columns. */
static void listed_part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_gram_params *p = params;
    const int32_t *ptr = buf[1], runs = (p->width + COLS - 1) / COLS;

    for (int64_t t = first; t < end; t++) {
        const int64_t stop = WN_MIN((t / runs + 1) * ROWS, p->n);
        const int32_t from = (int32_t)(t % runs) * COLS;
        for (int64_t r = t / runs * ROWS, next; r < stop; r = next) {
            const int32_t i = row_of(p, buf, r);
            next = r + 1;
            if (i == WN_NONE)
                continue;
            const int32_t f = wn_segment_of(ptr, p->n_frames, i);
            for (int32_t k; next < stop; next++) {
                k = row_of(p, buf, next);
                if (k < ptr[f] || k >= ptr[f + 1])
                    break;
            }
            listed_rows(p, buf, r, next, ptr[f], from, WN_MIN(from + COLS, ptr[f + 1] - ptr[f]));
        }
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_gram_params *p = params;
    const int32_t size = block_rows(p), runs = (p->width + COLS - 1) / COLS;

    if (p->listed >= 0)
        wn_blocks(pool, ((int64_t)p->n + ROWS - 1) / ROWS * runs, 1, listed_part, params, buf);
    else
        wn_blocks(pool, (int64_t)p->n_frames * ((p->width + size - 1) / size), 1, part, params,
                  buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_gram_params *p = params;

    return (uint32_t)((p->n + 3) / 4) * (uint32_t)p->runs;
}

const struct wn_kernel wn_kernel_gram = {
    .name = "gram",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_WRITE, WN_READ, WN_READ},
    .params_size = sizeof(struct wn_gram_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
