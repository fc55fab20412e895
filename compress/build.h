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
    int32_t most;         /* rows of a frame where `count` is NULL; 0: as its layout has */
    int32_t n_frames, dim;
    wn_buf ptr;           /* i32 [n_frames + 1] */
    wn_buf cell;          /* i32 [n] */
    wn_buf data;          /* f32 [n][dim] */
    wn_buf score;         /* f32 [n], or WN_NONE */
    wn_buf size;          /* f32 [n] patches that a row stands for, or WN_NONE: one each */
    wn_buf attn, keys, logits; /* see wn_rows, or WN_NONE */
    wn_buf mutual;        /* f32 [n][rows->mutual_width]; of a cut's first filter alone */
};

/* How much of the products of rows with rows a plan stores; see products.h. */
#define WN_MATRIX_MOST 2048
struct wn_limits {
    int32_t rows;     /* of a frame, for all of them to be stored */
    int64_t elements; /* of a buffer */
};

/* What build() gets and gives. Whatever it allocates through here lives as long as the plan. */
struct wn_build {
    struct wn_plan *plan;
    const struct wn_rows *rows; /* shapes, layers and frames of the segment; not its row counts */
    bool cls_row;               /* rows at -1, -1 are the projected CLS token */
    bool need_attn, need_keys, need_logits; /* a later filter reads these taps: take them along */
    const char *filter;         /* name, for sentences */
    const struct wn_cut *cut;   /* of this filter, at the encoder place; NULL: the token place */
    struct wn_view in;
    struct wn_view out;         /* starts as `in`; build() replaces what changes */
    /* out = W x in, in CSR; w_ptr WN_NONE: out row r is in row base[r]; base WN_NONE: out is in. */
    wn_buf base;                /* i32 [out.n] the in row that an out row stands for */
    wn_buf w_ptr, w_idx, w;
    struct wn_limits limits;
    struct wn_log *log;
    int (*next)(struct wn_build *b); /* of wn_build_next() */
    void *stages;
};

struct wn_token_ops {
    /* Which taps, given the encoder; or NULL. */
    int (*needs)(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log);
    int (*build)(void *priv, struct wn_build *b);
};

/* What a filter does between the layers of an encoder. */
struct wn_cuts {
    struct wn_cut *cut;
    int n;
    bool proportional; /* see struct wn_reducer */
    int32_t frames;
    double skip;
};

struct wn_encoder_ops {
    /* Adds its cuts, in order of their points; priv may keep what build() needs at each. */
    int (*cuts)(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log);
    /* Once a cut and batch; b->cut tells which. Taps have one layer. Rows of CLS tokens stay, and
     * never merge with others. */
    int (*build)(void *priv, struct wn_build *b);
};
int wn_cuts_add(struct wn_cuts *cuts, struct wn_cut cut); /* WN_OK or WN_ERR_NOMEM */

/* Records a call of kernel `name`: params, then its buffers in order. */
#define WN_CALL(b, name, params, ...) \
    wn_plan_call((b)->plan, &wn_kernel_##name, params, (const wn_buf[]){__VA_ARGS__})

/* ---- taps ---- */

/* Layers [first, end) of an encoder with this many, in Python's slice rules, brought into range;
 * never empty: at least the layer before `end`. */
void wn_layer_slice(int32_t n_layers, int32_t first, int32_t end, int32_t *from, int32_t *to);
/* Asks for the CLS rows of that slice, or for what stands in for them. */
void wn_need_cls(struct wn_needs *needs, const struct wn_encoder_info *info, int32_t first,
                 int32_t end);
/* CLS score of every row: that slice, summed over layers, heads averaged or summed. Without a CLS
 * token: attention received. Where the CLS token itself has a row, `cls` is its score. */
wn_buf wn_build_cls_score(struct wn_build *b, int32_t first, int32_t end, bool mean, float cls);
/* Asks for the keys of the layer that features come from (without a CLS token: the last one). */
void wn_need_keys(struct wn_needs *needs, const struct wn_encoder_info *info);
/* Them, mean over heads: f32 [n][*dim]; without keys the rows themselves. */
wn_buf wn_build_keys(struct wn_build *b, int32_t *dim);
/* A stage after which rows of patches are left, none of the CLS token. */
int wn_build_patches(struct wn_build *b);

/* ---- tables and lists ---- */

wn_buf wn_build_ints(struct wn_build *b, const char *name, const int32_t *v, int64_t n); /* owned */
/* The same, to be read on the host; lives as long as the plan, NULL after a failure. */
const int32_t *wn_build_keep_ints(struct wn_build *b, const int32_t *v, int64_t n);
/* Zeroed; the plan fails when it is NULL. Freed by the caller. */
int32_t *wn_build_scratch(struct wn_build *b, int64_t n);
/* table[m] for m in 0 .. in.n: how many of m rows stay; what `cut` and `spread` read. */
wn_buf wn_build_table(struct wn_build *b, int32_t (*stay)(int32_t m, const void *arg),
                      const void *arg);
wn_buf wn_build_keep_table(struct wn_build *b, double keep); /* wn_keep(keep, m) */
/* How many rows of each frame stay by such a table. Sets *n_out to all of
 * them. NULL and in.n where the host does not know how many rows a frame has. mode as in struct
 * wn_select. */
const int32_t *wn_build_counts(struct wn_build *b, wn_buf table, const int32_t *mode,
                               int32_t *n_out);
wn_buf wn_build_fill(struct wn_build *b, int32_t value); /* i32 [n] */
/* value(layout, cell, arg) of every row's cell. */
wn_buf wn_build_lookup(struct wn_build *b,
                       int32_t (*value)(const struct wn_layout *layout, int32_t cell, void *arg),
                       void *arg);
wn_buf wn_build_mix(struct wn_build *b, wn_buf x, int32_t a, wn_buf z, int32_t b_z, int32_t c,
                    bool as_float);
/* Beginnings of frames as those of one segment that holds them all: [2]. */
wn_buf wn_build_ends(struct wn_build *b, wn_buf ptr);
wn_buf wn_build_whole_ptr(struct wn_build *b); /* of in.ptr */
/* offset + scale * cos(row, the row with its cell in frame ref[f]), ref [n_frames]; `none` where
 * there is no such row. f32 [n]. */
wn_buf wn_build_pair_cos(struct wn_build *b, const int32_t *ref, float offset, float scale,
                         float none);

/* Rows that a frame can have at most. */
int32_t wn_build_most(const struct wn_build *b);
wn_buf wn_build_unit(struct wn_build *b, wn_buf x, int32_t dim); /* rows of x, f32 [n][dim] */
/* What searches take that need few of the cosines: them, and *dim 0; or, where they may not stand
 * in a buffer, unit rows and *dim of those. */
wn_buf wn_build_likeness(struct wn_build *b, int32_t *width, int32_t *dim);

wn_buf wn_build_zeros(struct wn_build *b, int64_t n); /* i32 [n], owned */
wn_buf wn_build_frame_numbers(struct wn_build *b);    /* i32 [n_frames] in the source */
wn_buf wn_build_rank(struct wn_build *b, wn_buf key); /* in each frame, the largest first */
wn_buf wn_build_frame_means(struct wn_build *b);      /* f32 [n_frames][dim] */

/* ---- rows in, rows out ---- */

/* The last of each frame's `parts`, of `most` rows, comes a second time. *ptr: where parts begin,
 * then one more. */
void wn_build_repeat(struct wn_build *b, int32_t parts, int32_t most, wn_buf *ptr);
/* Ends a stage of a filter that makes rows of rows: `out` becomes `in`, and W starts anew. */
int wn_build_next(struct wn_build *b);

enum wn_order { WN_RASTER, WN_BY_RANK };
struct wn_select {
    wn_buf key;          /* f32 [n] */
    bool ascending;      /* the lowest keys stay */
    wn_buf table;        /* how many of m stay */
    bool global;         /* over the whole segment, not frame by frame */
    const int32_t *mode; /* [n_frames] 0: by key, 1: stays whole, -1: goes (frame by frame only); or
                            NULL; copied */
    enum wn_order order; /* inside a frame; WN_BY_RANK frame by frame only */
};
/* The flags alone, i32 [n]; and the ranks and modes that led to them. */
wn_buf wn_build_cut(struct wn_build *b, const struct wn_select *s, wn_buf *rank, wn_buf *mode);
/* Keeps rows by key: sets out and base, takes data, cell, score and taps along. */
void wn_build_select(struct wn_build *b, const struct wn_select *s);
/* Keeps the rows that a greedy search took: rank [n] is the step, table how many steps. The earlier
 * one was taken, the higher its score; paper: in that order, not as they stood. */
void wn_build_take_steps(struct wn_build *b, wn_buf rank, wn_buf table, bool paper);

/* Rows that stay, as flags. */
struct wn_list {
    wn_buf keep;          /* i32 [n] */
    wn_buf rank, mode;    /* order inside a frame as of the kernel `compact`; WN_NONE: ascending */
    const int32_t *count; /* [n_frames] how many of each frame, where the host knows; or NULL */
    int32_t n_out;        /* most rows that can stay */
    int32_t most;         /* of a frame, where that is more than came in */
    bool across;          /* rows may join one of another frame (wn_build_merge) */
    int32_t parts;        /* of a frame, each in the order of rank and mode; 0: frames are whole */
    wn_buf ptr;           /* i32 [parts * n_frames + 1] where they begin */
    wn_buf *out_ptr;      /* set to where they begin among the kept rows, unless NULL */
};
/* Sets out, save data, and base: rows idx, with cell, score and taps; see made.h. */
void wn_build_carry(struct wn_build *b, const struct wn_list *list, wn_buf out_ptr, wn_buf idx);
/* Sets out and base, takes data, cell, score and taps along. */
void wn_build_compact(struct wn_build *b, const struct wn_list *list);
/* Sets out save data, and base, which it returns. */
wn_buf wn_build_list(struct wn_build *b, const struct wn_list *list);
/* Like wn_build_compact(), but every row i joins the kept row to[i] of its frame (WN_NONE: none):
 * data becomes W x in, sizes add up. A kept row that c others join has weight share(c, true), they
 * share(c, false). */
void wn_build_merge(struct wn_build *b, const struct wn_list *list, wn_buf to,
                    float (*share)(int32_t c, bool first));
/* The same with weights by size: a row of s patches counts s times. Rows without sizes get them. */
void wn_build_merge_sized(struct wn_build *b, const struct wn_list *list, wn_buf to);
/* W x x, for what stands beside the rows: f32 [out.n][dim]. */
wn_buf wn_build_combine(struct wn_build *b, wn_buf x, int32_t dim);

#endif
