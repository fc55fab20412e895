/* SPDX-License-Identifier: MIT */
/* A picture in another size: bilinear with the filter stretched when shrinking. */
#ifndef WN_RESIZE_H
#define WN_RESIZE_H

#include "../pipeline/frame.h"

/* dst[dst_h][dst_w][3]; in rows of `dst_stride` bytes. */
int wn_resize_rgb(uint8_t *dst, size_t dst_stride, int32_t dst_w, int32_t dst_h,
                  const uint8_t *src, int32_t src_w, int32_t src_h);
/* Keeps the aspect, centred on `pad` in a square of that side: [side][side][3]. */
int wn_resize_square(uint8_t *dst, int32_t side, const uint8_t pad[3],
                     const struct wn_frame *frame);

#endif
