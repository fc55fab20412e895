/* SPDX-License-Identifier: MIT */
/* Tensors of a vision tower's file against its keys and each other. */
#ifndef WN_MMPROJ_TENSORS_H
#define WN_MMPROJ_TENSORS_H

#include <gguf.h>

#include "mmproj.h"

struct wn_mmproj_file {
    const char *path;
    struct gguf_context *gguf;
    struct wn_log *log;
};

int wn_mmproj_bad(const struct wn_mmproj_file *f, const char *fmt, ...) WN_PRINTF(2, 3);
int wn_mmproj_check_tensors(const struct wn_mmproj_file *f, const struct wn_mmproj *m);
/* How many numbers an output row has; 0: not known. */
int32_t wn_mmproj_width(const struct wn_mmproj_file *f, const struct wn_mmproj *m);

#endif
