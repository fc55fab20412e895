/* SPDX-License-Identifier: MIT */
/* LoRA of a tower, as TempMe trains it: for each layer A [r][dim] and B [3 dim][r], and the
 * matrices of queries, keys and values become W + B A. */
#ifndef WN_VIT_LORA_H
#define WN_VIT_LORA_H

#include "vit.h"

struct wn_vit_lora;

/* Of a safetensors file; a sentence where it does not have every layer of the tower. */
int wn_vit_lora_open(struct wn_vit_lora **out, const char *path, const struct wn_vit_info *m,
                     struct wn_log *log);
void wn_vit_lora_close(struct wn_vit_lora **lora);
/* Whether this tensor of a tower's file gets a part of it. lora NULL: none does. */
bool wn_vit_lora_has(const struct wn_vit_lora *lora, const char *tensor);
/* Adds that part to the tensor's rows, which stand `stride` floats apart. */
void wn_vit_lora_add(const struct wn_vit_lora *lora, const char *tensor, float *rows,
                     size_t stride);

#endif
