/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>

#define LONG_SIDE 256

void wn_detect_size(int32_t w, int32_t h, int32_t *dw, int32_t *dh)
{
    const int32_t longest = WN_MAX(w, h);
    const double factor = longest <= LONG_SIDE ? 1 : longest / (double)LONG_SIDE;

    *dw = WN_MAX(1, (int32_t)rint(w / factor));
    *dh = WN_MAX(1, (int32_t)rint(h / factor));
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
