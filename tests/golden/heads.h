/* SPDX-License-Identifier: MIT */
/* Plans of the language side's selections, run on a case's tensors. */
#ifndef WN_GOLDEN_HEADS_H
#define WN_GOLDEN_HEADS_H

#include "compress/llm_select.h"
#include "tests/golden/golden.h"

/* Begins a plan; golden_end() runs and frees it. False: the case failed. */
bool golden_begin(struct golden_case *c, struct wn_kv *b);
bool golden_end(struct golden_case *c, struct wn_kv *b);
/* n elements of buf after golden_end(), zeros for WN_NONE; they live as long as the case. */
void *golden_out(struct golden_case *c, struct wn_kv *b, wn_buf buf, int64_t n);
/* Tensor `name` of shape [..][heads][n][dim] as an input. */
struct wn_heads golden_heads(struct golden_case *c, struct wn_kv *b, const char *name);
/* Of x [heads][n][dim] rows [first, first + count) of each head. NULL: failed. */
float *golden_rows_of(struct golden_case *c, const float *x, int32_t heads, int32_t n, int32_t dim,
                      int32_t first, int32_t count);
struct wn_heads golden_input(struct wn_kv *b, const float *x, int32_t heads, int32_t n,
                             int32_t dim);
/* attention f32 [heads][n_queries][v.n] times v: [heads][n_queries][dim]. */
wn_buf golden_attend(struct golden_case *c, struct wn_kv *b, wn_buf attention, int32_t heads,
                     int32_t n_queries, struct wn_heads v);
/* Rows head * n + key as keys. */
int32_t *golden_keys(struct golden_case *c, const int32_t *row, int64_t count, int32_t n);

#endif
