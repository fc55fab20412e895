/* SPDX-License-Identifier: MIT */
/* A segment's frames through a tower of ours. */
#ifndef WN_VIT_FRAMES_H
#define WN_VIT_FRAMES_H

#include "vit_reduce.h"
#include "vit_shape.h"

struct wn_vit_encoder {
    struct wn_encoder base;
    struct wn_vit *vit;
    struct wn_pool *pool;
    struct wn_log *log;
    bool fast_resize;
    float *newline;        /* [out_dim] or NULL */
    struct wn_vit_shapes shapes;
};

/* struct wn_encoder.encode */
int wn_vit_encode(struct wn_encoder *encoder, struct wn_frame *const *frames, int n, bool video,
                  const struct wn_needs *needs, struct wn_rows **out);

/* ---- rows out of what the tower gave (vit_rows.c) ---- */

/* Frames of one call. Rows are filled in order: rows->n of them so far. */
struct wn_vit_job {
    struct wn_vit_encoder *enc;
    struct wn_frame *const *frames;
    int n;
    bool video;
    const struct wn_needs *needs;
    struct wn_reducer *reducer; /* NULL: every patch becomes a row */
    struct wn_rows *rows;
    int64_t uncompressed;       /* rows that frames before would have had */
    int64_t entries, room;      /* of W */
    int32_t attn_layer[WN_MAX_LAYERS], n_attn, keys_layer[WN_MAX_LAYERS], n_keys;
};

/* A few frames that go through the tower together. */
struct wn_vit_group_of {
    struct wn_vit_job *job;
    int first, n;
    int32_t tile0[65];        /* [n + 1] tiles before each frame */
    struct wn_vit_shape *shape[64];
    uint8_t *squares[64];     /* the tower's pictures, where patches may be skipped; else NULL */
    float *patches;           /* [tiles][n_patches][3 * patch * patch] */
    float *projected;         /* [tiles][n_patches][out_dim] */
    float *attn, *keys;       /* [layers][tiles] of a tap each */
    float *logits, *state;    /* [tiles] of a tap each, or NULL */
    uint8_t *enter;           /* [tiles][n_patches], or NULL: all */
    struct wn_vit_left left;  /* with a reducer */
    int64_t *column[64];      /* likewise: which uncompressed row each patch of a frame is, or -1 */
    int err[64];
};

/* Rows for `rows` rows at most, empty, with all taps. */
int wn_vit_job_rows(struct wn_vit_job *job, int64_t rows);
/* Appends the rows of frame i of the group. */
int wn_vit_give_rows(struct wn_vit_group_of *g, int i);

#endif
