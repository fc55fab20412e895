/* SPDX-License-Identifier: MIT */
/* A part of the tower, over sequences that need not be of one length: from one point to another,
 * where point 2 l stands before layer l and 2 l + 1 between its attention and its MLP. */
#ifndef WN_VIT_PIECE_H
#define WN_VIT_PIECE_H

#include "vit.h"

/* Neighbouring sequences of the same shape. */
struct wn_vit_group {
    int32_t row0, tokens, n;
    int32_t cls0, n_cls; /* each has n_cls CLS tokens; in piece.cls from cls0 on */
    bool weighted;       /* sizes other than 1: attention adds their logarithms */
};

/* What is read of a layer, a row each; NULL: not. Attention of a sequence with several CLS tokens
 * is that of the row's own, piece.query. */
struct wn_vit_read {
    int32_t layer;
    float *keys;     /* [rows][dim] */
    float *attn;     /* [rows][heads] softmax row of CLS */
    float *received; /* [rows][heads] */
    float *logits;   /* [rows][heads] of CLS before the softmax, scaled */
    float *mutual;   /* [rows][width] */
    int32_t width;
};

struct wn_vit_piece {
    int32_t from, to;
    int32_t rows;
    const struct wn_vit_group *group;
    int32_t n_groups;
    const int32_t *cls;   /* [n_cls] rows of CLS tokens, sequence by sequence */
    int32_t n_cls;
    const int32_t *query; /* [rows] which of its sequence's CLS tokens a row belongs to; NULL: 0 */
    const float *size;    /* [rows], or NULL: ones, or they do not count */
    struct wn_vit_read *read;
    int32_t n_read;
    const float *in;      /* [rows][dim] */
    float *out;           /* the same, may be `in`; NULL: only what is read */
};
int wn_vit_piece_run(struct wn_vit *vit, const struct wn_vit_piece *piece);

/* The rows that enter the first layer: of n patches, [n][3 * patch * patch], at places `at` of
 * their pictures; and the one of CLS tokens, unless NULL. */
int wn_vit_embed(struct wn_vit *vit, const float *patches, const int32_t *at, int32_t n,
                 float *rows, float *cls);
/* out[rows][out_dim]; or the last norm, out[rows][dim]. */
int wn_vit_project_rows(struct wn_vit *vit, const float *in, int32_t rows, float *out);
int wn_vit_norm_rows(struct wn_vit *vit, const float *in, int32_t rows, float *out);

#endif
