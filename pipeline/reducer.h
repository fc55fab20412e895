/* SPDX-License-Identifier: MIT */
/* Filters between the layers of an encoder. The encoder runs in pieces; at each cut it hands over
 * the rows of its sequences and goes on with what is left of them. vision/ calls this, compress/
 * implements it: neither knows the other. */
#ifndef WN_REDUCER_H
#define WN_REDUCER_H

#include "rows.h"

/* What a filter reads at a cut, of the layer whose attention ran last. */
enum wn_tap {
    WN_TAP_CLS = 1,    /* rows->attn: softmax row of the CLS query, or attention received */
    WN_TAP_KEYS = 2,   /* rows->keys */
    WN_TAP_MUTUAL = 4, /* rows->mutual */
};

struct wn_cut {
    int32_t point; /* 2 l: before layer l, which is behind layer l - 1; 2 l + 1: between the
                    * attention of layer l and its MLP */
    unsigned taps; /* WN_TAP_*, of layer (point - 1) / 2; none at point 0 */
    int32_t join;  /* above 1: so many neighbouring sequences become one before anything else, their
                    * CLS rows in front; of what is left over the last one is made */
};

struct wn_reducer {
    const struct wn_cut *cut; /* in order of their points, no two at the same */
    int n_cuts;
    bool scores;       /* it leaves a score on rows */
    bool proportional; /* attention adds log(size) to the logits of a key */
    int32_t frames;    /* of a video that must be encoded together; at least 1 */
    double skip;       /* below 0: none. Patches that differ less from what was last encoded at
                        * their place, in levels (see wn_frame_changed), are left out */
    struct wn_frame *seen; /* what that was, of the size of the tower's pictures; NULL: nothing */

    /* Rows at cut number `cut`: data of the tower's width, W over the rows that entered the first
     * layer, frames[f].index the number of a sequence. Layouts have a cell for each token, those of
     * CLS tokens at -1, -1 and in front. Becomes what is left; sequences without rows vanish. */
    int (*run)(struct wn_reducer *reducer, int cut, struct wn_rows *rows);
    void (*destroy)(struct wn_reducer *reducer);
};

/* A new segment begins: nothing has been seen. */
void wn_reducer_begin(struct wn_reducer *reducer);
void wn_reducer_destroy(struct wn_reducer **reducer);

#endif
