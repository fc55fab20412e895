/* SPDX-License-Identifier: MIT */
/* How pictures of one size become rows, found once a size. */
#ifndef WN_VIT_SHAPE_H
#define WN_VIT_SHAPE_H

#include "vit_image.h"

struct wn_vit_shape {
    int32_t width, height;       /* 0: of any size */
    bool video;
    struct wn_vit_tiling tiling; /* n 0: one square */
    struct wn_vit_plan plan;
    struct wn_layout *layout;
};

struct wn_vit_shapes {
    const struct wn_vit_info *info;
    struct wn_vit_shape *shape[64]; /* latest use first */
};

/* WN_OK or WN_ERR_NOMEM. *out is kept until 64 other sizes have been asked for. */
int wn_vit_shapes_find(struct wn_vit_shapes *shapes, int32_t width, int32_t height, bool video,
                       struct wn_vit_shape **out);
void wn_vit_shapes_finish(struct wn_vit_shapes *shapes);

#endif
