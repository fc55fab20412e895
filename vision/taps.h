/* SPDX-License-Identifier: MIT */
/* Reads Q and K while libmtmd computes its graph, and makes attention rows and keys of them. */
#ifndef WN_TAPS_H
#define WN_TAPS_H

#include "trace.h"

/* What one libmtmd context calls back to. Modes cost nothing when off: no node is asked for. */
struct wn_hook {
    struct wn_trace *trace; /* not NULL: follow the graph instead of computing it */
    struct wn_taps *taps;   /* not NULL: read what it wants */
    int32_t node;           /* counted from the start of this graph */
};
bool wn_hook_eval(struct ggml_tensor *tensor, bool ask, void *hook); /* cb_eval */

struct wn_taps {            /* of one segment */
    struct wn_pool *pool;
    int32_t *attn_layer, n_attn, attn_heads; /* ascending */
    bool received;
    int32_t *keys_layer, n_keys, keys_heads, keys_dim;
    int32_t logits_layer;   /* -1: nobody asked */

    /* The chunk at hand: where its rows go. */
    const struct wn_graph_map *map;
    float *attn, *keys;     /* [n_rows][n_attn][attn_heads], [n_rows][n_keys][heads * dim] */
    float *logits;          /* [n_rows] */
    float *q, *k, *w;       /* scratch */
    size_t q_size, k_size, w_size;
    const struct ggml_tensor *first; /* of Q and K of a layer, the one that comes first */
    int err;
};

/* Which layers, given a map of this encoder's graph; WN_ERR_UNSUPPORTED with a sentence where
 * something cannot be read. *out NULL when nothing was asked for. */
int wn_taps_create(struct wn_taps **out, const struct wn_needs *needs,
                   const struct wn_encoder_info *info, const struct wn_graph_map *map,
                   struct wn_pool *pool, struct wn_log *log);
void wn_taps_destroy(struct wn_taps **taps);
/* Whether another chunk's graph has what taps want. */
int wn_taps_check(const struct wn_taps *taps, const struct wn_graph_map *map, struct wn_log *log);

#endif
