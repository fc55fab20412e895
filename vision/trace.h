/* SPDX-License-Identifier: MIT */
/* Follows patches through a vision graph, without computing it: which patches does each output row
 * stand for, which rows does attention see, and which nodes hold Q and K. Nothing is taken from a
 * model's name, so a graph that changes with the library's version is followed as it is; what
 * cannot be followed is said to be unknown. */
#ifndef WN_TRACE_H
#define WN_TRACE_H

#include <ggml.h>

#include "../pipeline/encoder.h"

struct wn_attention {        /* one self-attention, in order of the graph */
    int32_t q_node, k_node;  /* counted as the scheduler asks for them */
    int32_t key_node;        /* K before rotary positions: what keys are read from */
    int32_t n, heads, kv_heads, d_head;
    float scale;
    bool masked;             /* by a mask or sinks: its rows cannot be told from Q and K */
};

struct wn_graph_map {        /* of one image chunk */
    int32_t n_rows;          /* of the output */
    int32_t n_layers;
    struct wn_attention layer[WN_MAX_LAYERS];
    int32_t n_tokens;        /* rows inside the tower; 0: not known */
    int32_t cls;             /* which of them is the CLS token; -1: none */
    bool known;              /* ptr and idx are set */
    int32_t *ptr, *idx; /* output row -> rows inside the tower, ascending; none: learned rows */
    int32_t patch_h, patch_w; /* 0: not known */
    int32_t lost;            /* patches in no output row */
    int32_t grid_h, grid_w;  /* of the output rows; 0: they are no grid */
    int32_t (*pos)[2];       /* [n_rows] */
    bool cls_row;            /* some output row stands for CLS alone */
    float seen[4];           /* input pixels that are no padding: the first and last red in a row,
                              * the first and last green in a column; all 0: not known */
    float edge[4];           /* the same, carried on to the edges of the input */
};
void wn_graph_map_destroy(struct wn_graph_map **map);

struct wn_trace;

struct wn_trace *wn_trace_create(void);
/* One node, in the order the scheduler asks; also marks it as not to be computed. */
void wn_trace_node(struct wn_trace *trace, struct ggml_tensor *node);
/* After the last node. Ends the trace also on failure. */
int wn_trace_finish(struct wn_trace **trace, struct wn_graph_map **out);

#endif
