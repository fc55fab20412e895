/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <stdlib.h>

int wn_frame_create(struct wn_frame **out, int32_t width, int32_t height)
{
    if (width <= 0 || height <= 0)
        return WN_ERR_ARG;
    struct wn_frame *frame = wn_calloc(1, sizeof(*frame));
    if (!frame)
        return WN_ERR_NOMEM;
    frame->rgb = wn_calloc((size_t)width * 3, (size_t)height);
    if (!frame->rgb) {
        free(frame);
        return WN_ERR_NOMEM;
    }
    atomic_init(&frame->refs, 1);
    frame->width = width;
    frame->height = height;
    frame->number = -1;
    *out = frame;
    return WN_OK;
}

struct wn_frame *wn_frame_ref(struct wn_frame *frame)
{
    if (frame)
        atomic_fetch_add(&frame->refs, 1);
    return frame;
}

void wn_frame_unref(struct wn_frame **frame)
{
    if (!*frame)
        return;
    if (atomic_fetch_sub(&(*frame)->refs, 1) == 1) {
        free((*frame)->rgb);
        free(*frame);
    }
    *frame = NULL;
}
