/* SPDX-License-Identifier: MIT */
/* SigLIP's pooling head: a learned query looks at all tokens, and what it sees is the picture's own
 * vector. No converter of today writes it; files that have it call its tensors v.head.probe,
 * v.head.attn_qkv, attn_out, ln, ffn_up and ffn_down. */
#ifndef WN_VIT_HEAD_H
#define WN_VIT_HEAD_H

#include "vit.h"

struct wn_vit_head;

struct wn_vit_head_weights {
    int32_t dim, ff, heads;
    float eps;
    const float *probe;            /* [dim] */
    const float *qkv_w, *qkv_b;    /* [3 * dim][dim], [3 * dim] */
    const float *out_w, *out_b;    /* [dim][dim] */
    const float *ln_w, *ln_b;
    const float *up_w, *up_b;      /* [ff][dim] */
    const float *down_w, *down_b;  /* [dim][ff] */
};

int wn_vit_head_create(struct wn_vit_head **out, const struct wn_vit_head_weights *weights);
void wn_vit_head_destroy(struct wn_vit_head **head);
/* pooled[dim] of n tokens [n][dim] behind the last norm, n > 0. attn: [n] what the query looks at,
 * mean over heads; or NULL. WN_OK or WN_ERR_NOMEM. */
int wn_vit_head_run(const struct wn_vit_head *head, const float *tokens, int32_t n, float *pooled,
                    float *attn);

#endif
