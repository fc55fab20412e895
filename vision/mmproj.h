/* SPDX-License-Identifier: MIT */
/* What a vision tower's file says of itself, checked before libmtmd reads it: libmtmd aborts the
 * process over keys of another type and tensors that do not fit each other. */
#ifndef WN_MMPROJ_H
#define WN_MMPROJ_H

#include "../pipeline/util.h"

struct wn_mmproj {
    char arch[64];        /* projector type */
    int32_t image_size, patch_size, merge;
    int32_t n_layers, n_heads, n_kv, head_dim, dim, projection;
    int32_t pattern;      /* a layer in so many sees the whole picture; 0: all do */
    int32_t width;        /* of an output row; 0: not known */
    bool pad;             /* one square picture, padded: libmtmd's fixed size */
    uint8_t pad_color[3];
};

int wn_mmproj_read(struct wn_mmproj *out, const char *path, struct wn_log *log);

#endif
