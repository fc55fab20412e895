/* SPDX-License-Identifier: MIT */
/* How a token filter writes its plan. */
#ifndef WN_BUILD_H
#define WN_BUILD_H

#include "../pipeline/compressor.h"
#include "kernels.h"
#include "plan.h"

/* Rows inside a plan. Buffers have a row's worth of elements a row, so that one list of indices
 * selects them all. */
struct wn_view {
    int32_t n;            /* most rows; exact when count is set */
    const int32_t *count; /* [n_frames] rows of each frame; NULL: only the device knows */
    int32_t n_frames, dim;
    wn_buf ptr;           /* i32 [n_frames + 1] */
    wn_buf cell;          /* i32 [n] */
    wn_buf data;          /* f32 [n][dim] */
    wn_buf score;         /* f32 [n], or WN_NONE */
    wn_buf attn, keys;    /* see wn_rows, or WN_NONE */
};

/* What build() gets and gives. Whatever it allocates through here lives as long as the plan. */
struct wn_build {
    struct wn_plan *plan;
    const struct wn_rows *rows; /* shapes, layers and frames of the segment; not its row counts */
    struct wn_view in;
    struct wn_view out;         /* starts as `in`; build() replaces what changes */
    /* out = W x in, in CSR; w_ptr WN_NONE: out row r is in row `base[r]`. */
    wn_buf base;                /* i32 [out.n] the in row that an out row stands for */
    wn_buf w_ptr, w_idx, w;
    struct wn_log *log;
};

struct wn_token_ops {
    /* Which taps, given the encoder; or NULL. */
    int (*needs)(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log);
    int (*build)(void *priv, struct wn_build *b);
};

/* ---- pieces that many filters share ---- */

/* CLS score of every row: layers [first, end) of the encoder in Python's slice rules, summed over
 * layers, heads averaged or summed. */
wn_buf wn_build_cls_score(struct wn_build *b, int32_t first, int32_t end, bool mean);
/* table[m] = wn_keep(keep, m) for m in 0 .. n: what `cut` and `spread` read. */
wn_buf wn_build_keep_table(struct wn_build *b, double keep);

enum wn_order { WN_RASTER, WN_BY_RANK };
struct wn_select {
    wn_buf key;          /* f32 [n] */
    bool ascending;      /* the lowest keys stay */
    wn_buf table;        /* how many of m stay */
    bool global;         /* over the whole segment, not frame by frame */
    const bool *whole;   /* [n_frames] these frames stay whole (frame by frame only); or NULL */
    enum wn_order order; /* inside a frame */
    const int32_t *count; /* [n_frames] what stays of each frame, where the host knows; copied */
    int32_t n_out;       /* most rows that can stay */
};
/* Keeps rows by key: sets out and base, takes data, cell, score and taps along. */
void wn_build_select(struct wn_build *b, const struct wn_select *s);
/* Like that from flags: keep i32 [n], ascending. */
void wn_build_compact(struct wn_build *b, wn_buf keep, const int32_t *count, int32_t n_out);
/* out = CSR x in; cell, score and taps follow base. */
void wn_build_combine(struct wn_build *b, wn_buf base, wn_buf w_ptr, wn_buf w_idx, wn_buf w,
                      wn_buf out_ptr, const int32_t *count, int32_t n_out);
wn_buf wn_build_ints(struct wn_build *b, const char *name, const int32_t *v, int64_t n); /* owned */

#endif
