/* SPDX-License-Identifier: MIT */
#include "convert.h"

#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <math.h>
#include <string.h>

#define PAD 64              /* swscale's vector code writes past the ends of rows */
#define KEEP_BYTES (64 << 20) /* a larger buffer is not kept between frames */

static int sws_matrix(enum AVColorSpace space)
{
    switch (space) {
    case AVCOL_SPC_BT709:      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:  return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:  return SWS_CS_BT2020;
    default:                   return SWS_CS_DEFAULT;
    }
}

/* The deprecated yuvj formats are their plain twins with full range. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format, int *full_range)
{
    static const enum AVPixelFormat twin[][2] = {
        {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P}, {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
        {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P}, {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
        {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P},
    };

    for (int i = 0; i < WN_LEN(twin); i++) {
        if (format == twin[i][0]) {
            *full_range = 1;
            return twin[i][1];
        }
    }
    return format;
}

static int full_range(const AVFrame *frame, const AVPixFmtDescriptor *desc)
{
    if (frame->color_range != AVCOL_RANGE_UNSPECIFIED)
        return frame->color_range == AVCOL_RANGE_JPEG;
    return desc->nb_components < 3; /* gray, with or without alpha */
}

/* Where colour has as many samples as the result has pixels it need not be made any finer. */
static int scaled_flags(bool shrinks)
{
    const int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT;

    return shrinks ? flags : flags | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
}

/* Picture and place in `fit` are both before turning here. */
static void fit_into(const struct wn_fit *fit, struct wn_shape *shape)
{
    const int32_t most_w = shape->swap ? fit->height : fit->width;
    const int32_t most_h = shape->swap ? fit->width : fit->height;

    if (most_w <= 0 || most_h <= 0 || (shape->width <= most_w && shape->height <= most_h))
        return;
    if (fit->stretch) {
        shape->width = most_w;
        shape->height = most_h;
        return;
    }
    const double scale = fmin((double)most_w / shape->width, (double)most_h / shape->height);
    shape->width = (int32_t)fmax(1, rint(shape->width * scale));
    shape->height = (int32_t)fmax(1, rint(shape->height * scale));
}

static int set_up(struct wn_converter *c, const struct wn_converter *want, struct wn_log *log)
{
    if (c->sws && c->src_w == want->src_w && c->src_h == want->src_h &&
        c->src_format == want->src_format && c->dst_w == want->dst_w && c->dst_h == want->dst_h &&
        c->dst_format == want->dst_format && c->matrix == want->matrix &&
        c->full_range == want->full_range && c->plain == want->plain && c->scaled == want->scaled)
        return WN_OK;
    const bool shrinks = want->dst_w * 2 <= want->src_w && want->dst_h * 2 <= want->src_h;
    const int flags = want->plain ? SWS_BICUBIC : want->scaled ? scaled_flags(shrinks)
        : SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;
    const struct wn_fit fit = c->fit;
    uint8_t *const buf = c->buf;
    const size_t buf_size = c->buf_size;

    sws_freeContext(c->sws);
    *c = *want;
    c->fit = fit;
    c->buf = buf;
    c->buf_size = buf_size;
    c->sws = sws_getContext(c->src_w, c->src_h, c->src_format, c->dst_w, c->dst_h, c->dst_format,
                            flags, NULL, NULL, NULL);
    if (!c->sws)
        return wn_fail(log, WN_ERR_UNSUPPORTED,
                       "pictures of format %s, %d x %d, cannot be turned into RGB",
                       av_get_pix_fmt_name(c->src_format), c->src_w, c->src_h);
    if (!c->plain)
        sws_setColorspaceDetails(c->sws, sws_getCoefficients(c->matrix), c->full_range,
                                 sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    return WN_OK;
}

static int reserve(struct wn_converter *c, size_t size, struct wn_log *log)
{
    if (size <= c->buf_size)
        return WN_OK;
    av_freep(&c->buf);
    c->buf_size = 0;
    c->buf = av_malloc(size);
    if (!c->buf)
        return wn_nomem(log, "a picture");
    c->buf_size = size;
    return WN_OK;
}

/* The picture in c->buf, rows `*stride` bytes apart. */
static int scale(struct wn_converter *c, const AVFrame *frame, int bytes, int *stride,
                 struct wn_log *log)
{
    *stride = (c->dst_w * bytes + PAD + PAD - 1) / PAD * PAD;
    const int err = reserve(c, (size_t)*stride * ((size_t)c->dst_h + 1) + PAD, log);
    uint8_t *const data[4] = {c->buf};
    const int strides[4] = {*stride};

    if (err)
        return err;
    const int n = sws_scale(c->sws, (const uint8_t *const *)frame->data, frame->linesize, 0,
                            frame->height, data, strides);
    if (n <= 0)
        return wn_fail(log, WN_ERR_DATA, "a picture cannot be turned into RGB");
    return WN_OK;
}

static void put_pixel(uint8_t *dst, const uint8_t *src, bool alpha)
{
    const int a = alpha ? src[3] : 255;

    if (a == 255) {
        memcpy(dst, src, 3);
        return;
    }
    for (int k = 0; k < 3; k++)
        dst[k] = (uint8_t)((src[k] * a + 255 * (255 - a) + 127) / 255);
}

static void turn(uint8_t *dst, const uint8_t *src, int stride, const struct wn_shape *shape,
                 bool alpha)
{
    const int bytes = alpha ? 4 : 3;
    int32_t w, h;

    wn_shape_upright(shape, &w, &h);
    for (int32_t y = 0; y < h; y++, dst += (size_t)w * 3) {
        const int32_t v = shape->flip_y ? h - 1 - y : y;
        if (!shape->swap && !shape->flip_x && !alpha) {
            memcpy(dst, src + (ptrdiff_t)v * stride, (size_t)w * 3);
            continue;
        }
        for (int32_t x = 0; x < w; x++) {
            const int32_t u = shape->flip_x ? w - 1 - x : x;
            const int32_t sx = shape->swap ? v : u, sy = shape->swap ? u : v;
            put_pixel(dst + (size_t)x * 3, src + (ptrdiff_t)sy * stride + (ptrdiff_t)sx * bytes,
                      alpha);
        }
    }
}

static struct wn_converter wanted(const AVFrame *frame, int32_t w, int32_t h)
{
    return (struct wn_converter){
        .src_w = frame->width,
        .src_h = frame->height,
        .src_format = frame->format,
        .dst_w = w,
        .dst_h = h,
        .dst_format = AV_PIX_FMT_RGB24,
    };
}

int wn_convert(struct wn_converter *c, const struct wn_picture *picture, struct wn_frame **out,
               struct wn_log *log)
{
    const AVFrame *frame = picture->frame;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    struct wn_frame *rgb = NULL;
    int32_t w, h;
    int stride, err;

    if (!desc || !sws_isSupportedInput(frame->format))
        return wn_fail(log, WN_ERR_UNSUPPORTED, "pictures of format %s cannot be turned into RGB",
                       desc ? desc->name : "unknown");
    struct wn_shape shape = picture->shape;
    fit_into(&c->fit, &shape);
    struct wn_converter want = wanted(frame, shape.width, shape.height);
    want.scaled = shape.width != picture->shape.width || shape.height != picture->shape.height;
    const bool alpha = (desc->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
    want.matrix = sws_matrix(frame->colorspace);
    want.full_range = full_range(frame, desc);
    want.src_format = plain_format(frame->format, &want.full_range);
    want.dst_format = alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
    wn_shape_upright(&shape, &w, &h);
    TRY(wn_frame_create(&rgb, w, h));
    TRY(set_up(c, &want, log));
    TRY(scale(c, frame, alpha ? 4 : 3, &stride, log));
    turn(rgb->rgb, c->buf, stride, &shape, alpha);
    if (c->buf_size > KEEP_BYTES)
        wn_convert_finish(c);
    rgb->time = picture->time;
    rgb->number = picture->number;
    rgb->scene = picture->scene;
    rgb->scene_score = picture->scene_score;
    rgb->key = picture->key;
    *out = rgb;
    return WN_OK;
fail:
    wn_frame_unref(&rgb);
    return err == WN_ERR_NOMEM ? wn_nomem(log, "a picture") : err;
}

int wn_convert_plain(struct wn_converter *c, const struct wn_picture *picture, const uint8_t **rgb,
                     int *stride, int32_t *width, int32_t *height, struct wn_log *log)
{
    const AVFrame *frame = picture->frame;
    struct wn_converter want = wanted(frame, frame->width, frame->height);
    struct wn_shape shape = picture->shape;
    int err;

    if (!sws_isSupportedInput(frame->format))
        return wn_fail(log, WN_ERR_UNSUPPORTED, "pictures of format %s cannot be turned into RGB",
                       av_get_pix_fmt_name(frame->format));
    want.plain = true;
    TRY(set_up(c, &want, log));
    const size_t upright = (size_t)frame->width * (size_t)frame->height * 3;
    const size_t room = ((size_t)frame->width * 3 + 2 * PAD) * ((size_t)frame->height + 2);
    const bool turned = shape.swap || shape.flip_x || shape.flip_y;
    TRY(reserve(c, turned ? room + upright : room, log));
    TRY(scale(c, frame, 3, stride, log));
    shape.width = frame->width;
    shape.height = frame->height;
    wn_shape_upright(&shape, width, height);
    *rgb = c->buf;
    if (turned) {
        turn(c->buf + room, c->buf, *stride, &shape, false);
        *rgb = c->buf + room;
        *stride = *width * 3;
    }
    return WN_OK;
fail:
    return err;
}

void wn_convert_finish(struct wn_converter *c)
{
    const struct wn_fit fit = c->fit;

    sws_freeContext(c->sws);
    av_freep(&c->buf);
    memset(c, 0, sizeof(*c));
    c->fit = fit;
}
