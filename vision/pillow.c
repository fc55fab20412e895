/* SPDX-License-Identifier: MIT */
#include "pillow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 22 }; /* of a weight: 32, less 8 for a byte and 2 for sign and overshoot */

struct axis {
    int32_t *first, *n;  /* [size] inputs of an output place */
    int32_t *weight;     /* [size][most] */
    int32_t most;
    bool same;           /* this axis keeps its size: nothing is filtered */
};

static double cubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* Weights in double, normalised, then rounded half away from zero. */
static void fill(const struct axis *f, double *w, int32_t at, int32_t i, double scale,
                 int32_t n_src)
{
    const double stretch = scale > 1 ? scale : 1, centre = (i + 0.5) * scale;
    const int32_t lo = WN_MAX(0, (int32_t)(centre - 2 * stretch + 0.5));
    const int32_t hi = WN_MIN(n_src, (int32_t)(centre + 2 * stretch + 0.5));
    double sum = 0;

    for (int32_t k = 0; k < hi - lo; k++) {
        w[k] = cubic((k + lo - centre + 0.5) * (1 / stretch));
        sum += w[k];
    }
    for (int32_t k = 0; k < hi - lo; k++) {
        const double v = (sum != 0 ? w[k] / sum : w[k]) * (1 << BITS);

        f->weight[(size_t)at * (size_t)f->most + (size_t)k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
    }
    f->first[at] = lo;
    f->n[at] = hi - lo;
}

/* Places first .. first + n - 1 of n_dst. */
static bool make(struct axis *f, int32_t first, int32_t n, int32_t n_dst, int32_t n_src)
{
    const double scale = (double)n_src / n_dst, stretch = scale > 1 ? scale : 1;

    f->same = n_dst == n_src;
    f->most = f->same ? 1 : (int32_t)ceil(2 * stretch) * 2 + 1;
    double *w = wn_calloc((size_t)f->most, sizeof(*w));
    f->first = wn_calloc((size_t)n, sizeof(*f->first));
    f->n = wn_calloc((size_t)n, sizeof(*f->n));
    f->weight = wn_calloc((size_t)n, (size_t)f->most * sizeof(*f->weight));
    const bool ok = w && f->first && f->n && f->weight;
    for (int32_t i = 0; ok && i < n; i++) {
        if (!f->same) {
            fill(f, w, i, first + i, scale, n_src);
            continue;
        }
        f->first[i] = first + i;
        f->n[i] = 1;
        f->weight[i] = 1 << BITS;
    }
    free(w);
    return ok;
}

static void finish(struct axis *f)
{
    free(f->first);
    free(f->n);
    free(f->weight);
}

static uint8_t to_byte(int32_t v)
{
    v >>= BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void across(uint8_t *dst, const uint8_t *src, const struct axis *f, int32_t n_dst)
{
    for (int32_t x = 0; x < n_dst; x++) {
        const int32_t *w = f->weight + (size_t)x * (size_t)f->most;
        const uint8_t *s = src + (size_t)f->first[x] * 3;
        int32_t r = 1 << (BITS - 1), g = r, b = r;

        for (int32_t k = 0; k < f->n[x]; k++, s += 3) {
            r += w[k] * s[0];
            g += w[k] * s[1];
            b += w[k] * s[2];
        }
        dst[3 * x] = to_byte(r);
        dst[3 * x + 1] = to_byte(g);
        dst[3 * x + 2] = to_byte(b);
    }
}

/* sum[] += w * line[]: the column filter, a line at a time. */
static void add_line(int32_t *sum, const uint8_t *line, int32_t w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += w * line[i];
}

static void start(int32_t *sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = 1 << (BITS - 1);
}

static void end(uint8_t *dst, const int32_t *sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = to_byte(sum[i]);
}

static void paint(uint8_t *line, const uint8_t colour[3], int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        memcpy(line + (size_t)i * 3, colour, 3);
}

/* Line y of the canvas, in `line` where it is no line of the picture. */
static const uint8_t *canvas_line(const struct wn_canvas *c, uint8_t *line, int32_t y)
{
    const bool in = y >= c->y && y < c->y + c->height;
    const uint8_t *own = in ? c->rgb + (size_t)(y - c->y) * (size_t)c->width * 3 : NULL;

    if (in && c->width == c->full_w)
        return own;
    paint(line, c->colour, c->full_w);
    if (in)
        memcpy(line + (size_t)c->x * 3, own, (size_t)c->width * 3);
    return line;
}

struct resize {
    const struct wn_canvas *src;
    const struct wn_window *window;
    struct axis x, y;
    uint8_t *canvas; /* a line of it */
    int32_t *sum;    /* a line of either size */
};

static int rows_first(const struct resize *r, uint8_t *dst)
{
    const size_t line = (size_t)r->window->w * 3;
    const int32_t last = r->window->h - 1, first = r->y.first[0];
    const int32_t n = r->y.first[last] + r->y.n[last] - first;
    uint8_t *mid = wn_calloc(line, (size_t)n);

    if (!mid)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < n; i++)
        across(mid + (size_t)i * line, canvas_line(r->src, r->canvas, first + i), &r->x,
               r->window->w);
    for (int32_t i = 0; i <= last; i++) {
        start(r->sum, line);
        for (int32_t k = 0; k < r->y.n[i]; k++)
            add_line(r->sum, mid + (size_t)(r->y.first[i] - first + k) * line,
                     r->y.weight[(size_t)i * (size_t)r->y.most + (size_t)k], line);
        end(dst + (size_t)i * line, r->sum, line);
    }
    free(mid);
    return WN_OK;
}

static int columns_first(const struct resize *r, uint8_t *dst)
{
    const size_t line = (size_t)r->src->full_w * 3;
    uint8_t *mid = wn_calloc(line, 1);

    if (!mid)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < r->window->h; i++) {
        start(r->sum, line);
        for (int32_t k = 0; k < r->y.n[i]; k++)
            add_line(r->sum, canvas_line(r->src, r->canvas, r->y.first[i] + k),
                     r->y.weight[(size_t)i * (size_t)r->y.most + (size_t)k], line);
        end(mid, r->sum, line);
        across(dst + (size_t)i * (size_t)r->window->w * 3, mid, &r->x, r->window->w);
    }
    free(mid);
    return WN_OK;
}

/* Pillow rounds to bytes between the two passes, so that their order shows. Since version 13 the
 * columns come first where the height loses more than twice what the width does. */
int wn_pillow_bicubic(uint8_t *dst, const struct wn_window *window, int32_t full_w, int32_t full_h,
                      const struct wn_canvas *src)
{
    const int64_t less_h = (int64_t)src->full_h - full_h, less_w = (int64_t)src->full_w - full_w;
    struct resize r = {
        .src = src, .window = window,
        .canvas = wn_calloc((size_t)src->full_w, 3),
        .sum = wn_calloc((size_t)WN_MAX(src->full_w, window->w) * 3, sizeof(*r.sum)),
    };
    int err = WN_ERR_NOMEM;

    if (r.sum && r.canvas && make(&r.x, window->x, window->w, full_w, src->full_w) &&
        make(&r.y, window->y, window->h, full_h, src->full_h))
        err = less_h > 0 && less_h > 2 * less_w ? columns_first(&r, dst) : rows_first(&r, dst);
    free(r.sum);
    free(r.canvas);
    finish(&r.x);
    finish(&r.y);
    return err;
}
