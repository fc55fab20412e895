/* SPDX-License-Identifier: MIT */
/* Greedy searches that take row after row, each time the one with the best number, where every row
 * taken can only make the numbers of the others worse. Then numbers that have not heard of the last
 * rows taken are bounds, and a block of rows has to catch up only when its bound is the best. */
#ifndef WN_LAZY_H
#define WN_LAZY_H

#include "blocks.h"

#define WN_LAZY_BLOCK 12

struct wn_lazy {
    const float *x; /* [m][dim] */
    int32_t m, dim;
    int32_t *work;  /* [m][3] scratch */
    /* Row i was not taken. */
    bool (*there)(const struct wn_lazy *z, int32_t i);
    /* Row i's number is better than j's. */
    bool (*before)(const struct wn_lazy *z, int32_t i, int32_t j);
    /* Rows [first, first + w) hear of the row taken at step t: like[i], their dots with it. */
    void (*learn)(const struct wn_lazy *z, int32_t first, int32_t w, const float *like, int32_t t);
    const void *arg;
    int32_t taken;  /* how many so far */
};

/* The row taken at step t. */
static inline int32_t wn_lazy_step(const struct wn_lazy *z, int32_t t)
{
    return z->work[t];
}

void wn_lazy_begin(struct wn_lazy *z);
int32_t wn_lazy_best(struct wn_lazy *z); /* of the rows there, the lower of equals; -1: none */
void wn_lazy_take(struct wn_lazy *z, int32_t row); /* which is no longer there */

#endif
