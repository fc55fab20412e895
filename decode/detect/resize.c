/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "clones.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONG_SIDE 256

void wn_detect_size(int32_t w, int32_t h, int32_t *dw, int32_t *dh)
{
    const int32_t longest = WN_MAX(w, h);
    const double factor = longest <= LONG_SIDE ? 1 : longest / (double)LONG_SIDE;

    *dw = WN_MAX(1, (int32_t)rint(w / factor));
    *dh = WN_MAX(1, (int32_t)rint(h / factor));
}

struct tap { /* two neighbours and their weights in 1/2048 */
    int32_t at[2];
    int16_t weight[2];
};

static int16_t fixed(float weight)
{
    return (int16_t)lrintf(weight * 2048);
}

/* Rows differ from columns at the borders: a column outside takes the border with full weight, a
 * row outside keeps its weights on a repeated row. */
static void make_taps(struct tap *tap, int32_t dst, int32_t src, bool columns)
{
    const double scale = 1 / ((double)dst / src);

    for (int32_t i = 0; i < dst; i++) {
        float f = (float)((i + 0.5) * scale - 0.5);
        int32_t at = (int32_t)floorf(f);
        f -= (float)at;
        if (columns && at < 0) {
            at = 0;
            f = 0;
        }
        if (columns && at >= src - 1) {
            at = src - 1;
            f = 0;
        }
        tap[i].at[0] = WN_MIN(WN_MAX(at, 0), src - 1);
        tap[i].at[1] = WN_MIN(WN_MAX(at + 1, 0), src - 1);
        tap[i].weight[0] = fixed(1.f - f);
        tap[i].weight[1] = fixed(f);
    }
}

/* Both neighbours of every target pixel of a row, each in a row of its own. */
static void gather(const uint8_t *row, const struct tap *column, int32_t dw, uint8_t *left,
                   uint8_t *right)
{
    int32_t inner = 0; /* of these, the fourth byte is in the row, and is written over */

    while (inner + 1 < dw && column[inner].at[1] < column[dw - 1].at[1])
        inner++;
    for (int32_t x = 0; x < inner; x++) {
        memcpy(left + 3 * x, row + (ptrdiff_t)column[x].at[0] * 3, 4);
        memcpy(right + 3 * x, row + (ptrdiff_t)column[x].at[1] * 3, 4);
    }
    for (int32_t x = inner; x < dw; x++) {
        memcpy(left + 3 * x, row + (ptrdiff_t)column[x].at[0] * 3, 3);
        memcpy(right + 3 * x, row + (ptrdiff_t)column[x].at[1] * 3, 3);
    }
}

WN_CLONES
static void across(const uint8_t *restrict left, const uint8_t *restrict right,
                   const int32_t *restrict wl, const int32_t *restrict wr, int n,
                   int32_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (left[i] * wl[i] + right[i] * wr[i]) >> 4;
}

WN_CLONES
static void down(const int32_t *restrict above, const int32_t *restrict below, int32_t wa,
                 int32_t wb, int n, uint8_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)((((above[i] * wa) >> 16) + ((below[i] * wb) >> 16) + 2) >> 2);
}

struct linear { /* room for a row of n bytes */
    int32_t n;
    int32_t *wl, *wr;  /* [n] */
    int32_t *row[2];   /* [n] source rows, shrunk */
    int32_t at[2];     /* which source rows these are; -1: none */
    uint8_t *side[2];  /* [n] */
};

/* The place of a source row that was shrunk, `keep` the place that must not be taken. */
static int shrunk(struct linear *l, const uint8_t *src, ptrdiff_t stride, int32_t at,
                  const struct tap *column, int keep)
{
    for (int i = 0; i < 2; i++)
        if (l->at[i] == at)
            return i;
    const int place = keep == 0 ? 1 : 0;
    gather(src + at * stride, column, l->n / 3, l->side[0], l->side[1]);
    across(l->side[0], l->side[1], l->wl, l->wr, l->n, l->row[place]);
    l->at[place] = at;
    return place;
}

static void halve(const uint8_t *src, ptrdiff_t stride, uint8_t *dst, int32_t dw, int32_t dh)
{
    for (int32_t y = 0; y < dh; y++) {
        const uint8_t *a = src + 2 * y * stride, *b = a + stride;
        for (size_t x = 0; x < (size_t)dw; x++)
            for (size_t k = 0; k < 3; k++)
                *dst++ = (uint8_t)((a[x * 6 + k] + a[x * 6 + 3 + k] + b[x * 6 + k] +
                                    b[x * 6 + 3 + k] + 2) >> 2);
    }
}

int wn_resize_linear(const uint8_t *src, ptrdiff_t stride, int32_t sw, int32_t sh, uint8_t *dst,
                     int32_t dw, int32_t dh)
{
    if (sw == 2 * dw && sh == 2 * dh) { /* OpenCV averages here whatever was asked for */
        halve(src, stride, dst, dw, dh);
        return WN_OK;
    }
    const size_t n = (size_t)dw * 3;
    struct tap *tap = wn_calloc((size_t)dw + (size_t)dh, sizeof(*tap));
    int32_t *words = wn_calloc(4 * n, sizeof(*words));
    uint8_t *bytes = wn_calloc(2 * n, 1);
    const bool ok = tap && words && bytes;
    struct linear l = {.n = (int32_t)n, .at = {-1, -1}};
    if (ok) {
        make_taps(tap, dw, sw, true);
        make_taps(tap + dw, dh, sh, false);
        l.wl = words;
        l.wr = words + n;
        l.row[0] = words + 2 * n;
        l.row[1] = words + 3 * n;
        l.side[0] = bytes;
        l.side[1] = bytes + n;
    }
    for (size_t i = 0; ok && i < n; i++) {
        l.wl[i] = tap[i / 3].weight[0];
        l.wr[i] = tap[i / 3].weight[1];
    }
    for (int32_t y = 0; ok && y < dh; y++) {
        const struct tap *t = tap + dw + y;
        const int above = shrunk(&l, src, stride, t->at[0], tap, l.at[0] == t->at[1] ? 0 : 1);
        const int below = shrunk(&l, src, stride, t->at[1], tap, above);
        down(l.row[above], l.row[below], t->weight[0], t->weight[1], l.n, dst + (size_t)y * n);
    }
    free(tap);
    free(words);
    free(bytes);
    return ok ? WN_OK : WN_ERR_NOMEM;
}

/* How much of source pixel s lies in [begin, end), as a share of the stretch. */
static float overlap(int32_t s, double begin, double end, double cell)
{
    const double part = fmin(s + 1, end) - fmax(s, begin);

    return part > 1e-3 ? (float)(fmin(part, 1) / cell) : 0;
}

static uint8_t area_pixel(const uint8_t *src, int32_t sw, int32_t sh, int32_t dx, int32_t dy,
                          double fx, double fy)
{
    const double x0 = dx * fx, x1 = x0 + fx, y0 = dy * fy, y1 = y0 + fy;
    const double cell_x = fmin(fx, sw - x0), cell_y = fmin(fy, sh - y0);
    float sum = 0;

    for (int32_t y = (int32_t)floor(y0); y < sh && y < y1; y++) {
        const float wy = overlap(y, y0, y1, cell_y);
        float row = 0;
        for (int32_t x = (int32_t)floor(x0); x < sw && x < x1; x++)
            row += (float)src[(size_t)y * (size_t)sw + (size_t)x] * overlap(x, x0, x1, cell_x);
        sum += row * wy;
    }
    return (uint8_t)fminf(255, rintf(sum));
}

/* Enlarging, OpenCV interpolates inside a source pixel's share of the target. */
static uint8_t enlarged_pixel(const uint8_t *src, int32_t sw, int32_t sh, int32_t dx, int32_t dy,
                              double fx, double fy)
{
    const double place[2] = {dx, dy}, factor[2] = {fx, fy};
    const int32_t size[2] = {sw, sh};
    int32_t at[2], next[2];
    double f[2];

    for (int k = 0; k < 2; k++) {
        at[k] = (int32_t)floor(place[k] * factor[k]);
        f[k] = (place[k] + 1) - (at[k] + 1) / factor[k];
        f[k] = f[k] <= 0 ? 0 : f[k] - floor(f[k]);
        at[k] = WN_MIN(at[k], size[k] - 1);
        next[k] = WN_MIN(at[k] + 1, size[k] - 1);
    }
    const uint8_t *a = src + (size_t)at[1] * (size_t)sw, *b = src + (size_t)next[1] * (size_t)sw;
    const double above = a[at[0]] * (1 - f[0]) + a[next[0]] * f[0];
    const double below = b[at[0]] * (1 - f[0]) + b[next[0]] * f[0];
    return (uint8_t)rint(above * (1 - f[1]) + below * f[1]);
}

int wn_resize_area(const uint8_t *src, int32_t sw, int32_t sh, uint8_t *dst, int32_t dw, int32_t dh)
{
    const double fx = (double)sw / dw, fy = (double)sh / dh;

    for (int32_t y = 0; y < dh; y++)
        for (int32_t x = 0; x < dw; x++)
            *dst++ = fx >= 1 && fy >= 1 ? area_pixel(src, sw, sh, x, y, fx, fy)
                                        : enlarged_pixel(src, sw, sh, x, y, fx, fy);
    return WN_OK;
}
