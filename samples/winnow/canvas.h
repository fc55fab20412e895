/* SPDX-License-Identifier: MIT */
/* An RGB picture to draw on. Drawing outside of it draws nothing. */
#ifndef WINNOW_CANVAS_H
#define WINNOW_CANVAS_H

#include <stdint.h>

struct canvas {
    int width, height;
    uint8_t *rgb; /* [height][width][3] */
};
struct color {
    uint8_t r, g, b;
};
struct box {
    int x, y, w, h;
};

/* 0, or -1 when out of memory. */
int canvas_init(struct canvas *canvas, int width, int height, struct color background);
void canvas_finish(struct canvas *canvas);
void canvas_fill(struct canvas *canvas, struct box box, struct color color);
void canvas_frame(struct canvas *canvas, struct box box, int thickness, struct color color);
/* Left upper corner; each dot is scale x scale. What passes `right` is left out. */
void canvas_text(struct canvas *canvas, int x, int y, int right, int scale, struct color color,
                 const char *text);
int canvas_text_width(const char *text, int scale);
void canvas_copy(struct canvas *canvas, int x, int y, const struct canvas *from);
/* Scales an RGB picture into box: the mean of what falls into each pixel. */
void canvas_picture(struct canvas *canvas, struct box box, const uint8_t *rgb, int64_t stride,
                    int width, int height);
/* Each pixel of box becomes (1 - share) of itself, `gray` of that taken as grey, and share of
 * color. */
void canvas_tint(struct canvas *canvas, struct box box, float gray, float share,
                 struct color color);
struct color color_of_hue(double turns); /* 1 is the whole circle */
/* As PATH.part, then renamed. 0, or -1 with a sentence in why. */
int canvas_write_png(const struct canvas *canvas, const char *path, char *why, int why_size);

#endif
