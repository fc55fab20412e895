/* SPDX-License-Identifier: MIT */
/* Dot products of 4 rows with COLS others in vectors of WIDTH floats; see dots.c, which includes
 * this for each instruction set. No include guard: NAME, WIDTH, COLS, TILES, TARGET change. */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define ROWS 4

typedef float JOIN(v_, NAME) __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));
#define V JOIN(v_, NAME)

/* The whole vectors of 4 rows in the order in which lanes_() reads them: rows whose length is a
 * power of two would share the same few places of a cache. */
TARGET static void JOIN(pack_, NAME)(float *to, const float *const *a, int32_t n)
{
    for (int32_t g = 0; g < WN_LANES; g += WIDTH) {
        for (int32_t k = g; k + WIDTH <= n; k += WN_LANES) {
            UNROLL for (int i = 0; i < ROWS; i++, to += WIDTH)
                *(V *)to = *(const V *)(a[i] + k);
        }
    }
}

/* lane[i * COLS + j]: the WN_LANES sums of a[i], packed, times b[j]. Each pass has WIDTH of the
 * lanes in registers, for all pairs. */
TARGET static void JOIN(lanes_, NAME)(float (*lane)[WN_LANES], const float *packed,
                                      const float *const *a, const float *const *b, int32_t n)
{
    for (int32_t g = 0; g < WN_LANES; g += WIDTH) {
        V sum[ROWS][COLS] = {{{0}}};
        int32_t k = g;
        for (; k + WIDTH <= n; k += WN_LANES, packed += ROWS * WIDTH) {
            V u[ROWS];
            UNROLL for (int i = 0; i < ROWS; i++)
                u[i] = *(const V *)(packed + i * WIDTH);
            UNROLL for (int j = 0; j < COLS; j++) {
                const V v = *(const V *)(b[j] + k);
                UNROLL for (int i = 0; i < ROWS; i++)
                    sum[i][j] += u[i] * v;
            }
        }
        UNROLL for (int i = 0; i < ROWS; i++) {
            UNROLL for (int j = 0; j < COLS; j++)
                *(V *)(lane[i * COLS + j] + g) = sum[i][j];
        }
        for (int32_t l = 0; k + l < n; l++) { /* a last vector that is not full */
            for (int p = 0; p < ROWS * COLS; p++)
                lane[p][g + l] += a[p / COLS][k + l] * b[p % COLS][k + l];
        }
    }
}

/* The first halves of all pieces of `h` neighbours in u and then in v, plus the second halves. */
#if WIDTH == 16
# define HALVES(u, v, h) \
    ((h) == 8 ? PICK(u, v, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 8) : \
     (h) == 4 ? PICK(u, v, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27, 4) : \
     (h) == 2 ? PICK(u, v, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29, 2) : \
                PICK(u, v, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 1))
# define PICK(u, v, a, b, c, d, e, f, g, i, j, k, l, m, n, o, p, q, h) \
    (__builtin_shufflevector(u, v, a, b, c, d, e, f, g, i, j, k, l, m, n, o, p, q) + \
     __builtin_shufflevector(u, v, (a) + (h), (b) + (h), (c) + (h), (d) + (h), (e) + (h), \
                             (f) + (h), (g) + (h), (i) + (h), (j) + (h), (k) + (h), (l) + (h), \
                             (m) + (h), (n) + (h), (o) + (h), (p) + (h), (q) + (h)))
#elif WIDTH == 8
# define HALVES(u, v, h) \
    ((h) == 4 ? PICK(u, v, 0, 1, 2, 3, 8, 9, 10, 11, 4) : \
     (h) == 2 ? PICK(u, v, 0, 1, 4, 5, 8, 9, 12, 13, 2) : \
                PICK(u, v, 0, 2, 4, 6, 8, 10, 12, 14, 1))
# define PICK(u, v, a, b, c, d, e, f, g, i, h) \
    (__builtin_shufflevector(u, v, a, b, c, d, e, f, g, i) + \
     __builtin_shufflevector(u, v, (a) + (h), (b) + (h), (c) + (h), (d) + (h), (e) + (h), \
                             (f) + (h), (g) + (h), (i) + (h)))
#else
# define HALVES(u, v, h) ((h) == 2 ? PICK(u, v, 0, 1, 4, 5, 2) : PICK(u, v, 0, 2, 4, 6, 1))
# define PICK(u, v, a, b, c, d, h) \
    (__builtin_shufflevector(u, v, a, b, c, d) + \
     __builtin_shufflevector(u, v, (a) + (h), (b) + (h), (c) + (h), (d) + (h)))
#endif

/* The tree over the lanes of WIDTH pairs at once: first whole vectors, then halves of vectors of
 * two pairs side by side, so that the pairs end up next to each other. */
TARGET static void JOIN(trees_, NAME)(float *out, float (*lane)[WN_LANES])
{
    V v[WIDTH];

    for (int p = 0; p < WIDTH; p++) {
        V part[WN_LANES / WIDTH];
        UNROLL for (int i = 0; i < WN_LANES / WIDTH; i++)
            part[i] = *(const V *)(lane[p] + i * WIDTH);
        UNROLL for (int h = WN_LANES / WIDTH / 2; h; h /= 2) {
            UNROLL for (int i = 0; i < h; i++)
                part[i] += part[i + h];
        }
        v[p] = part[0];
    }
    UNROLL for (int h = WIDTH / 2; h; h /= 2) {
        UNROLL for (int p = 0; p < h; p++)
            v[p] = HALVES(v[2 * p], v[2 * p + 1], h);
    }
    *(V *)out = v[0];
}

/* TILES times COLS others at a time, so that pairs fill whole vectors of trees. */
TARGET static void JOIN(dots_, NAME)(float *d, int64_t stride, const float *const *a, int na,
                                     const float *const *b, int nb, int32_t n)
{
    enum { PAIRS = ROWS * COLS * TILES, SPAN = COLS * TILES };
    _Alignas(64) float lane[PAIRS][WN_LANES], packed[ROWS * MOST], sum[PAIRS];

    static_assert(PAIRS % WIDTH == 0, "no tree has places left");
    memset(lane, 0, sizeof(lane));
    for (int i = 0; i < na; i += ROWS) {
        const float *x[ROWS];
        for (int r = 0; r < ROWS; r++)
            x[r] = a[WN_MIN(i + r, na - 1)];
        JOIN(pack_, NAME)(packed, x, n);
        for (int j = 0; j < nb; j += SPAN) {
            const int span = WN_MIN(SPAN, nb - j);
            const float *y[SPAN];
            for (int c = 0; c < SPAN; c++)
                y[c] = b[j + WN_MIN(c, span - 1)];
            for (int t = 0; t * COLS < span; t++)
                JOIN(lanes_, NAME)(lane + t * ROWS * COLS, packed, x, y + t * COLS, n);
            for (int p = 0; p < PAIRS; p += WIDTH)
                JOIN(trees_, NAME)(sum + p, lane + p);
            for (int r = 0; r < ROWS && i + r < na; r++) {
                for (int c = 0; c < span; c++)
                    d[(i + r) * stride + j + c] = sum[(c / COLS * ROWS + r) * COLS + c % COLS];
            }
        }
    }
}

#undef JOIN_
#undef JOIN
#undef ROWS
#undef V
#undef HALVES
#undef PICK
#undef NAME
#undef WIDTH
#undef COLS
#undef TILES
#undef TARGET
