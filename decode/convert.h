/* SPDX-License-Identifier: MIT */
/* Decoded pictures to RGB.
 *
 * `wn_convert` is for frames that are kept: upright, square pixels, transparent parts on white,
 * colour matrix and range as the frame says; untagged means BT.601 at any size, limited range for
 * YUV and full range for gray and for the yuvj formats, as FFmpeg's own tools and OpenCV take it.
 * Accurate and the same bits on every machine. There is no tone mapping: HDR is shown flat. With
 * `fit` the picture is scaled on the way (bilinear, the filter stretched when shrinking), never up.
 *
 * `wn_convert_plain` is for the scene detectors, whose thresholds were set on pictures from OpenCV:
 * stored size, swscale's defaults, tags ignored, transparency ignored. */
#ifndef WN_DECODE_CONVERT_H
#define WN_DECODE_CONVERT_H

#include "picture.h"
#include "pipeline/decoder.h"

struct SwsContext;

struct wn_converter { /* zero to begin with, but for `fit` */
    struct wn_fit fit;
    struct SwsContext *sws;
    int src_w, src_h, src_format, dst_w, dst_h, dst_format, matrix, full_range;
    bool plain, scaled;
    uint8_t *buf;
    size_t buf_size;
};

int wn_convert(struct wn_converter *c, const struct wn_picture *picture, struct wn_frame **out,
               struct wn_log *log);
/* *rgb is [*height][*width][3] with rows *stride bytes apart, valid until the next call. Turned as
 * the shape says, not stretched. */
int wn_convert_plain(struct wn_converter *c, const struct wn_picture *picture, const uint8_t **rgb,
                     int *stride, int32_t *width, int32_t *height, struct wn_log *log);
void wn_convert_finish(struct wn_converter *c);

#endif
