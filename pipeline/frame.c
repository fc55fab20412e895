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

/* The mean of the pixels that fall into each new one. */
static void shrink_rows(struct wn_frame *to, const struct wn_frame *from)
{
    for (int64_t y = 0; y < to->height; y++) {
        const int64_t y0 = y * from->height / to->height, y1 = (y + 1) * from->height / to->height;
        for (int64_t x = 0; x < to->width; x++) {
            const int64_t x0 = x * from->width / to->width, x1 = (x + 1) * from->width / to->width;
            const int64_t n = (y1 - y0) * (x1 - x0);
            int64_t sum[3] = {0};
            for (int64_t i = y0; i < y1; i++)
                for (const uint8_t *p = from->rgb + (i * from->width + x0) * 3,
                                   *end = p + (x1 - x0) * 3;
                     p < end; p += 3)
                    for (int c = 0; c < 3; c++)
                        sum[c] += p[c];
            for (int c = 0; c < 3; c++)
                to->rgb[(y * to->width + x) * 3 + c] = (uint8_t)((sum[c] + n / 2) / n);
        }
    }
}

int wn_frame_shrink(struct wn_frame **out, const struct wn_frame *frame, int32_t side)
{
    const int64_t longer = WN_MAX(frame->width, frame->height);
    struct wn_frame *small = NULL;

    if (longer <= side) {
        *out = wn_frame_ref((struct wn_frame *)frame);
        return WN_OK;
    }
    const int err =
        wn_frame_create(&small, (int32_t)WN_MAX(frame->width * (int64_t)side / longer, 1),
                        (int32_t)WN_MAX(frame->height * (int64_t)side / longer, 1));
    if (err)
        return err;
    shrink_rows(small, frame);
    small->time = frame->time;
    small->number = frame->number;
    small->scene = frame->scene;
    small->scene_score = frame->scene_score;
    small->key = frame->key;
    *out = small;
    return WN_OK;
}
