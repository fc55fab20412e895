/* SPDX-License-Identifier: MIT */
/* Pieces that the selections share among themselves: common.c. */
#ifndef WN_LLM_PARTS_H
#define WN_LLM_PARTS_H

#include "compress/build.h"
#include "compress/llm_select.h"

/* Zeroed; the plan fails when it is NULL. Freed by the caller. */
int32_t *wn_kv_scratch(struct wn_kv *b, int64_t n);

/* The two halves of wn_kv_attention(). */
wn_buf wn_kv_logits(struct wn_kv *b, const struct wn_attend *a);
wn_buf wn_kv_soft(struct wn_kv *b, const struct wn_attend *a, wn_buf logits);
/* Its rows summed into the heads of k, weight [n_queries] or NULL. */
wn_buf wn_kv_columns(struct wn_kv *b, const struct wn_attend *a, wn_buf attention,
                     const float *weight);
wn_buf wn_kv_total(struct wn_kv *b, wn_buf x, int32_t n); /* sum of n floats: [1] */
wn_buf wn_kv_mix(struct wn_kv *b, wn_buf x, int32_t a, wn_buf z, int32_t b_z, int32_t c,
                 bool as_float, int32_t n);
/* flag ? value : x, of n elements. */
wn_buf wn_kv_where(struct wn_kv *b, wn_buf x, wn_buf flag, float value, int32_t n);
/* x[idx[i]] for i < ptr[n_ptr], rows of `width`, n at most. */
wn_buf wn_kv_index(struct wn_kv *b, wn_buf x, wn_buf idx, wn_buf ptr, int32_t n_ptr, int32_t n,
                   int32_t width);
/* idx and ptr of what picked->keep flags, where only the device knows how many. */
void wn_kv_compact(struct wn_kv *b, struct wn_picked *picked);
/* table[i] = value(i, arg) for i < n, owned by the plan. */
wn_buf wn_kv_table(struct wn_kv *b, int32_t n, int32_t (*value)(int32_t i, const void *arg),
                   const void *arg);
wn_buf wn_kv_repeat(struct wn_kv *b, int32_t n, int32_t size); /* i % size for i < n */
/* H2O's mask for the next query; *scored: the keys whose score stays. */
wn_buf wn_kv_next_mask(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score,
                       wn_buf *scored);

#endif
