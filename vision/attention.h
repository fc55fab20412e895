/* SPDX-License-Identifier: MIT */
/* Softmax attention of captured queries and keys. Same input, same bits on any number of threads:
 * a head is the unit of work and sums run in order of tokens. */
#ifndef WN_ATTENTION_H
#define WN_ATTENTION_H

#include "../pipeline/pool.h"

struct wn_attend {
    const float *q;  /* [n or 1][heads][d_head] */
    const float *k;  /* [n][kv_heads][d_head] */
    float *w;        /* [n][heads] */
    int32_t n, heads, kv_heads, d_head;
    float scale;
};

/* w[j] = softmax over j of scale * q . k[j], for the one query there is. */
int wn_attend_one(const struct wn_attend *a, struct wn_pool *pool);
/* w[j] = mean over heads of scale * q . k[j], for the one query there is; w is [n]. */
void wn_attend_logits(const struct wn_attend *a);
/* w[j] = mean over queries i of softmax over j of scale * q[i] . k[j]. Never holds the matrix. */
int wn_attend_received(const struct wn_attend *a, struct wn_pool *pool);

#endif
