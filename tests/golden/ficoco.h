/* SPDX-License-Identifier: MIT */
/* One step of FiCoCo-V as the authors' code does it, over given logits. */
#ifndef WN_GOLDEN_FICOCO_H
#define WN_GOLDEN_FICOCO_H

#include "tests/golden/chain.h"

struct golden_ficoco {
    const float *logits; /* [n][n], CLS first */
    const float *data;   /* [n][dim] */
    int32_t n, dim, r;
    float *grid;         /* [side * side], goes on */
    int32_t side;
};

/* Runs it and compares: out.PREFIXorderSUFFIX, likewise targets and top_values. What is left, to be
 * destroyed; NULL: failed. */
struct wn_rows *golden_ficoco(struct golden_case *c, const struct golden_ficoco *step,
                              const char *prefix, const char *suffix);

#endif
