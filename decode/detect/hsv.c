/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "clones.h"

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

#define PART 256

/* Without a branch, so that several pixels are done at once; tables alone are read one by one. */
WN_CLONES
static void part(const uint8_t *restrict rgb, int n, const struct tables *restrict t,
                 uint8_t *restrict hue, uint8_t *restrict sat, uint8_t *restrict lum)
{
    int32_t side[PART], range[PART], scale[PART];

    for (int i = 0; i < n; i++) {
        const int r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        const int v = WN_MAX(WN_MAX(r, g), b), d = v - WN_MIN(WN_MIN(r, g), b);
        const int from_b = v == g ? b - r + 2 * d : r - g + 4 * d;
        side[i] = v == r ? g - b : from_b;
        range[i] = d;
        lum[i] = (uint8_t)v;
    }
    for (int i = 0; i < n; i++)
        scale[i] = t->sat[lum[i]];
    for (int i = 0; i < n; i++)
        sat[i] = (uint8_t)((range[i] * scale[i] + (1 << 11)) >> 12);
    for (int i = 0; i < n; i++)
        scale[i] = t->hue[range[i]];
    for (int i = 0; i < n; i++) {
        /* Rounded down as the original's arithmetic shift does: 2^12 times 360 more keeps it from
         * being negative, 360 less puts it back. */
        const int32_t h = (int32_t)(((uint32_t)(side[i] * scale[i] + (1 << 11)) +
                                     (360u << 12)) >> 12) - 360;
        hue[i] = (uint8_t)(h < 0 ? h + 180 : h);
    }
}

void wn_hsv(const uint8_t *rgb, size_t n, uint8_t *hue, uint8_t *sat, uint8_t *lum)
{
    const struct tables t = make_tables();

    for (size_t i = 0; i < n; i += PART)
        part(rgb + 3 * i, (int)WN_MIN(n - i, PART), &t, hue + i, sat + i, lum + i);
}
