/* SPDX-License-Identifier: MIT */
/* What became of each patch of a segment. */
#ifndef WINNOW_FATES_H
#define WINNOW_FATES_H

#include "sheet.h"

/* A segment read back: what each uncompressed row became. */
struct fates {
    int32_t n;           /* uncompressed rows */
    uint8_t *fate;       /* [n] */
    int32_t *token;      /* [n] the token with the largest share of it */
    float *share;        /* [n] that share */
    int32_t *frame;      /* [n] which frame of the segment */
    struct wn_frame_info *info; /* [n_frames] */
    int32_t n_frames;
    const int32_t *cell; /* [n][2], borrowed */
};

/* -1: out of memory; fates_finish() is due in any case. */
int fates_init(struct fates *f, const struct wn_segment *segment, const struct wn_tokens *tokens);
void fates_finish(struct fates *f);

#endif
