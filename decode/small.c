/* SPDX-License-Identifier: MIT */
#include "small.h"

#include "detect/parts.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 16384 /* pixels of a small picture, that try out every coefficient and its rounding */

static void unpack(const uint8_t *rgb, int stride, int32_t w, int32_t h, uint8_t *out)
{
    const size_t plane = (size_t)w * (size_t)h;

    for (int32_t y = 0; y < h; y++, rgb += stride, out += w)
        for (size_t x = 0; x < (size_t)w; x++)
            for (size_t k = 0; k < 3; k++)
                out[k * plane + x] = rgb[3 * x + k];
}

/* By way of the whole picture in RGB. */
static int make_whole(struct wn_small *small, const struct wn_picture *picture, uint8_t *out,
                      struct wn_log *log)
{
    const uint8_t *rgb;
    int32_t w, h;
    int stride;
    int err = wn_convert_plain(&small->convert, picture, &rgb, &stride, &w, &h, log);

    if (err < 0)
        return err;
    if (w == small->width && h == small->height)
        unpack(rgb, stride, w, h, out);
    else
        err = wn_resize_linear(rgb, stride, w, h, out, small->width, small->height);
    return err < 0 ? wn_nomem(log, "a small picture") : WN_OK;
}

/* Noise of the same size and format, in all three planes. */
static int make_noise(struct wn_picture *noise, const AVFrame *like)
{
    AVFrame *f = noise->frame;
    uint64_t x = 88172645463325252;

    f->format = like->format;
    f->width = like->width;
    f->height = like->height;
    if (av_frame_get_buffer(f, 0) < 0)
        return WN_ERR_NOMEM;
    for (int k = 0; k < 3; k++) {
        const size_t bytes =
            (size_t)f->linesize[k] * (size_t)(k ? (f->height + 1) / 2 : f->height);
        for (size_t i = 0; i + 8 <= bytes; i += 8) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            memcpy(f->data[k] + i, &x, 8);
        }
    }
    return WN_OK;
}

/* Whether both ways give the same bytes. */
static bool try_out(struct wn_small *small, const AVFrame *like)
{
    const size_t bytes = (size_t)small->width * (size_t)small->height * 3;
    struct wn_picture *noise = NULL;
    uint8_t *rgb = wn_calloc(bytes, 1);
    bool same = false;

    if (rgb && wn_picture_create(&noise) == WN_OK && make_noise(noise, like) == WN_OK &&
        make_whole(small, noise, rgb, NULL) == WN_OK) {
        wn_sampler_run(&small->sampler, noise->frame, small->rgb);
        same = !memcmp(rgb, small->rgb, bytes);
    }
    wn_picture_free(&noise);
    wn_convert_finish(&small->convert);
    free(rgb);
    return same;
}

static int set_up(struct wn_small *small, const struct wn_picture *picture, struct wn_log *log)
{
    const AVFrame *f = picture->frame;
    const struct wn_shape *shape = &picture->shape;
    const bool turned = shape->swap || shape->flip_x || shape->flip_y;

    if (!small->rgb) {
        wn_detect_size(shape->swap ? f->height : f->width, shape->swap ? f->width : f->height,
                       &small->width, &small->height);
        small->rgb = wn_calloc((size_t)small->width * (size_t)small->height, 3);
        if (!small->rgb)
            return wn_nomem(log, "a small picture");
    }
    if (f->width == small->from_width && f->height == small->from_height &&
        f->format == small->from_format && turned == small->turned)
        return WN_OK;
    small->from_width = f->width;
    small->from_height = f->height;
    small->from_format = f->format;
    small->turned = turned;
    small->samples = false;
    if (turned || (int64_t)small->width * small->height < LEAST ||
        (f->width == small->width && f->height == small->height))
        return WN_OK;
    const int err = wn_sampler_begin(&small->sampler, f, small->width, small->height);
    if (err == WN_ERR_NOMEM)
        return wn_nomem(log, "a small picture");
    small->samples = !err && try_out(small, f);
    return WN_OK;
}

int wn_small_make(struct wn_small *small, const struct wn_picture *picture, struct wn_log *log)
{
    const int err = set_up(small, picture, log);

    if (err < 0 || !small->samples)
        return err < 0 ? err : make_whole(small, picture, small->rgb, log);
    wn_sampler_run(&small->sampler, picture->frame, small->rgb);
    return WN_OK;
}

void wn_small_finish(struct wn_small *small)
{
    wn_convert_finish(&small->convert);
    wn_sampler_finish(&small->sampler);
    free(small->rgb);
    memset(small, 0, sizeof(*small));
}
