/* SPDX-License-Identifier: MIT */
/* Products with Q8_0 weights on processors that multiply bytes (AVX-512 VNNI): the weights of 16
 * outputs side by side, so that one instruction does 64 products. The numbers are Q8_0's: 32 bytes
 * a scale, for weights and, rounded while they come, for activations; sums are whole numbers within
 * 32 and f32 beyond. Elsewhere ggml's own products do the same with the file's layout. */
#ifndef WN_VIT_Q8_H
#define WN_VIT_Q8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ggml.h>

/* Whether this processor has what it takes. */
bool wn_vit_q8_runs(void);
/* Bytes of a packed matrix; any sizes, filled up with zeros. */
size_t wn_vit_q8_size(int64_t in, int64_t out);
/* From rows of Q8_0: row r begins at rows + r * row_bytes; `in` a multiple of 32. */
void wn_vit_q8_pack(void *packed, const void *rows, size_t row_bytes, int64_t in, int64_t out);
/* dst [out][...] = weights (packed) * x [in][...]; a ggml_custom_op_t with sources packed, x. */
void wn_vit_q8_op(struct ggml_tensor *dst, int ith, int nth, void *unused);

#endif
