/* SPDX-License-Identifier: MIT */
#include "small.h"

#include "detect/parts.h"

#include <stdlib.h>
#include <string.h>

int wn_small_make(struct wn_small *small, const struct wn_picture *picture, struct wn_log *log)
{
    const uint8_t *rgb;
    int32_t w, h;
    int stride, err;

    TRY(wn_convert_plain(&small->convert, picture, &rgb, &stride, &w, &h, log));
    if (!small->rgb) {
        wn_detect_size(w, h, &small->width, &small->height);
        small->rgb = wn_calloc((size_t)small->width * (size_t)small->height, 3);
        if (!small->rgb)
            return wn_nomem(log, "a small picture");
    }
    if (w == small->width && h == small->height)
        for (int32_t y = 0; y < h; y++)
            memcpy(small->rgb + (size_t)y * (size_t)w * 3, rgb + (ptrdiff_t)y * stride,
                   (size_t)w * 3);
    else
        err = wn_resize_linear(rgb, stride, w, h, small->rgb, small->width, small->height);
    return err < 0 ? wn_nomem(log, "a small picture") : WN_OK;
fail:
    return err;
}

void wn_small_finish(struct wn_small *small)
{
    wn_convert_finish(&small->convert);
    free(small->rgb);
    memset(small, 0, sizeof(*small));
}
