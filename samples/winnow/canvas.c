/* SPDX-License-Identifier: MIT */
#include "canvas.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "font.h"

int canvas_init(struct canvas *canvas, int width, int height, struct color background)
{
    canvas->rgb = malloc((size_t)width * (size_t)height * 3);
    if (!canvas->rgb)
        return -1;
    canvas->width = width;
    canvas->height = height;
    canvas_fill(canvas, (struct box){0, 0, width, height}, background);
    return 0;
}

void canvas_finish(struct canvas *canvas)
{
    free(canvas->rgb);
    *canvas = (struct canvas){0};
}

static struct box clip(const struct canvas *canvas, struct box box)
{
    int right = box.x + box.w, bottom = box.y + box.h;

    box.x = box.x < 0 ? 0 : box.x;
    box.y = box.y < 0 ? 0 : box.y;
    right = right > canvas->width ? canvas->width : right;
    bottom = bottom > canvas->height ? canvas->height : bottom;
    box.w = right > box.x ? right - box.x : 0;
    box.h = bottom > box.y ? bottom - box.y : 0;
    return box;
}

static uint8_t *pixel(const struct canvas *canvas, int x, int y)
{
    return canvas->rgb + ((size_t)y * (size_t)canvas->width + (size_t)x) * 3;
}

void canvas_fill(struct canvas *canvas, struct box box, struct color color)
{
    box = clip(canvas, box);
    for (int y = box.y; y < box.y + box.h; y++)
        for (int x = box.x; x < box.x + box.w; x++)
            memcpy(pixel(canvas, x, y), &color, 3);
}

void canvas_frame(struct canvas *canvas, struct box b, int thickness, struct color color)
{
    int t = thickness;

    canvas_fill(canvas, (struct box){b.x, b.y, b.w, t}, color);
    canvas_fill(canvas, (struct box){b.x, b.y + b.h - t, b.w, t}, color);
    canvas_fill(canvas, (struct box){b.x, b.y, t, b.h}, color);
    canvas_fill(canvas, (struct box){b.x + b.w - t, b.y, t, b.h}, color);
}

int canvas_text_width(const char *text, int scale)
{
    return ((int)strlen(text) * (FONT_WIDTH + 1) - 1) * scale;
}

void canvas_text(struct canvas *canvas, int x, int y, int right, int scale, struct color color,
                 const char *text)
{
    for (; *text && x + FONT_WIDTH * scale <= right; text++, x += (FONT_WIDTH + 1) * scale) {
        const uint8_t *glyph;

        if ((*text & 0xC0) == 0x80) { /* the rest of a character outside of ASCII */
            x -= (FONT_WIDTH + 1) * scale;
            continue;
        }
        glyph = font_glyph(*text);
        for (int i = 0; i < FONT_HEIGHT; i++)
            for (int j = 0; j < FONT_WIDTH; j++)
                if (glyph[i] & (0x10 >> j))
                    canvas_fill(canvas, (struct box){x + j * scale, y + i * scale, scale, scale},
                                color);
    }
}

void canvas_copy(struct canvas *canvas, int x, int y, const struct canvas *from)
{
    struct box box = clip(canvas, (struct box){x, y, from->width, from->height});

    for (int i = box.y; i < box.y + box.h && box.w > 0; i++)
        memcpy(pixel(canvas, box.x, i), pixel(from, box.x - x, i - y), (size_t)box.w * 3);
}

void canvas_picture(struct canvas *canvas, struct box box, const uint8_t *rgb, int64_t stride,
                    int width, int height)
{
    struct box in = clip(canvas, box);

    for (int y = in.y; y < in.y + in.h; y++) {
        int64_t y0 = (int64_t)(y - box.y) * height / box.h;
        int64_t y1 = ((int64_t)(y - box.y) + 1) * height / box.h;
        for (int x = in.x; x < in.x + in.w; x++) {
            int64_t x0 = (int64_t)(x - box.x) * width / box.w;
            int64_t x1 = ((int64_t)(x - box.x) + 1) * width / box.w;
            int64_t sum[3] = {0, 0, 0}, n = 0;

            for (int64_t i = y0; i < (y1 > y0 ? y1 : y0 + 1); i++)
                for (int64_t j = x0; j < (x1 > x0 ? x1 : x0 + 1); j++, n++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += rgb[i * stride + j * 3 + c];
            for (int c = 0; c < 3; c++)
                pixel(canvas, x, y)[c] = (uint8_t)((sum[c] + n / 2) / n);
        }
    }
}

void canvas_tint(struct canvas *canvas, struct box box, float gray, float share,
                 struct color color)
{
    const uint8_t to[3] = {color.r, color.g, color.b};

    box = clip(canvas, box);
    for (int y = box.y; y < box.y + box.h; y++)
        for (int x = box.x; x < box.x + box.w; x++) {
            uint8_t *p = pixel(canvas, x, y);
            float luma = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
            for (int c = 0; c < 3; c++) {
                float own = p[c] + (luma - p[c]) * gray;
                p[c] = (uint8_t)(own + (to[c] - own) * share + 0.5f);
            }
        }
}

struct color color_of_hue(double turns)
{
    double h = (turns - floor(turns)) * 6;
    double part = h - floor(h);
    uint8_t high = 255, low = 64;
    uint8_t up = (uint8_t)(low + (high - low) * part), down = (uint8_t)(high - (high - low) * part);

    switch ((int)h) {
    case 0:  return (struct color){high, up, low};
    case 1:  return (struct color){down, high, low};
    case 2:  return (struct color){low, high, up};
    case 3:  return (struct color){low, down, high};
    case 4:  return (struct color){up, low, high};
    default: return (struct color){high, low, down};
    }
}

int canvas_write_png(const struct canvas *canvas, const char *path, char *why, int why_size)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    size_t size = strlen(path) + 6;
    char *part = malloc(size);
    int bad = -1;

    image.width = (png_uint_32)canvas->width;
    image.height = (png_uint_32)canvas->height;
    if (!part) {
        snprintf(why, (size_t)why_size, "out of memory");
        return -1;
    }
    snprintf(part, size, "%s.part", path);
    if (!png_image_write_to_file(&image, part, 0, canvas->rgb, 0, NULL))
        snprintf(why, (size_t)why_size, "%s", image.message);
    else if (rename(part, path) != 0)
        snprintf(why, (size_t)why_size, "%s", strerror(errno));
    else
        bad = 0;
    if (bad)
        remove(part);
    free(part);
    return bad;
}
