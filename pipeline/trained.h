/* SPDX-License-Identifier: MIT */
/* Trained weights that stand beside a model, in a safetensors file. */
#ifndef WN_TRAINED_H
#define WN_TRAINED_H

#include "util.h"

struct wn_trained;

int wn_trained_open(struct wn_trained **out, const char *path, struct wn_log *log);
void wn_trained_close(struct wn_trained **trained);
/* Tensor `name`, of F32, F16 or BF16, as floats that the caller frees; in the file the name may
 * have a prefix that ends in a dot. shape [n_dims]: what it must be; a 0 may be any and becomes
 * what it is. What is missing, or not so, fails with a sentence. */
int wn_trained_get(const struct wn_trained *trained, const char *name, int n_dims, int64_t *shape,
                   float **out);

#endif
