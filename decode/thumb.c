/* SPDX-License-Identifier: MIT */
#include "thumb.h"

#include "detect/clones.h"

#include <libavutil/pixdesc.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE WN_THUMB_SIDE
#define HASH_SIDE 8
#define HASH_MARGIN 2
#define LAYOUT 8
#define BINS 16
#define PART 512 /* columns that are summed at once */

/* Rows one upon the other: 128 of them at most. */
WN_CLONES
static void add_rows(const uint8_t *data, ptrdiff_t stride, int rows, int n, uint16_t *sum)
{
    for (int x = 0; x < n; x++)
        sum[x] = data[x];
    for (int y = 1; y < rows; y++)
        for (int x = 0; x < n; x++)
            sum[x] = (uint16_t)(sum[x] + data[y * stride + x]);
}

/* Adds up the columns between edges, of which the first is left of `sum`. */
WN_CLONES
static void add_columns(const uint16_t *sum, int64_t from, int64_t end, const int32_t *edge,
                        uint64_t *cell)
{
    int col = 0;

    while (edge[col + 1] <= from)
        col++;
    for (int64_t x = from; x < end; col++) {
        const int n = (int)(WN_MIN(edge[col + 1], end) - x);
        const uint16_t *p = sum + (x - from);
        uint32_t some = 0;
        for (int i = 0; i < n; i++)
            some += p[i];
        cell[col] += some;
        x += n;
    }
}

/* Sums of the cells of one row of cells, whose samples lie side by side. */
static void sum_cells(const uint8_t *data, ptrdiff_t stride, int64_t rows, const int32_t *edge,
                      uint64_t cell[SIDE])
{
    const int64_t w = edge[SIDE];
    uint16_t sum[PART];

    for (; rows > 0; rows -= 128, data += 128 * stride) {
        for (int64_t from = 0; from < w; from += PART) {
            const int64_t end = WN_MIN(from + PART, w);
            add_rows(data + from, stride, (int)WN_MIN(rows, 128), (int)(end - from), sum);
            add_columns(sum, from, end, edge, cell);
        }
    }
}

static void average_plane(const uint8_t *data, ptrdiff_t stride, int64_t w, int64_t h, uint8_t *out)
{
    int32_t edge[SIDE + 1];

    for (int64_t col = 0; col <= SIDE; col++)
        edge[col] = (int32_t)(col * w / SIDE);
    for (int64_t row = 0; row < SIDE; row++) {
        const int64_t y0 = row * h / SIDE, y1 = (row + 1) * h / SIDE;
        uint64_t cell[SIDE] = {0};
        sum_cells(data + y0 * stride, stride, y1 - y0, edge, cell);
        for (int64_t col = 0; col < SIDE; col++) {
            const uint64_t n = (uint64_t)((y1 - y0) * (edge[col + 1] - edge[col]));
            *out++ = (uint8_t)((cell[col] + n / 2) / n);
        }
    }
}

/* Samples of 8 bits, `step` bytes apart, to means; where a picture is smaller, samples repeat. */
static void average(const uint8_t *data, ptrdiff_t stride, int step, int64_t w, int64_t h,
                    uint8_t *out)
{
    if (step == 1 && w >= SIDE && h >= SIDE) {
        average_plane(data, stride, w, h, out);
        return;
    }
    for (int64_t row = 0; row < SIDE; row++) {
        const int64_t y0 = row * h / SIDE, y1 = WN_MAX((row + 1) * h / SIDE, y0 + 1);
        for (int64_t col = 0; col < SIDE; col++) {
            const int64_t x0 = col * w / SIDE, x1 = WN_MAX((col + 1) * w / SIDE, x0 + 1);
            const int64_t n = (x1 - x0) * (y1 - y0);
            uint64_t sum = 0;
            for (int64_t y = y0; y < y1; y++) {
                const uint8_t *p = data + y * stride;
                uint32_t some = 0;
                for (int64_t x = x0; x < x1; x++)
                    some += p[x * step];
                sum += some;
            }
            *out++ = (uint8_t)((sum + (uint64_t)n / 2) / (uint64_t)n);
        }
    }
}

static bool plain_planes(const AVPixFmtDescriptor *desc)
{
    if (desc->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                       AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE))
        return false;
    for (int i = 0; i < desc->nb_components; i++)
        if (desc->comp[i].depth != 8 || desc->comp[i].shift)
            return false;
    return true;
}

static void from_planes(struct wn_thumb *thumb, const AVFrame *frame,
                        const AVPixFmtDescriptor *desc)
{
    for (int k = 0; k < 3; k++) {
        const AVComponentDescriptor *comp = &desc->comp[k];
        if (k && desc->nb_components < 3) { /* gray, with or without alpha */
            memset(thumb->plane[k], 128, sizeof(thumb->plane[k]));
            continue;
        }
        average(frame->data[comp->plane] + comp->offset, frame->linesize[comp->plane], comp->step,
                k ? AV_CEIL_RSHIFT(frame->width, desc->log2_chroma_w) : frame->width,
                k ? AV_CEIL_RSHIFT(frame->height, desc->log2_chroma_h) : frame->height,
                thumb->plane[k]);
    }
}

static void from_rgb(struct wn_thumb *thumb, const uint8_t *rgb, int stride, int32_t w, int32_t h)
{
    uint8_t mean[3][WN_THUMB_CELLS];

    for (int k = 0; k < 3; k++)
        average(rgb + k, stride, 3, w, h, mean[k]);
    for (int i = 0; i < WN_THUMB_CELLS; i++) { /* BT.601, full range */
        const int r = mean[0][i], g = mean[1][i], b = mean[2][i];
        const int luma = (77 * r + 150 * g + 29 * b + 128) >> 8;
        thumb->plane[0][i] = (uint8_t)luma;
        thumb->plane[1][i] = (uint8_t)WN_MIN(255, 128 + (b - luma) * 144 / 256);
        thumb->plane[2][i] = (uint8_t)WN_MIN(255, 128 + (r - luma) * 182 / 256);
    }
}

int wn_thumb_make(struct wn_thumb *thumb, struct wn_converter *c, const struct wn_picture *picture,
                  struct wn_log *log)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(picture->frame->format);
    const uint8_t *rgb;
    int32_t w, h;
    int stride;

    if (desc && plain_planes(desc)) {
        from_planes(thumb, picture->frame, desc);
        return WN_OK;
    }
    const int err = wn_convert_plain(c, picture, &rgb, &stride, &w, &h, log);
    if (!err)
        from_rgb(thumb, rgb, stride, w, h);
    return err;
}

/* Luma as rows x cols means of cells. */
static void shrink(const uint8_t *plane, int rows, int cols, int *out)
{
    for (int row = 0; row < rows; row++) {
        for (int col = 0; col < cols; col++) {
            const int y0 = row * SIDE / rows, y1 = (row + 1) * SIDE / rows;
            const int x0 = col * SIDE / cols, x1 = (col + 1) * SIDE / cols;
            int sum = 0;
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++)
                    sum += plane[y * SIDE + x];
            *out++ = sum / ((y1 - y0) * (x1 - x0));
        }
    }
}

void wn_thumb_hash(const struct wn_thumb *thumb, uint64_t hash[2])
{
    int across[HASH_SIDE * (HASH_SIDE + 1)], down[(HASH_SIDE + 1) * HASH_SIDE];

    shrink(thumb->plane[0], HASH_SIDE, HASH_SIDE + 1, across);
    shrink(thumb->plane[0], HASH_SIDE + 1, HASH_SIDE, down);
    hash[0] = hash[1] = 0;
    for (int row = 0, bit = 0; row < HASH_SIDE; row++) {
        for (int col = 0; col < HASH_SIDE; col++, bit++) {
            const int *a = across + row * (HASH_SIDE + 1) + col, *d = down + row * HASH_SIDE + col;
            hash[0] |= (uint64_t)(a[0] - a[1] > HASH_MARGIN) << bit;
            hash[1] |= (uint64_t)(d[0] - d[HASH_SIDE] > HASH_MARGIN) << bit;
        }
    }
}

int wn_thumb_bits(const uint64_t a[2], const uint64_t b[2])
{
    int n = 0;

    for (int i = 0; i < 2; i++)
        for (uint64_t x = a[i] ^ b[i]; x; x &= x - 1)
            n++;
    return n;
}

static int cell_difference(const struct wn_thumb *a, const struct wn_thumb *b, int i)
{
    return abs(a->plane[0][i] - b->plane[0][i]) + abs(a->plane[1][i] - b->plane[1][i]) +
           abs(a->plane[2][i] - b->plane[2][i]);
}

void wn_thumb_difference(const struct wn_thumb *a, const struct wn_thumb *b, double *mean,
                         double *most)
{
    int sum = 0, high = 0;

    for (int i = 0; i < WN_THUMB_CELLS; i++) {
        const int d = cell_difference(a, b, i);
        sum += d;
        high = WN_MAX(high, d);
    }
    *mean = sum / (double)WN_THUMB_CELLS;
    *most = high;
}

double wn_thumb_motion(const struct wn_thumb *a, const struct wn_thumb *b)
{
    int sum = 0;

    for (int i = 0; i < WN_THUMB_CELLS; i++)
        sum += WN_MAX(cell_difference(a, b, i) - 1, 0);
    return sum / (double)WN_THUMB_CELLS;
}

void wn_thumb_describe(const struct wn_thumb *thumb, float *out)
{
    int cell[3][LAYOUT * LAYOUT];
    float bin[BINS] = {0};
    double mean = 0;

    for (int k = 0; k < 3; k++)
        shrink(thumb->plane[k], LAYOUT, LAYOUT, cell[k]);
    for (int i = 0; i < LAYOUT * LAYOUT; i++)
        mean += cell[0][i] / (double)(LAYOUT * LAYOUT);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < LAYOUT * LAYOUT; i++)
            *out++ = (float)(cell[k][i] - (k ? 128 : mean));
    for (int i = 0; i < WN_THUMB_CELLS; i++)
        bin[thumb->plane[0][i] * BINS / 256]++;
    for (int i = 0; i < BINS; i++) /* as long as a layout of middling contrast */
        *out++ = 256 * sqrtf(bin[i] / WN_THUMB_CELLS);
}
