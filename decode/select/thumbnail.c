/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <math.h>

void wn_thumbnail_grid(int32_t count, int32_t *rows, int32_t *cols)
{
    *cols = 1;
    for (int32_t c = 2; c * c <= count; c++)
        *cols = count % c ? *cols : c;
    *rows = count / *cols;
}

/* The mean of rows y0 .. y1 - 1 and columns x0 .. x1 - 1. */
static float mean(const float *in, int32_t w, int32_t y0, int32_t y1, int32_t x0, int32_t x1)
{
    double sum = 0;

    for (int32_t y = y0; y < y1; y++) {
        for (int32_t x = x0; x < x1; x++)
            sum += in[(int64_t)y * w + x];
    }
    return (float)(sum / ((double)(y1 - y0) * (x1 - x0)));
}

/* Where part i of `parts` of n begins, and where it ends. */
static int32_t begin(int32_t i, int32_t n, int32_t parts)
{
    return (int32_t)((int64_t)i * n / parts);
}

static int32_t end(int32_t i, int32_t n, int32_t parts)
{
    return (int32_t)((((int64_t)i + 1) * n + parts - 1) / parts);
}

void wn_thumbnail(const float *in, int32_t channels, int32_t h, int32_t w, int32_t rows,
                  int32_t cols, int32_t side, float *out)
{
    const int32_t th = side / rows, tw = side / cols; /* what does not divide is left out */

    for (int32_t c = 0; c < channels; c++) {
        for (int32_t y = 0; y < th * rows; y++) {
            for (int32_t x = 0; x < tw * cols; x++) {
                const int32_t k = y / th * cols + x / tw, i = y % th, j = x % tw;
                const float *picture = in + ((int64_t)k * channels + c) * h * w;
                out[((int64_t)c * th * rows + y) * (tw * cols) + x] =
                    mean(picture, w, begin(i, h, th), end(i, h, th), begin(j, w, tw),
                         end(j, w, tw));
            }
        }
    }
}

void wn_thumbnail_bytes(const uint8_t *in, int32_t h, int32_t w, int32_t height, int32_t width,
                        uint8_t *out)
{
    for (int32_t y = 0; y < height; y++) {
        const int32_t y0 = begin(y, h, height), y1 = end(y, h, height);
        for (int32_t x = 0; x < width; x++) {
            const int32_t x0 = begin(x, w, width), x1 = end(x, w, width);
            const uint64_t n = (uint64_t)(y1 - y0) * (uint64_t)(x1 - x0);
            uint64_t sum[3] = {0};
            for (int64_t v = y0; v < y1; v++) {
                for (int64_t u = x0; u < x1; u++) {
                    for (int c = 0; c < 3; c++)
                        sum[c] += in[(v * w + u) * 3 + c];
                }
            }
            for (int c = 0; c < 3; c++)
                *out++ = (uint8_t)((sum[c] + n / 2) / n);
        }
    }
}
