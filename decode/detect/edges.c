/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double median(const uint8_t *x, size_t n)
{
    size_t count[256] = {0}, before = 0;
    int low = -1;

    for (size_t i = 0; i < n; i++)
        count[x[i]]++;
    for (int v = 0; v < 256; v++) {
        before += count[v];
        if (low < 0 && before > (n - 1) / 2)
            low = v;
        if (before > n / 2)
            return (low + v) / 2.0;
    }
    return 0;
}

struct canny {
    int32_t w, h;
    int16_t *dx, *dy;  /* [h][w] Sobel, borders repeated */
    int32_t *mag;      /* [h + 2][w + 2] |dx| + |dy|, zero around */
    uint8_t *map;      /* [h + 2][w + 2] 0 weak, 1 none, 2 edge; 1 around */
    int32_t *stack;    /* places in map that are edges and not yet followed */
    size_t top;
};

static void sobel(struct canny *c, const uint8_t *lum)
{
    const int32_t w = c->w, h = c->h;

    for (int32_t y = 0; y < h; y++) {
        const uint8_t *above = lum + (ptrdiff_t)WN_MAX(y - 1, 0) * w;
        const uint8_t *here = lum + (ptrdiff_t)y * w;
        const uint8_t *below = lum + (ptrdiff_t)WN_MIN(y + 1, h - 1) * w;
        for (int32_t x = 0; x < w; x++) {
            const int32_t l = WN_MAX(x - 1, 0), r = WN_MIN(x + 1, w - 1);
            const int dx = above[r] - above[l] + 2 * (here[r] - here[l]) + below[r] - below[l];
            const int dy = below[l] - above[l] + 2 * (below[x] - above[x]) + below[r] - above[r];
            c->dx[(ptrdiff_t)y * w + x] = (int16_t)dx;
            c->dy[(ptrdiff_t)y * w + x] = (int16_t)dy;
            c->mag[(ptrdiff_t)(y + 1) * (w + 2) + x + 1] = abs(dx) + abs(dy);
        }
    }
}

/* Whether the gradient at m is highest across the edge, its direction rounded to 45 degrees. */
static bool is_ridge(const int32_t *m, ptrdiff_t row, int dx, int dy)
{
    const int64_t tan22 = 13573; /* tan(22.5 degrees) * 2^15 */
    const int64_t x = abs(dx), y = (int64_t)abs(dy) << 15, low = x * tan22;

    if (y < low)
        return m[0] > m[-1] && m[0] >= m[1];
    if (y > low + (x << 16))
        return m[0] > m[-row] && m[0] >= m[row];
    const ptrdiff_t s = (dx ^ dy) < 0 ? -1 : 1;
    return m[0] > m[-row - s] && m[0] > m[row + s];
}

static void push(struct canny *c, ptrdiff_t at)
{
    c->map[at] = 2;
    c->stack[c->top++] = (int32_t)at;
}

static void thin_ridges(struct canny *c, int low, int high)
{
    const ptrdiff_t row = c->w + 2;

    for (int32_t y = 0; y < c->h; y++) {
        for (int32_t x = 0; x < c->w; x++) {
            const ptrdiff_t at = (y + 1) * row + x + 1, i = (ptrdiff_t)y * c->w + x;
            const int32_t m = c->mag[at];
            c->map[at] = 1;
            if (m <= low || !is_ridge(c->mag + at, row, c->dx[i], c->dy[i]))
                continue;
            c->map[at] = 0;
            if (m > high)
                push(c, at);
        }
    }
}

static void follow(struct canny *c)
{
    const ptrdiff_t row = c->w + 2;
    const ptrdiff_t near[8] = {-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1};

    while (c->top) {
        const ptrdiff_t at = c->stack[--c->top];
        for (int k = 0; k < 8; k++)
            if (c->map[at + near[k]] == 0)
                push(c, at + near[k]);
    }
}

/* Each pixel is the largest of the k x k around it: rows, then columns. */
static void dilate(const struct canny *c, int k, uint8_t *rows, uint8_t *edges)
{
    const int32_t w = c->w, h = c->h, r = k / 2;

    memset(rows, 0, (size_t)w * (size_t)h);
    memset(edges, 0, (size_t)w * (size_t)h);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++)
            if (c->map[(ptrdiff_t)(y + 1) * (w + 2) + x + 1] == 2)
                for (int32_t u = WN_MAX(x - r, 0); u <= WN_MIN(x + r, w - 1); u++)
                    rows[(ptrdiff_t)y * w + u] = 255;
    for (int32_t y = 0; y < h; y++)
        for (int32_t v = WN_MAX(y - r, 0); v <= WN_MIN(y + r, h - 1); v++)
            for (int32_t x = 0; x < w; x++)
                edges[(ptrdiff_t)v * w + x] |= rows[(ptrdiff_t)y * w + x];
}

static int kernel_by_size(int32_t w, int32_t h)
{
    const int k = 4 + (int)lrint(sqrt((double)w * h) / 192);

    return k | 1;
}

int wn_edges(const uint8_t *lum, int32_t w, int32_t h, int kernel, uint8_t *edges)
{
    const size_t n = (size_t)w * (size_t)h, ringed = ((size_t)w + 2) * ((size_t)h + 2);
    const double m = median(lum, n), sigma = 1.0 / 3.0;
    struct canny c = {.w = w, .h = h};
    int err = WN_ERR_NOMEM;

    c.dx = wn_calloc(n, sizeof(*c.dx));
    c.dy = wn_calloc(n, sizeof(*c.dy));
    c.mag = wn_calloc(ringed, sizeof(*c.mag));
    c.map = wn_calloc(ringed, 1);
    c.stack = wn_calloc(n, sizeof(*c.stack));
    uint8_t *rows = wn_calloc(n, 1);
    if (!c.dx || !c.dy || !c.mag || !c.map || !c.stack || !rows)
        goto fail;
    memset(c.map, 1, ringed);
    sobel(&c, lum);
    thin_ridges(&c, (int)fmax(0, (1.0 - sigma) * m), (int)fmin(255, (1.0 + sigma) * m));
    follow(&c);
    dilate(&c, kernel ? kernel : kernel_by_size(w, h), rows, edges);
    err = WN_OK;
fail:
    free(c.dx);
    free(c.dy);
    free(c.mag);
    free(c.map);
    free(c.stack);
    free(rows);
    return err;
}
