/* SPDX-License-Identifier: MIT */
#include "sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"

#define GAP 12
#define HEAD 64          /* of a page */
#define SCENE_HEAD 30
#define TEXT_COLOR (struct color){232, 234, 237}
#define DIM_COLOR (struct color){154, 160, 166}
#define PAGE_COLOR (struct color){28, 30, 34}
#define LINE_COLOR (struct color){250, 190, 60}

struct tile {
    struct canvas picture;
    int32_t index, scene;
    double time;
    int32_t fates[FATE_DROPPED + 1];
};

struct sheet {
    struct sheet_params p;
    struct tile *tile; /* [per_page] */
    int n_tiles, pages, text_scale;
    int32_t last_scene; /* of the page before, -1: none */
    char error[256];
};

int sheet_create(struct sheet **out, const struct sheet_params *params)
{
    struct sheet *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    s->p = *params;
    s->last_scene = -1;
    s->text_scale = params->thumb < 200 ? 1 : 2;
    s->tile = calloc((size_t)params->per_page, sizeof(*s->tile));
    if (!s->tile) {
        free(s);
        return -1;
    }
    *out = s;
    return 0;
}

static void drop_tiles(struct sheet *s)
{
    for (int i = 0; i < s->n_tiles; i++)
        canvas_finish(&s->tile[i].picture);
    s->n_tiles = 0;
}

void sheet_destroy(struct sheet **sheet)
{
    if (!*sheet)
        return;
    drop_tiles(*sheet);
    free((*sheet)->tile);
    free(*sheet);
    *sheet = NULL;
}

int sheet_pages(const struct sheet *sheet)
{
    return sheet->pages;
}

const char *sheet_error(const struct sheet *sheet)
{
    return sheet->error;
}

/* ---- one frame ---- */

/* The largest box of shape w : h inside side x side; nothing is thinner than a pixel. */
static struct box fit(int64_t w, int64_t h, int side_w, int side_h)
{
    struct box box = {0, 0, side_w, side_h};

    if (w * side_h > h * side_w)
        box.h = (int)(h * side_w / w);
    else
        box.w = (int)(w * side_h / h);
    box.w = box.w < 1 ? 1 : box.w;
    box.h = box.h < 1 ? 1 : box.h;
    box.x = (side_w - box.w) / 2;
    box.y = (side_h - box.h) / 2;
    return box;
}

static void draw_patch(struct canvas *c, struct box box, const struct patch *patch)
{
    /* Steps of the golden ratio keep the hues of tokens made one after the other apart. */
    struct color hue = color_of_hue(patch->token * 0.6180339887498949);
    int small = box.w < box.h ? box.w : box.h;

    switch (patch->fate) {
    case FATE_KEPT:
        break;
    case FATE_CENTER:
        canvas_frame(c, box, small >= 16 ? 3 : 2, hue);
        break;
    case FATE_MERGED:
        canvas_tint(c, box, 0.5f, 0.42f, hue);
        break;
    case FATE_DROPPED:
        canvas_tint(c, box, 0.7f, 0.78f, (struct color){0, 0, 0});
        break;
    default:
        canvas_tint(c, box, 1, 0.92f, (struct color){0, 0, 0});
    }
    if (small >= 6 && patch->fate != FATE_CENTER) {
        canvas_tint(c, (struct box){box.x, box.y, box.w, 1}, 0, 0.35f, PAGE_COLOR);
        canvas_tint(c, (struct box){box.x, box.y + 1, 1, box.h - 1}, 0, 0.35f, PAGE_COLOR);
    }
}

/* The picture as the encoder sees it: in the middle of its grid, bars where it is padded. */
static int draw_frame(struct canvas *c, const struct sheet_frame *f, int side)
{
    const struct wn_image *image = &f->image;
    bool grid = f->grid_h > 0 && f->grid_w > 0;
    struct box all = grid ? fit(f->grid_w, f->grid_h, side, side)
                          : fit(image->width, image->height, side, side);
    struct box place = {0, 0, all.w, all.h};
    double ratio;

    if (canvas_init(c, all.w, all.h, (struct color){60, 62, 66}) < 0)
        return -1;
    ratio = (double)image->width * all.h / ((double)image->height * all.w);
    if (ratio > 1.15 || ratio < 1 / 1.15) /* closer shapes are stretched into whole cells */
        place = fit(image->width, image->height, all.w, all.h);
    canvas_picture(c, place, image->data[0], image->stride[0], image->width, image->height);
    for (int32_t i = 0; grid && i < f->grid_h; i++)
        for (int32_t j = 0; j < f->grid_w; j++) {
            int x = (int)((int64_t)j * all.w / f->grid_w);
            int y = (int)((int64_t)i * all.h / f->grid_h);
            struct box cell = {x, y, (int)((int64_t)(j + 1) * all.w / f->grid_w) - x,
                               (int)((int64_t)(i + 1) * all.h / f->grid_h) - y};
            draw_patch(c, cell, &f->patch[i * f->grid_w + j]);
        }
    return 0;
}

/* ---- a page ---- */

static int caption_height(const struct sheet *s)
{
    return 8 + 4 + 9 * s->text_scale;
}

/* Kept, merged and dropped as parts of a bar. */
static void draw_bar(struct canvas *page, struct box box, const struct tile *t)
{
    static const struct color part[3] = {{225, 228, 232}, {170, 120, 230}, {64, 66, 72}};
    int64_t n[3] = {t->fates[FATE_KEPT] + t->fates[FATE_CENTER], t->fates[FATE_MERGED],
                    t->fates[FATE_DROPPED]};
    int64_t sum = n[0] + n[1] + n[2], before = 0;

    for (int i = 0; i < 3 && sum > 0; i++) {
        int from = (int)(before * box.w / sum), to = (int)((before + n[i]) * box.w / sum);
        canvas_fill(page, (struct box){box.x + from, box.y, to - from, box.h}, part[i]);
        before += n[i];
    }
}

static void clock_text(char *buf, size_t size, double time)
{
    long long hundredths = (long long)(time * 100 + 0.5);

    if (hundredths >= 360000)
        snprintf(buf, size, "%lld:%02lld:%02lld", hundredths / 360000, hundredths / 6000 % 60,
                 hundredths / 100 % 60);
    else
        snprintf(buf, size, "%lld:%02lld.%02lld", hundredths / 6000, hundredths / 100 % 60,
                 hundredths % 100);
}

static void draw_tile(const struct sheet *s, struct canvas *page, const struct tile *t, int x,
                      int y, int height)
{
    int side = s->p.thumb, scale = s->text_scale;
    int kept = t->fates[FATE_KEPT] + t->fates[FATE_CENTER];
    char left[48], right[32], clock[32];

    canvas_copy(page, x + (side - t->picture.width) / 2, y, &t->picture);
    y += height + 4;
    draw_bar(page, (struct box){x, y, side, 5}, t);
    clock_text(clock, sizeof(clock), t->time);
    snprintf(left, sizeof(left), "#%d %s", (int)t->index + 1, clock);
    snprintf(right, sizeof(right), "%d/%d", kept,
             kept + (int)t->fates[FATE_MERGED] + (int)t->fates[FATE_DROPPED]);
    canvas_text(page, x, y + 9, x + side, scale, TEXT_COLOR, left);
    if (canvas_text_width(left, scale) + canvas_text_width(right, scale) + 6 * scale <= side)
        canvas_text(page, x + side - canvas_text_width(right, scale), y + 9, x + side, scale,
                    DIM_COLOR, right);
}

static int swatch(struct canvas *page, int x, int y, uint8_t fate, const char *text)
{
    const struct patch patch = {.fate = fate, .token = 2};

    canvas_fill(page, (struct box){x, y, 14, 14}, (struct color){190, 190, 180});
    draw_patch(page, (struct box){x, y, 14, 14}, &patch);
    canvas_text(page, x + 20, y + 4, page->width, 1, DIM_COLOR, text);
    return x + 20 + canvas_text_width(text, 1) + 18;
}

static void draw_head(const struct sheet *s, struct canvas *page)
{
    int right = page->width - GAP, x = GAP;
    char number[32];

    snprintf(number, sizeof(number), "PAGE %d", s->pages + 1);
    canvas_text(page, right - canvas_text_width(number, 1), GAP, right, 1, DIM_COLOR, number);
    right -= canvas_text_width(number, 1) + GAP;
    canvas_text(page, GAP, GAP, right, 2, TEXT_COLOR, s->p.title);
    canvas_text(page, GAP, GAP + 20, page->width - GAP, 1, DIM_COLOR, s->p.chain);
    x = swatch(page, x, GAP + 34, FATE_KEPT, "KEPT");
    x = swatch(page, x, GAP + 34, FATE_CENTER, "KEPT, OTHERS MERGED IN");
    x = swatch(page, x, GAP + 34, FATE_MERGED, "MERGED");
    x = swatch(page, x, GAP + 34, FATE_DROPPED, "DROPPED");
    swatch(page, x, GAP + 34, FATE_NONE, "NO ROW");
}

static void draw_scene_head(struct canvas *page, const struct tile *t, int y, bool goes_on)
{
    char text[64], clock[32];

    clock_text(clock, sizeof(clock), t->time);
    snprintf(text, sizeof(text), "SCENE %d  %s%s", (int)t->scene + 1, clock,
             goes_on ? "  (CONTINUED)" : "");
    canvas_fill(page, (struct box){GAP, y + 4, page->width - 2 * GAP, 2}, LINE_COLOR);
    canvas_text(page, GAP, y + 11, page->width - GAP, 2, LINE_COLOR, text);
}

/* Lines of one scene, up to `columns` tiles each. With page NULL it only measures. Gives the
 * height. */
static int lay_out(const struct sheet *s, struct canvas *page)
{
    int y = HEAD + GAP;

    for (int i = 0; i < s->n_tiles;) {
        bool first = i == 0 || s->tile[i].scene != s->tile[i - 1].scene;
        int n = 0, height = 0;

        if (first && page)
            draw_scene_head(page, &s->tile[i], y, i == 0 && s->tile[0].scene == s->last_scene);
        y += first ? SCENE_HEAD : 0;
        while (n < s->p.columns && i + n < s->n_tiles && s->tile[i + n].scene == s->tile[i].scene) {
            int h = s->tile[i + n].picture.height;
            height = h > height ? h : height;
            n++;
        }
        for (int j = 0; page && j < n; j++)
            draw_tile(s, page, &s->tile[i + j], GAP + j * (s->p.thumb + GAP), y, height);
        y += height + caption_height(s) + GAP;
        i += n;
    }
    return y;
}

static int write_page(struct sheet *s)
{
    struct canvas page = {0};
    int columns = s->p.columns, status = -1;
    char path[4200];

    if (columns * (s->p.thumb + GAP) < 480) /* room for the head */
        columns = (480 + s->p.thumb) / (s->p.thumb + GAP);
    snprintf(path, sizeof(path), "%s/sheet-%03d.png", s->p.folder, s->pages + 1);
    if (canvas_init(&page, columns * (s->p.thumb + GAP) + GAP, lay_out(s, NULL),
                    PAGE_COLOR) < 0) {
        snprintf(s->error, sizeof(s->error), "out of memory for a page");
        return -1;
    }
    draw_head(s, &page);
    lay_out(s, &page);
    status = canvas_write_png(&page, path, s->error, (int)sizeof(s->error));
    canvas_finish(&page);
    s->pages++;
    s->last_scene = s->tile[s->n_tiles - 1].scene;
    return status;
}

int sheet_add(struct sheet *s, const struct sheet_frame *frame)
{
    struct tile tile = {.index = frame->index, .scene = frame->scene, .time = frame->time};

    if (s->n_tiles == s->p.per_page) {
        int status = write_page(s);
        drop_tiles(s);
        if (status < 0)
            return -1;
    }
    memcpy(tile.fates, frame->fates, sizeof(tile.fates));
    if (draw_frame(&tile.picture, frame, s->p.thumb) < 0) {
        snprintf(s->error, sizeof(s->error), "out of memory for a picture");
        return -1;
    }
    s->tile[s->n_tiles++] = tile;
    return 0;
}

int sheet_end(struct sheet *s)
{
    int status = s->n_tiles ? write_page(s) : 0;

    drop_tiles(s);
    return status;
}
