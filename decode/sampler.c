/* SPDX-License-Identifier: MIT */
#include "sampler.h"

#include "detect/clones.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <stdlib.h>
#include <string.h>

/* A product's share of 1/65536: what vector code keeps of it. */
static inline int16_t high(int16_t a, int16_t b)
{
    return (int16_t)((a * b) >> 16);
}

static int16_t rounded(int64_t coefficient)
{
    return (int16_t)((coefficient + 4) >> 3);
}

/* swscale's. */
static void find_coefficients(struct wn_sampler_coefficients *out, bool full)
{
    const int *c = sws_getCoefficients(SWS_CS_DEFAULT);
    int64_t part[4];

    for (int i = 0; i < 4; i++)
        part[i] = full ? (int64_t)c[i] * 224 / 255 : c[i];
    out->luma = rounded(full ? 1 << 16 : (1 << 16) * (int64_t)255 / 219);
    out->low = full ? 0 : 16 * 8;
    out->red_v = rounded(part[0]);
    out->blue_u = rounded(part[1]);
    out->green_u = rounded(-part[2]);
    out->green_v = rounded(-part[3]);
}

static int find_chroma(struct wn_sampler *s)
{
    const int32_t width = (s->linear.sw + 1) / 2;
    int32_t *column = wn_calloc((size_t)s->linear.dw, sizeof(*column));
    int err = WN_ERR_NOMEM;

    for (int32_t x = 0; column && x < s->linear.dw; x++) {
        const int32_t left = s->linear.left[x] >> 1, right = (s->linear.left[x] + 1) >> 1;
        column[x] = WN_MIN(left, width - 2);
        s->shift[0][x] = (int16_t)(8 * (left - column[x]));
        s->shift[1][x] = (int16_t)(8 * (right - column[x]));
    }
    if (column)
        err = wn_pairs_begin(&s->chroma, column, s->linear.dw, width);
    free(column);
    return err;
}

static int reserve(struct wn_sampler *s, size_t n)
{
    s->pair[0] = wn_calloc(3 * n, sizeof(*s->pair[0]));
    s->shift[0] = wn_calloc(2 * n, sizeof(*s->shift[0]));
    s->bright[0] = wn_calloc(4 * n, sizeof(*s->bright[0]));
    s->term[0] = wn_calloc(6 * n, sizeof(*s->term[0]));
    if (!s->pair[0] || !s->shift[0] || !s->bright[0] || !s->term[0])
        return WN_ERR_NOMEM;
    s->pair[1] = s->pair[0] + n;
    s->pair[2] = s->pair[0] + 2 * n;
    s->shift[1] = s->shift[0] + n;
    s->bright[1] = s->bright[0] + n;
    s->side[0] = s->bright[0] + 2 * n;
    s->side[1] = s->bright[0] + 3 * n;
    s->term[1] = s->term[0] + 3 * n;
    return WN_OK;
}

/* Where a pixel of packed RGB has its colours; step 0: the format is none. */
static struct wn_pixels packed_as(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    const uint64_t other = AV_PIX_FMT_FLAG_PLANAR | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM;
    struct wn_pixels pixels = {.step = 0};

    if (!desc || !(desc->flags & AV_PIX_FMT_FLAG_RGB) || (desc->flags & other))
        return pixels;
    for (int k = 0; k < 3; k++) {
        if (desc->comp[k].depth != 8 || desc->comp[k].shift)
            return (struct wn_pixels){.step = 0};
        pixels.at[k] = desc->comp[k].offset;
    }
    pixels.step = desc->comp[0].step;
    return pixels;
}

int wn_sampler_begin(struct wn_sampler *s, const AVFrame *frame, int32_t dw, int32_t dh)
{
    const struct wn_pixels pixels = packed_as(frame->format);
    int err;

    wn_sampler_finish(s);
    if (pixels.step) {
        s->pixels = pixels;
        TRY(reserve(s, (size_t)dw));
        return wn_linear_begin(&s->linear, frame->width, frame->height, dw, dh);
    }
    if ((frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P) ||
        frame->width < 4)
        return WN_ERR_UNSUPPORTED;
    find_coefficients(&s->c, frame->format == AV_PIX_FMT_YUVJ420P);
    TRY(wn_linear_begin(&s->linear, frame->width, frame->height, dw, dh));
    TRY(wn_pairs_begin(&s->luma, s->linear.left, dw, frame->width));
    TRY(reserve(s, (size_t)s->luma.room));
    TRY(find_chroma(s));
fail:
    return err;
}

void wn_sampler_finish(struct wn_sampler *s)
{
    wn_linear_finish(&s->linear);
    wn_pairs_finish(&s->luma);
    wn_pairs_finish(&s->chroma);
    free(s->pair[0]);
    free(s->shift[0]);
    free(s->bright[0]);
    free(s->term[0]);
    memset(s, 0, sizeof(*s));
}

/* term [3][n] */
WN_CLONES
static void colour_terms(const uint16_t *restrict u, const uint16_t *restrict v,
                         const int16_t *restrict shift, int n,
                         const struct wn_sampler_coefficients *restrict c, int16_t *restrict term)
{
    const int16_t red_v = c->red_v, green_u = c->green_u, green_v = c->green_v;
    const int16_t blue_u = c->blue_u;

    for (int x = 0; x < n; x++) {
        const int16_t su = (int16_t)((shift[x] ? u[x] >> 8 : u[x] & 255) * 8 - 1024);
        const int16_t sv = (int16_t)((shift[x] ? v[x] >> 8 : v[x] & 255) * 8 - 1024);
        term[x] = high(sv, red_v);
        term[n + x] = (int16_t)(high(su, green_u) + high(sv, green_v));
        term[2 * n + x] = high(su, blue_u);
    }
}

WN_CLONES
static void brightness(const uint16_t *restrict pair, int n,
                       const struct wn_sampler_coefficients *restrict c, int16_t *restrict left,
                       int16_t *restrict right)
{
    const int16_t luma = c->luma, low = c->low;

    for (int x = 0; x < n; x++) {
        left[x] = high((int16_t)((pair[x] & 255) * 8 - low), luma);
        right[x] = high((int16_t)((pair[x] >> 8) * 8 - low), luma);
    }
}

/* One colour of the pixels: between 0 and 255. */
WN_CLONES
static void colour(const int16_t *restrict bright, const int16_t *restrict term, int n,
                   int16_t *restrict out)
{
    for (int x = 0; x < n; x++) {
        const int16_t sum = (int16_t)(bright[x] + term[x]);
        out[x] = (int16_t)WN_MIN(WN_MAX(sum, 0), 255);
    }
}

static void find_terms(struct wn_sampler *s, int32_t row)
{
    for (int k = 1; k < 3; k++)
        wn_pairs_take(&s->chroma, s->frame->data[k] + (ptrdiff_t)row * s->frame->linesize[k],
                      s->pair[k]);
    for (int i = 0; i < (s->linear.single ? 1 : 2); i++)
        colour_terms(s->pair[1], s->pair[2], s->shift[i], s->linear.dw, &s->c, s->term[i]);
    s->chroma_row = row;
}

/* Rows lie so far apart that the processor does not see by itself which is read next. */
static void fetch(const struct wn_sampler *s, int32_t row, int planes)
{
#ifdef __GNUC__
    for (int k = 0; k < planes; k++) {
        const int shift = k ? 1 : 0;
        const uint8_t *p =
            s->frame->data[k] + (ptrdiff_t)(row >> shift) * s->frame->linesize[k];
        for (int32_t x = 0; x < s->linear.sw >> shift; x += 64)
            __builtin_prefetch(p + x);
    }
#endif
}

static void sample_row(void *opaque, int32_t y, int32_t soon, int16_t *out)
{
    struct wn_sampler *s = opaque;
    const int n = s->linear.dw;
    const bool colours = s->chroma_row != y >> 1;

    fetch(s, soon, colours ? 3 : 1);

    wn_pairs_take(&s->luma, s->frame->data[0] + (ptrdiff_t)y * s->frame->linesize[0], s->pair[0]);
    brightness(s->pair[0], n, &s->c, s->bright[0], s->bright[1]);
    if (colours)
        find_terms(s, y >> 1);
    for (ptrdiff_t k = 0; k < 3; k++) {
        for (int i = 0; i < (s->linear.single ? 1 : 2); i++)
            colour(s->bright[i], s->term[i] + k * n, n, s->side[i]);
        wn_linear_across(&s->linear, s->side[0], s->side[1], out + k * n);
    }
}

void wn_sampler_run(struct wn_sampler *s, const AVFrame *frame, uint8_t *rgb)
{
    s->frame = frame;
    if (s->pixels.step) {
        s->pixels.data = frame->data[0];
        s->pixels.stride = frame->linesize[0];
        wn_linear_run_packed(&s->linear, &s->pixels, s->side[0], rgb);
        return;
    }
    s->chroma_row = -1;
    wn_linear_run(&s->linear, sample_row, s, rgb);
}
