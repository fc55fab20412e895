/* SPDX-License-Identifier: MIT */
#include "pushed.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define DEFAULT_MAX_PIXELS 178956970

struct plane {
    int width_bytes, height;
};

static int planes_of(const struct wn_image *image, struct plane *plane)
{
    const int w = image->width, h = image->height, cw = (w + 1) / 2, ch = (h + 1) / 2;

    switch (image->format) {
    case WN_RGB24:
        plane[0] = (struct plane){3 * w, h};
        return 1;
    case WN_NV12:
        plane[0] = (struct plane){w, h};
        plane[1] = (struct plane){2 * cw, ch};
        return 2;
    case WN_YUV420P:
        plane[0] = (struct plane){w, h};
        plane[1] = plane[2] = (struct plane){cw, ch};
        return 3;
    }
    return 0;
}

static int check(const struct wn_image *image, const struct wn_decoder_params *params,
                 struct wn_log *log)
{
    const int64_t most = params->max_pixels > 0 ? params->max_pixels : DEFAULT_MAX_PIXELS;
    struct plane plane[3];

    if (image->width <= 0 || image->height <= 0)
        return wn_fail(log, WN_ERR_ARG, "a pushed frame of %d x %d pixels", image->width,
                       image->height);
    if (image->width > INT32_MAX / 16 || image->height > INT32_MAX / 16 ||
        (int64_t)image->width * image->height > most)
        return wn_fail(log, WN_ERR_LIMIT,
                       "a pushed frame of %d x %d pixels, more than the limit of %" PRId64,
                       image->width, image->height, most);
    if (!isfinite(image->time))
        return wn_fail(log, WN_ERR_ARG, "a pushed frame without a finite time");
    const int n = planes_of(image, plane);
    if (!n)
        return wn_fail(log, WN_ERR_ARG, "a pushed frame of unknown format %d", (int)image->format);
    for (int i = 0; i < n; i++)
        if (!image->data[i] || (image->stride[i] < 0 ? -image->stride[i] : image->stride[i]) <
                                   plane[i].width_bytes)
            return wn_fail(log, WN_ERR_ARG,
                           "a pushed frame whose plane %d is missing or too narrow", i);
    return WN_OK;
}

int wn_pushed_picture(struct wn_picture **out, const struct wn_image *image,
                      const struct wn_decoder_params *params, struct wn_log *log)
{
    static const enum AVPixelFormat format[] = {
        [WN_RGB24] = AV_PIX_FMT_RGB24,
        [WN_NV12] = AV_PIX_FMT_NV12,
        [WN_YUV420P] = AV_PIX_FMT_YUV420P,
    };
    struct wn_picture *p = NULL;
    struct plane plane[3];
    int err;

    TRY(check(image, params, log));
    err = wn_picture_create(&p);
    if (err < 0)
        return wn_nomem(log, "a pushed frame");
    p->frame->format = format[image->format];
    p->frame->width = image->width;
    p->frame->height = image->height;
    if (av_frame_get_buffer(p->frame, 0) < 0) {
        err = wn_nomem(log, "a pushed frame");
        goto fail;
    }
    const int n = planes_of(image, plane);
    for (int i = 0; i < n; i++)
        for (int y = 0; y < plane[i].height; y++)
            memcpy(p->frame->data[i] + (ptrdiff_t)y * p->frame->linesize[i],
                   image->data[i] + y * image->stride[i], (size_t)plane[i].width_bytes);
    p->key = true;
    wn_shape_size(&p->shape, image->width, image->height, (AVRational){1, 1});
    *out = p;
    return WN_OK;
fail:
    wn_picture_free(&p);
    return err;
}
