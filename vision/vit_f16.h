/* SPDX-License-Identifier: MIT */
/* Products with f16 weights on processors with AVX-512: the weights of 32 outputs side by side,
 * activations and sums in f32. ggml's own round activations to f16 first. */
#ifndef WN_VIT_F16_H
#define WN_VIT_F16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ggml.h>

bool wn_vit_f16_runs(void);
size_t wn_vit_f16_size(int64_t in, int64_t out); /* bytes; outputs are filled up with zeros */
void wn_vit_f16_pack(void *packed, const void *rows, int64_t in, int64_t out); /* rows [out][in] */
/* dst [out][...] = weights (packed) * x [in][...]; a ggml_custom_op_t with sources packed, x. */
void wn_vit_f16_op(struct ggml_tensor *dst, int ith, int nth, void *unused);

#endif
