/* SPDX-License-Identifier: MIT */
#include "vit_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int wn_vit_square(uint8_t *dst, const struct wn_vit_info *m, const struct wn_vit_picture *p,
                  enum wn_vit_fit fit)
{
    const int32_t s = m->image_size, side = WN_MAX(p->width, p->height);
    const int32_t small = WN_MIN(p->width, p->height);
    struct wn_canvas canvas = {
        .rgb = p->rgb, .width = p->width, .height = p->height,
        .full_w = p->width, .full_h = p->height,
    };
    struct wn_window window = {0, 0, s, s};
    int32_t w = s, h = s;

    if (fit == WN_VIT_PAD) {
        canvas.full_w = canvas.full_h = side;
        canvas.x = (side - p->width) / 2;
        canvas.y = (side - p->height) / 2;
        for (int c = 0; c < 3; c++)
            canvas.colour[c] = (uint8_t)WN_MAX(0, WN_MIN(255, (int)((double)m->mean[c] * 255)));
    } else if (fit == WN_VIT_CROP) {
        const int64_t longer = (int64_t)s * side / small;

        w = p->width > p->height ? (int32_t)WN_MIN(longer, INT32_MAX) : s;
        h = p->height > p->width ? (int32_t)WN_MIN(longer, INT32_MAX) : s;
        window.x = (w - s) / 2;
        window.y = (h - s) / 2;
    }
    return wn_pillow_bicubic(dst, &window, w, h, &canvas);
}

void wn_vit_unfold(float *patches, const struct wn_vit_info *m, const uint8_t *square)
{
    const int32_t size = m->patch_size;
    float value[3][256];

    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            value[c][v] = ((float)(v * (1 / 255.0)) - m->mean[c]) / m->std[c];
    for (int32_t i = 0; i < m->n_patches; i++) {
        const int32_t y0 = i / m->side * size, x0 = i % m->side * size;

        for (int c = 0; c < 3; c++)
            for (int32_t y = 0; y < size; y++) {
                const uint8_t *from = square + ((size_t)(y0 + y) * (size_t)m->image_size +
                                                (size_t)x0) * 3 + c;

                for (int32_t x = 0; x < size; x++)
                    *patches++ = value[c][from[(size_t)x * 3]];
            }
    }
}

void wn_vit_tiling(struct wn_vit_tiling *t, const struct wn_vit_info *m, int32_t width,
                   int32_t height)
{
    int64_t most = -1, least_waste = 0;

    *t = (struct wn_vit_tiling){.width = width, .height = height, .full_w = m->image_size,
                                .full_h = m->image_size};
    for (int i = 0; i < m->n_pinpoints; i++) {
        const int32_t h = m->pinpoint[i][0], w = m->pinpoint[i][1];
        const double scale = fmin((double)w / width, (double)h / height);
        const int64_t shown = (int64_t)(width * scale) * (int64_t)(height * scale);
        const int64_t useful = WN_MIN(shown, (int64_t)width * height);
        const int64_t waste = (int64_t)w * h - useful;

        if (useful > most || (useful == most && waste < least_waste)) {
            most = useful;
            least_waste = waste;
            t->full_w = w;
            t->full_h = h;
        }
    }
    const double sx = (double)t->full_w / width, sy = (double)t->full_h / height;
    t->w = sx < sy ? t->full_w : WN_MIN((int32_t)ceil(width * sy), t->full_w);
    t->h = sx < sy ? WN_MIN((int32_t)ceil(height * sx), t->full_h) : t->full_h;
    t->w = WN_MAX(t->w, 1);
    t->h = WN_MAX(t->h, 1);
    t->x = (t->full_w - t->w) / 2;
    t->y = (t->full_h - t->h) / 2;
    t->n = 1 + t->full_w / m->image_size * (t->full_h / m->image_size);
}

/* The part of tile (row, col) that the resized picture covers; the rest stays black. */
static void cut(uint8_t *dst, const struct wn_vit_info *m, const struct wn_vit_tiling *t,
               const uint8_t *whole, int32_t row, int32_t col)
{
    const int32_t s = m->image_size, x0 = col * s, y0 = row * s;

    memset(dst, 0, (size_t)s * (size_t)s * 3);
    for (int32_t y = WN_MAX(y0, t->y); y < WN_MIN(y0 + s, t->y + t->h); y++) {
        const int32_t x = WN_MAX(x0, t->x), end = WN_MIN(x0 + s, t->x + t->w);

        if (end > x)
            memcpy(dst + ((size_t)(y - y0) * (size_t)s + (size_t)(x - x0)) * 3,
                   whole + ((size_t)(y - t->y) * (size_t)t->w + (size_t)(x - t->x)) * 3,
                   (size_t)(end - x) * 3);
    }
}

int wn_vit_tiles(uint8_t *dst, const struct wn_vit_info *m, const struct wn_vit_tiling *t,
                 const uint8_t *rgb)
{
    const size_t size = (size_t)m->image_size * (size_t)m->image_size * 3;
    const int32_t cols = t->full_w / m->image_size;
    const struct wn_canvas canvas = {
        .rgb = rgb, .width = t->width, .height = t->height, .full_w = t->width, .full_h = t->height,
    };
    uint8_t *whole = wn_calloc((size_t)t->w * 3, (size_t)t->h);
    int err = WN_ERR_NOMEM;

    if (!whole)
        return err;
    TRY(wn_vit_square(dst, m, &(struct wn_vit_picture){rgb, t->width, t->height}, WN_VIT_SQUEEZE));
    TRY(wn_pillow_bicubic(whole, &(struct wn_window){0, 0, t->w, t->h}, t->w, t->h, &canvas));
    for (int32_t i = 1; i < t->n; i++)
        cut(dst + (size_t)i * size, m, t, whole, (i - 1) / cols, (i - 1) % cols);
fail:
    free(whole);
    return err;
}
