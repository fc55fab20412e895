/* SPDX-License-Identifier: MIT */
/* Pictures in another size with the bytes that Pillow 13's bicubic resize gives. */
#ifndef WN_PILLOW_H
#define WN_PILLOW_H

#include "../pipeline/util.h"

/* A picture on a canvas of one colour, which nobody has to paint. */
struct wn_canvas {
    const uint8_t *rgb;      /* [height][width][3] */
    int32_t width, height;
    int32_t x, y;            /* where the picture lies */
    int32_t full_w, full_h;  /* of the canvas */
    uint8_t colour[3];
};

struct wn_window {
    int32_t x, y, w, h;
};

/* The canvas resized to full_w x full_h, and of that the window: dst[window.h][window.w][3]. Memory
 * is that of the window times the canvas's height, whatever its width. */
int wn_pillow_bicubic(uint8_t *dst, const struct wn_window *window, int32_t full_w, int32_t full_h,
                      const struct wn_canvas *src);

#endif
