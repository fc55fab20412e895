/* SPDX-License-Identifier: MIT */
/* What a layer is made of, for graphs of the whole tower (vit_graph.c) and of parts of it
 * (vit_piece.c). Rows are [dim][tokens][n]: n sequences of as many tokens each. */
#ifndef WN_VIT_LAYER_H
#define WN_VIT_LAYER_H

#include <ggml.h>

#include "vit.h"

struct wn_vit_build {
    const struct wn_vit *vit;
    struct ggml_context *ctx;
    int64_t dim, heads, d_head;
};

void wn_vit_build_init(struct wn_vit_build *b, const struct wn_vit *vit, struct ggml_context *ctx);
int64_t wn_vit_padded(int64_t n); /* keys of a softmax row */
struct ggml_tensor *wn_vit_norm(const struct wn_vit_build *b, struct ggml_tensor *x,
                                const struct wn_vit_linear *ln);
/* Without its bias, and with it where there is one. */
struct ggml_tensor *wn_vit_product(const struct wn_vit_build *b, struct ggml_tensor *x,
                                   const struct wn_vit_linear *l);
struct ggml_tensor *wn_vit_linear(const struct wn_vit_build *b, struct ggml_tensor *x,
                                  const struct wn_vit_linear *l);
/* act(x + bias) */
struct ggml_tensor *wn_vit_act(const struct wn_vit_build *b, struct ggml_tensor *x,
                               struct ggml_tensor *bias, enum wn_vit_act kind);
/* Softmax of scaled logits plus mask, [keys, padded][queries][heads][n]; *logits not scaled. The
 * mask hides the padding; NULL where there is none. */
struct ggml_tensor *wn_vit_attention(const struct wn_vit_build *b, struct ggml_tensor *q,
                                     struct ggml_tensor *k, struct ggml_tensor *mask,
                                     struct ggml_tensor **logits);
/* Those rows times values: [dim][queries][n]. */
struct ggml_tensor *wn_vit_attend(const struct wn_vit_build *b, struct ggml_tensor *rows,
                                  struct ggml_tensor *v);
/* The tokens' columns of the first so many queries. */
struct ggml_tensor *wn_vit_corner(const struct wn_vit_build *b, struct ggml_tensor *x,
                                  int64_t tokens, int64_t queries);
/* The MLP of a layer with its norm, and x added. */
struct ggml_tensor *wn_vit_mlp(const struct wn_vit_build *b, const struct wn_vit_layer *w,
                               struct ggml_tensor *x);
/* What leads from features to projected rows. */
struct ggml_tensor *wn_vit_project(const struct wn_vit_build *b, struct ggml_tensor *x);

#endif
