/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>

/* 2^12 times 255 / i and 180 / (6 i), rounded: divisions in fixed point. */
struct tables {
    int32_t sat[256], hue[256];
};

static struct tables make_tables(void)
{
    struct tables t = {{0}, {0}};

    for (int i = 1; i < 256; i++) {
        t.sat[i] = (int32_t)lrint((255 << 12) / (double)i);
        t.hue[i] = (int32_t)lrint((180 << 12) / (6.0 * i));
    }
    return t;
}

void wn_hsv(const uint8_t *rgb, size_t n, uint8_t *hue, uint8_t *sat, uint8_t *lum)
{
    const struct tables t = make_tables();

    for (size_t i = 0; i < n; i++, rgb += 3) {
        const int r = rgb[0], g = rgb[1], b = rgb[2];
        const int v = WN_MAX(WN_MAX(r, g), b), d = v - WN_MIN(WN_MIN(r, g), b);
        const int side = v == r ? g - b : v == g ? b - r + 2 * d : r - g + 4 * d;
        /* Arithmetic shift as in the original: a negative hue rounds down. */
        const int32_t h = side * t.hue[d] + (1 << 11);
        int turned = h >= 0 ? h >> 12 : -((-h + 4095) >> 12);
        if (turned < 0)
            turned += 180;
        hue[i] = (uint8_t)turned;
        sat[i] = (uint8_t)((d * t.sat[v] + (1 << 11)) >> 12);
        lum[i] = (uint8_t)v;
    }
}
