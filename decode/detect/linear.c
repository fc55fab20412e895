/* SPDX-License-Identifier: MIT */
#include "linear.h"

#include "clones.h"
#include "parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ONE 2048

static int16_t fixed(float weight)
{
    return (int16_t)lrintf(weight * ONE);
}

static float place(int32_t i, int32_t dst, int32_t src, int32_t *at)
{
    const float f = (float)((i + 0.5) * (1 / ((double)dst / src)) - 0.5);

    *at = (int32_t)floorf(f);
    return f - (float)*at;
}

/* A column outside takes the border with full weight. */
static void find_columns(struct wn_linear *l)
{
    l->single = true;
    for (int32_t i = 0; i < l->dw; i++) {
        int32_t at;
        float f = place(i, l->dw, l->sw, &at);
        if (at < 0) {
            at = 0;
            f = 0;
        }
        if (at >= l->sw - 1 && l->sw > 1) { /* the last column, as a right neighbour */
            at = l->sw - 2;
            f = 1;
        } else if (at >= l->sw - 1) {
            at = 0;
            f = 0;
        }
        l->left[i] = at;
        l->wl[i] = fixed(1.f - f);
        l->wr[i] = fixed(f);
        l->single &= !l->wr[i];
    }
}

/* A row outside keeps its weights on a repeated row. */
static void find_rows(struct wn_linear *l)
{
    for (int32_t i = 0; i < l->dh; i++) {
        int32_t at;
        const float f = place(i, l->dh, l->sh, &at);
        l->wa[i] = fixed(1.f - f);
        l->wb[i] = fixed(f);
        l->above[i] = WN_MIN(WN_MAX(at, 0), l->sh - 1);
        l->below[i] = WN_MIN(WN_MAX(at + 1, 0), l->sh - 1);
        if (!l->wb[i])
            l->below[i] = l->above[i];
    }
}

int wn_linear_begin(struct wn_linear *l, int32_t sw, int32_t sh, int32_t dw, int32_t dh)
{
    const size_t columns = (size_t)dw, rows = (size_t)dh;

    wn_linear_finish(l);
    *l = (struct wn_linear){.sw = sw, .sh = sh, .dw = dw, .dh = dh};
    l->left = wn_calloc(columns, sizeof(*l->left));
    l->wl = wn_calloc(2 * columns, sizeof(*l->wl));
    l->above = wn_calloc(2 * rows, sizeof(*l->above));
    l->wa = wn_calloc(2 * rows, sizeof(*l->wa));
    l->line[0] = wn_calloc(6 * columns, sizeof(*l->line[0]));
    if (!l->left || !l->wl || !l->above || !l->wa || !l->line[0])
        return WN_ERR_NOMEM;
    l->wr = l->wl + columns;
    l->below = l->above + rows;
    l->wb = l->wa + rows;
    l->line[1] = l->line[0] + 3 * columns;
    find_columns(l);
    find_rows(l);
    l->halves = sw == 2 * dw && sh == 2 * dh;
    l->single &= !l->halves;
    return WN_OK;
}

void wn_linear_finish(struct wn_linear *l)
{
    free(l->left);
    free(l->wl);
    free(l->above);
    free(l->wa);
    free(l->line[0]);
    memset(l, 0, sizeof(*l));
}

WN_CLONES
static void weigh(const int16_t *restrict left, const int16_t *restrict right,
                  const int16_t *restrict wl, const int16_t *restrict wr, int n,
                  int16_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)((left[i] * wl[i] + right[i] * wr[i]) >> 4);
}

WN_CLONES
static void add(const int16_t *restrict left, const int16_t *restrict right, int n,
                int16_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)(left[i] + right[i]);
}

WN_CLONES
static void scale(const int16_t *restrict left, int n, int16_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)(left[i] * (ONE >> 4));
}

void wn_linear_across(const struct wn_linear *l, const int16_t *left, const int16_t *right,
                      int16_t *out)
{
    if (l->halves)
        add(left, right, l->dw, out);
    else if (l->single)
        scale(left, l->dw, out);
    else
        weigh(left, right, l->wl, l->wr, l->dw, out);
}

WN_CLONES
static void down(const int16_t *restrict above, const int16_t *restrict below, int16_t wa,
                 int16_t wb, int n, uint8_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(((int16_t)((above[i] * wa) >> 16) + (int16_t)((below[i] * wb) >> 16) +
                            2) >> 2);
}

WN_CLONES
static void mean_down(const int16_t *restrict above, const int16_t *restrict below, int n,
                      uint8_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)((above[i] + below[i] + 2) >> 2);
}

struct lines { /* which source rows the lines hold; -1: none */
    int32_t at[2];
};

/* The line that holds a source row, made unless it is there; `keep` is not to be taken. */
static int line_of(const struct wn_linear *l, struct lines *lines, wn_linear_row *row,
                   void *opaque, int32_t y, int32_t soon, int keep)
{
    for (int i = 0; i < 2; i++)
        if (lines->at[i] == y)
            return i;
    const int i = keep == 0 ? 1 : 0;
    row(opaque, y, soon, l->line[i]);
    lines->at[i] = y;
    return i;
}

void wn_linear_run(const struct wn_linear *l, wn_linear_row *row, void *opaque, uint8_t *dst)
{
    const size_t plane = (size_t)l->dw * (size_t)l->dh;
    struct lines lines = {{-1, -1}};

    for (int32_t y = 0; y < l->dh; y++, dst += l->dw) {
        const int keep = lines.at[0] == l->below[y] ? 0 : 1;
        const int32_t soon = WN_MIN(y + 2, l->dh - 1);
        const int a = line_of(l, &lines, row, opaque, l->above[y], l->above[soon], keep);
        const int b = line_of(l, &lines, row, opaque, l->below[y], l->below[soon], a);
        for (size_t k = 0; k < 3; k++) {
            const int16_t *above = l->line[a] + k * (size_t)l->dw;
            const int16_t *below = l->line[b] + k * (size_t)l->dw;
            if (l->halves)
                mean_down(above, below, l->dw, dst + k * plane);
            else
                down(above, below, l->wa[y], l->wb[y], l->dw, dst + k * plane);
        }
    }
}

/* ---- of a packed picture ---- */

struct packed {
    const struct wn_linear *l;
    const struct wn_pixels *pixels;
    int16_t *room;
};

static void packed_row(void *opaque, int32_t y, int32_t soon, int16_t *out)
{
    const struct packed *p = opaque;
    const struct wn_linear *l = p->l;
    const ptrdiff_t step = p->pixels->step;
    const ptrdiff_t next = l->sw > 1 ? step : 0;

    for (ptrdiff_t k = 0; k < 3; k++) {
        const uint8_t *row = p->pixels->data + y * p->pixels->stride + p->pixels->at[k];
        for (int32_t x = 0; x < l->dw; x++) {
            p->room[x] = row[l->left[x] * step];
            p->room[l->dw + x] = row[l->left[x] * step + next];
        }
        wn_linear_across(l, p->room, p->room + l->dw, out + k * l->dw);
    }
}

void wn_linear_run_packed(const struct wn_linear *l, const struct wn_pixels *pixels, int16_t *room,
                          uint8_t *dst)
{
    wn_linear_run(l, packed_row, &(struct packed){l, pixels, room}, dst);
}

int wn_resize_linear(const uint8_t *src, ptrdiff_t stride, int32_t sw, int32_t sh, uint8_t *dst,
                     int32_t dw, int32_t dh)
{
    const struct wn_pixels pixels = {src, stride, 3, {0, 1, 2}};
    struct wn_linear l = {.sw = 0};
    int err = wn_linear_begin(&l, sw, sh, dw, dh);
    int16_t *room = wn_calloc(2 * (size_t)dw, sizeof(*room));

    if (!err && room)
        wn_linear_run_packed(&l, &pixels, room, dst);
    else
        err = WN_ERR_NOMEM;
    free(room);
    wn_linear_finish(&l);
    return err;
}
