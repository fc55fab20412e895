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

#define PART 1024

/* The largest of three, its distance to the smallest, and which sextant of the circle of hues. */
WN_CLONES
static void order(const uint8_t *restrict red, const uint8_t *restrict green,
                  const uint8_t *restrict blue, int n, uint8_t *restrict lum,
                  uint8_t *restrict range, int16_t *restrict side)
{
    for (int i = 0; i < n; i++) {
        const uint8_t r = red[i], g = green[i], b = blue[i];
        const uint8_t v = WN_MAX(WN_MAX(r, g), b);
        lum[i] = v;
        range[i] = (uint8_t)(v - WN_MIN(WN_MIN(r, g), b));
    }
    for (int i = 0; i < n; i++) {
        const int16_t r = red[i], g = green[i], b = blue[i], v = lum[i], d = range[i];
        const int16_t from_r = (int16_t)(g - b), from_g = (int16_t)(b - r + 2 * d);
        const int16_t from_b = (int16_t)(r - g + 4 * d);
        const int16_t other = v == g ? from_g : from_b;
        side[i] = v == r ? from_r : other;
    }
}

static void look_up(const int32_t *table, const uint8_t *at, int n, int32_t *out)
{
    for (int i = 0; i < n; i++)
        out[i] = table[at[i]];
}

WN_CLONES
static void saturate(const uint8_t *restrict range, const int32_t *restrict scale, int n,
                     uint8_t *restrict sat)
{
    for (int i = 0; i < n; i++)
        sat[i] = (uint8_t)((range[i] * scale[i] + (1 << 11)) >> 12);
}

/* Rounded down as the original's arithmetic shift does: 2^12 times 360 more keeps it from being
 * negative, 360 less puts it back. */
WN_CLONES
static void turn(const int16_t *restrict side, const int32_t *restrict scale, int n,
                 uint8_t *restrict hue)
{
    for (int i = 0; i < n; i++) {
        const int32_t h = (int32_t)(((uint32_t)(side[i] * scale[i] + (1 << 11)) +
                                     (360u << 12)) >> 12) - 360;
        hue[i] = (uint8_t)(h < 0 ? h + 180 : h);
    }
}

void wn_hsv(const uint8_t *rgb, size_t n, uint8_t *hue, uint8_t *sat, uint8_t *lum)
{
    const struct tables t = make_tables();
    int32_t scale[PART];
    uint8_t range[PART];
    int16_t side[PART];

    for (size_t i = 0; i < n; i += PART) {
        const int some = (int)WN_MIN(n - i, PART);
        order(rgb + i, rgb + n + i, rgb + 2 * n + i, some, lum + i, range, side);
        look_up(t.sat, lum + i, some, scale);
        saturate(range, scale, some, sat + i);
        look_up(t.hue, range, some, scale);
        turn(side, scale, some, hue + i);
    }
}
