/* SPDX-License-Identifier: MIT */
/* Our own vision tower in ggml: CLIP and SigLIP with the projectors of the LLaVA family, read from
 * the same GGUF that libmtmd takes. Pictures of a batch share one graph; graph and buffers are kept
 * while the batch and what is read stay the same. See docs/encoder.md. */
#ifndef WN_VIT_H
#define WN_VIT_H

#include <ggml-backend.h>

#include "../pipeline/encoder.h"

enum { WN_VIT_FEATURES = 8, WN_VIT_PINPOINTS = 64 };

enum wn_vit_act { WN_VIT_QUICK_GELU, WN_VIT_GELU_ERF, WN_VIT_GELU_TANH, WN_VIT_SILU };

/* How matrices are held. */
enum wn_vit_weights {
    WN_VIT_STORED, /* as the file has them */
    WN_VIT_F32,    /* widened: rows do not depend on how a library rounds activations */
    WN_VIT_Q8_0,   /* rounded while loading, save where rows are no multiple of 32 */
};

struct wn_vit_info {
    int32_t image_size, patch_size;
    int32_t side, n_patches;     /* patches along an edge, and of a picture */
    int32_t n_tokens;            /* with the CLS token, which is token 0 in everything read out */
    int32_t dim, ff, n_heads, n_layers;
    int32_t out_dim;             /* of a projected row; dim where the file has no projector */
    int32_t feature[WN_VIT_FEATURES]; /* hidden states that the projector takes, joined */
    int32_t n_features;
    int32_t depth;               /* layers that the projected rows need */
    float eps, mean[3], std[3];
    enum wn_vit_act act;
    bool cls, cls_last;          /* cls_last: of the position table, see key winnow.cls_layout */
    bool pre_ln, post_ln;
    int32_t pinpoint[WN_VIT_PINPOINTS][2], n_pinpoints; /* height, width of pictures cut in tiles */
    bool newline;                /* a learned row ends a line of tiles */
    bool unpad;                  /* rows of padding are left out (spatial_unpad) */
    char arch[32];
};

struct wn_vit_linear {
    struct ggml_tensor *w, *b;   /* b NULL: none */
    int64_t out;
    enum ggml_type packed;       /* Q8_0 or F16: w is bytes as vit_q8.h, vit_f16.h have them */
};

struct wn_vit_layer {
    struct wn_vit_linear ln1, ln2, q, k, v, out, up, down;
};

struct wn_vit_graph;
struct wn_vit_head;

enum { WN_VIT_HEAD_TENSORS = 11 };

struct wn_vit {
    struct wn_vit_info info;
    struct wn_vit_linear patch, pre_ln, post_ln, mm[2];
    struct ggml_tensor *cls, *position, *newline;
    struct ggml_tensor *head[WN_VIT_HEAD_TENSORS]; /* see vit_tensors.c; NULL: no pooling head */
    struct wn_vit_head *pooling; /* made of these; or NULL */
    int32_t patch_row;           /* floats of an unfolded patch, with padding */
    struct wn_vit_layer *layer;  /* [n_layers] */
    struct ggml_context *weights;
    ggml_backend_t backend;
    bool on_cpu;
    int n_threads;
    ggml_backend_buffer_t buffer;
    struct wn_vit_graph *graph;  /* the latest; NULL: none yet */
    struct ggml_gallocr *pieces; /* memory of graphs of a part of the tower (vit_piece.c) */
    struct wn_log *log;
};

struct wn_vit_params {
    const char *path;
    const char *lora; /* safetensors file of trained differences that are added; or NULL */
    enum wn_vit_weights weights;
    int n_threads;
    bool no_gpu;
    struct wn_log *log;
};

int wn_vit_open(struct wn_vit **out, const struct wn_vit_params *params);
void wn_vit_close(struct wn_vit **vit);
/* Whether wn_vit_open() would take this file, without reading its tensors: WN_OK, or an error with
 * the reason in why. Says nothing to any log. */
int wn_vit_probe(const char *path, struct wn_vit_info *info, char *why, size_t why_size);

/* ---- running (vit_run.c) ---- */

/* What a run can give, each [n pictures] of */
enum wn_vit_tap_kind {
    WN_VIT_HIDDEN,      /* [n_tokens][dim]: hidden state `layer`, 0 enters the first layer */
    WN_VIT_POST_LN,     /* [n_tokens][dim]: the last norm of hidden state `layer` */
    WN_VIT_QUERY,       /* [n_tokens][n_heads * d_head], not scaled */
    WN_VIT_KEY,
    WN_VIT_VALUE,
    WN_VIT_ATTN,        /* [n_heads][n_tokens][n_tokens] softmax */
    WN_VIT_CLS_ATTN,    /* [n_heads][n_tokens]: row of token 0 */
    WN_VIT_CLS_LOGITS,  /* the same before the softmax, scaled */
    WN_VIT_RECEIVED,    /* [n_heads][n_tokens]: mean over queries */
    WN_VIT_PROJECTED,   /* [n_patches][out_dim] */
    WN_VIT_FEATURE,     /* [n_patches][n_features * dim]: what the projector takes */
};

struct wn_vit_tap {
    enum wn_vit_tap_kind kind;
    int32_t layer;
    float *to;
};

/* patches: [n][n_patches][3][patch][patch], normalised. A layer beyond info.depth runs only when a
 * tap needs it, and of the deepest one no more than the tap needs. */
int wn_vit_run(struct wn_vit *vit, const float *patches, int n, const struct wn_vit_tap *tap,
               int n_taps);
/* Pictures whose attention of a layer stays below 32 MiB: more at once gains nothing. */
int wn_vit_batch(const struct wn_vit *vit);
/* Whether this device can compute every node. */
bool wn_vit_fits(const struct wn_vit *vit);
void wn_vit_graph_free(struct wn_vit_graph **graph);
/* The floats of a tap for one picture. */
size_t wn_vit_tap_size(const struct wn_vit_info *info, enum wn_vit_tap_kind kind);

/* y = act(x + b), for ggml_map_custom2 with the activation as user data (vit_act.c). Sums and exp
 * in f32; ggml's own go through tables of f16. */
void wn_vit_act_op(struct ggml_tensor *dst, const struct ggml_tensor *x,
                   const struct ggml_tensor *b, int ith, int nth, void *act);
/* Custom ops, too: rows of x [dim][tokens][n] cut in heads, with zeros up to dst's sizes, as
 * [d_head][tokens][heads][n] and as [tokens][d_head][heads][n]. */
void wn_vit_heads_op(struct ggml_tensor *dst, int ith, int nth, void *unused);
void wn_vit_channels_op(struct ggml_tensor *dst, int ith, int nth, void *unused);

#endif
