/* SPDX-License-Identifier: MIT */
/* One step of FiCoCo-V: the rows that matter least go, each into those that it looks at most. */
#ifndef WN_FICOCO_V_H
#define WN_FICOCO_V_H

#include "products.h"

struct wn_ficoco_v {
    /* Set by the caller. */
    wn_buf mutual;       /* f32 [n][width], see wn_rows; WN_NONE: `products` stand in */
    int32_t width;
    struct wn_products products;
    wn_buf cls;          /* f32 [n] what CLS sees; WN_NONE: of `first`, or nothing */
    int32_t first;       /* 1: the first row of each frame is CLS, and `mutual` has what it sees */
    wn_buf special;      /* rows that stay and that none goes into, or WN_NONE; see match.h */
    float beta;          /* weight of what CLS sees */
    int32_t window;
    wn_buf table;        /* how many of m rows stay */
    bool by_score;       /* order of what stays: the lowest score first, special rows last */
    /* As in the authors' code: the lowest of windows is found on a grid that goes on from call to
     * call, rows go into whatever stands where their target stood, and earlier sizes count nothing.
     * by_score, and the host knows how many rows frames have. */
    bool released;
    const float *grid;   /* [side * side] copied; 1e9: never lowest, 3e38: was */
    float *grid_out;     /* what it is after the run; may be `grid` */
    int32_t side;
    /* Set by wn_build_ficoco_v(). */
    int32_t most;        /* rows that one may go into */
    wn_buf rank;         /* i32 [n] by score, in each frame the highest first */
    wn_buf to, value;    /* [n][most] most * the target before it is moved, and the softmax there */
};

/* Sets out. */
int wn_build_ficoco_v(struct wn_build *b, struct wn_ficoco_v *p);

#endif
