/* SPDX-License-Identifier: MIT */
/* The tower with filters between its layers: rows of a batch of pictures, which become fewer. */
#ifndef WN_VIT_REDUCE_H
#define WN_VIT_REDUCE_H

#include "vit.h"

struct wn_vit_reduce {
    struct wn_reducer *reducer;
    const uint8_t *enter; /* [n][n_patches] which patches enter the first layer; NULL: all */
    /* For tests: the rows behind layer l - 1; where there is a cut, before it and after it; or
     * NULL. */
    void (*look)(void *arg, int32_t l, const struct wn_rows *rows);
    void *arg;
};

/* What is left of n pictures; [n][n_patches] each. A merged row is that of its own patch. */
struct wn_vit_left {
    uint8_t *alive;
    float *size, *score;  /* score: 0 where no filter left one */
    int32_t *row;         /* of w, for an alive patch; else -1 */
    int32_t *holder;      /* the patch whose row a patch is in, counted over all pictures; -1: it
                           * was left out */
    struct wn_sources w;  /* rows: alive patches in order; columns: all patches */
};
void wn_vit_left_finish(struct wn_vit_left *left);
/* Puts the pictures of src behind those of dst; src is empty then. WN_OK or WN_ERR_NOMEM. */
int wn_vit_left_append(struct wn_vit_left *dst, struct wn_vit_left *src);

/* As wn_vit_run(), for taps WN_VIT_PROJECTED, _KEY, _CLS_ATTN, _CLS_LOGITS, _RECEIVED, _HIDDEN and
 * _POST_LN; each token's value where it was alive at that layer, else what was there before. Joined
 * pictures have one softmax, and each its own CLS query. */
int wn_vit_run_reduced(struct wn_vit *vit, const float *patches, int n,
                       const struct wn_vit_tap *tap, int n_taps,
                       const struct wn_vit_reduce *reduce, struct wn_vit_left *left);

#endif
