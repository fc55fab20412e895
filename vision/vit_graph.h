/* SPDX-License-Identifier: MIT */
/* The graph of a batch: built once for a number of pictures and a list of taps, then computed for
 * every batch of that kind. */
#ifndef WN_VIT_GRAPH_H
#define WN_VIT_GRAPH_H

#include <ggml-alloc.h>
#include <ggml.h>

#include "vit.h"

struct wn_vit_graph {
    int n, n_taps;
    struct wn_vit_tap *tap;
    struct ggml_tensor **out;     /* [n_taps] */
    struct ggml_tensor *patches, *mask;
    struct ggml_context *ctx;
    struct ggml_cgraph *graph;
    ggml_gallocr_t memory;
};

/* Without memory for what it computes. WN_OK or WN_ERR_NOMEM. */
int wn_vit_graph_build(struct wn_vit_graph **out, const struct wn_vit *vit, int n,
                       const struct wn_vit_tap *tap, int n_taps);

#endif
