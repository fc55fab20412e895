/* SPDX-License-Identifier: MIT */
#include "resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 14 }; /* of a weight */

/* For each output place the first input and the weights that follow it; weights sum to 1 << BITS.
 */
struct filter {
    int32_t *first;
    int32_t *weight; /* [n][taps] */
    int32_t taps;
};

static void fill(struct filter *f, int32_t i, double scale, double reach, int32_t n_src)
{
    const double centre = (i + 0.5) * scale;
    const int32_t lo = WN_MAX(0, (int32_t)floor(centre - reach));
    const int32_t hi = WN_MIN(n_src, (int32_t)ceil(centre + reach));
    int32_t *w = f->weight + (size_t)i * (size_t)f->taps, left = 1 << BITS, best = 0;
    double sum = 0;

    f->first[i] = lo;
    for (int32_t k = lo; k < hi; k++)
        sum += fmax(0, 1 - fabs(k + 0.5 - centre) / reach);
    for (int32_t k = 0; k < hi - lo; k++) {
        w[k] =
            (int32_t)lround((1 << BITS) * fmax(0, 1 - fabs(lo + k + 0.5 - centre) / reach) / sum);
        left -= w[k];
        best = w[k] > w[best] ? k : best;
    }
    w[best] += left;
}

static bool make(struct filter *f, int32_t n_dst, int32_t n_src)
{
    const double scale = (double)n_src / n_dst, reach = scale > 1 ? scale : 1;

    f->taps = (int32_t)ceil(reach) * 2 + 1;
    f->first = wn_calloc((size_t)n_dst, sizeof(*f->first));
    f->weight = wn_calloc((size_t)n_dst, (size_t)f->taps * sizeof(*f->weight));
    if (!f->first || !f->weight)
        return false;
    for (int32_t i = 0; i < n_dst; i++)
        fill(f, i, scale, reach, n_src);
    return true;
}

static void across(uint8_t *dst, const uint8_t *src, const struct filter *f, int32_t n_dst,
                   int32_t n_src)
{
    for (int32_t x = 0; x < n_dst; x++) {
        const int32_t *w = f->weight + (size_t)x * (size_t)f->taps;
        const uint8_t *s = src + (size_t)f->first[x] * 3;
        const int32_t taps = WN_MIN(f->taps, n_src - f->first[x]);
        int32_t r = 1 << (BITS - 1), g = r, b = r;

        for (int32_t k = 0; k < taps; k++, s += 3) {
            r += w[k] * s[0];
            g += w[k] * s[1];
            b += w[k] * s[2];
        }
        dst[3 * x] = (uint8_t)(r >> BITS);
        dst[3 * x + 1] = (uint8_t)(g >> BITS);
        dst[3 * x + 2] = (uint8_t)(b >> BITS);
    }
}

/* acc[] += w * row[]: the column filter, a row at a time. */
static void down(uint8_t *dst, int32_t *acc, const uint8_t *rows, const int32_t *w, int32_t taps,
                 size_t width)
{
    for (size_t i = 0; i < width; i++)
        acc[i] = 1 << (BITS - 1);
    for (int32_t k = 0; k < taps; k++)
        for (size_t i = 0; w[k] && i < width; i++)
            acc[i] += w[k] * rows[(size_t)k * width + i];
    for (size_t i = 0; i < width; i++)
        dst[i] = (uint8_t)(acc[i] >> BITS);
}

int wn_resize_rgb(uint8_t *dst, size_t dst_stride, int32_t dst_w, int32_t dst_h,
                  const uint8_t *src, int32_t src_w, int32_t src_h)
{
    const size_t width = (size_t)dst_w * 3;
    struct filter x = {0}, y = {0};
    uint8_t *mid = wn_calloc(width, (size_t)src_h);
    int32_t *acc = wn_calloc(width, sizeof(*acc));
    int err = WN_ERR_NOMEM;

    if (!mid || !acc || !make(&x, dst_w, src_w) || !make(&y, dst_h, src_h))
        goto fail;
    for (int32_t r = 0; r < src_h; r++)
        across(mid + (size_t)r * width, src + (size_t)r * (size_t)src_w * 3, &x, dst_w, src_w);
    for (int32_t r = 0; r < dst_h; r++)
        down(dst + (size_t)r * dst_stride, acc, mid + (size_t)y.first[r] * width,
             y.weight + (size_t)r * (size_t)y.taps, WN_MIN(y.taps, src_h - y.first[r]), width);
    err = WN_OK;
fail:
    free(mid);
    free(acc);
    free(x.first);
    free(x.weight);
    free(y.first);
    free(y.weight);
    return err;
}

int wn_resize_square(uint8_t *dst, int32_t side, const uint8_t pad[3], const struct wn_frame *frame)
{
    const double scale = (double)side / WN_MAX(frame->width, frame->height);
    const int32_t w = WN_MAX(1, WN_MIN(side, (int32_t)ceil(frame->width * scale - 1e-9)));
    const int32_t h = WN_MAX(1, WN_MIN(side, (int32_t)ceil(frame->height * scale - 1e-9)));
    const size_t stride = (size_t)side * 3;

    for (size_t i = 0; i < (size_t)side * (size_t)side; i++)
        memcpy(dst + 3 * i, pad, 3);
    return wn_resize_rgb(dst + (size_t)((side - h) / 2) * stride + (size_t)((side - w) / 2) * 3,
                         stride, w, h, frame->rgb, frame->width, frame->height);
}
