/* SPDX-License-Identifier: MIT */
/* Rows: the one type between pixels and text. A batch of frames, each a run of rows that the
 * language model can take, with what is known of every row. An encoder makes them, filters turn
 * them into fewer, the language model reads them. */
#ifndef WN_ROWS_H
#define WN_ROWS_H

#include "frame.h"

/* How the uncompressed rows of one frame stand in a prompt. Shared by all frames of a size. */
struct wn_layout {
    atomic_int refs;
    int32_t n_rows;         /* of one uncompressed frame */
    int32_t grid_h, grid_w; /* rows are cells of this grid, save those with pos -1, -1 */
    int32_t (*pos)[2];      /* [n_rows] row and column, or -1, -1 (CLS, newline, tile thumbnail) */
    int32_t (*mpos)[4];     /* [n_rows] M-RoPE t, y, x, z from the part's start; NULL: not M-RoPE */
    /* Pictures cut in tiles, beside a view of the whole. A tile may miss rows of its own grid where
     * padding was cut away. tile NULL: not cut. */
    int32_t *tile;            /* [n_rows] 0: the whole, then tiles in raster order; -1: newline */
    int32_t (*tile_pos)[2];   /* [n_rows] row and column in the tile's own grid; newline: -1, -1 */
    int32_t tiles_h, tiles_w; /* how many tiles */
    int32_t tile_h, tile_w;   /* the grid of one, and of the whole */
    int32_t n_parts;
    struct wn_layout_part { /* in order of the prompt: tokens, then rows */
        int32_t *tokens;    /* that the model wants before the rows: begin of image, tile break */
        int32_t n_tokens;
        int32_t row0, n_rows; /* may be empty (the last part: end of image) */
        int32_t n_pos;        /* how far this part's rows move the position: n_rows save M-RoPE */
        bool non_causal;      /* these rows attend to each other both ways */
    } * parts;
};
struct wn_layout *wn_layout_ref(struct wn_layout *layout);
void wn_layout_unref(struct wn_layout **layout);

struct wn_row_frame {
    int32_t index;  /* in the source, after frame filters, from 0 */
    int64_t number; /* of the decoded frame, see wn_frame */
    double time;
    int32_t scene;
    struct wn_layout *layout; /* a reference */
    struct wn_frame *picture; /* a reference, or NULL when nobody asked to keep it */
};

/* W as CSR over rows of the uncompressed segment: row i = sum over k in [ptr[i], ptr[i + 1]) of
 * weight[k] * uncompressed[idx[k]]. */
struct wn_sources {
    int32_t n, n_src; /* rows and columns of W */
    int32_t *ptr, *idx;
    float *weight;
    bool linear; /* false: weights only tell which rows went in */
};

struct wn_rows {
    int32_t n, dim;
    int32_t n_frames;
    int32_t
        *frame_ptr; /* [n_frames + 1]: frame f holds rows frame_ptr[f] .. frame_ptr[f + 1] - 1 */
    struct wn_row_frame *frames; /* [n_frames] */
    float *data;                 /* [n][dim] */
    int32_t *cell;               /* [n] which row of its frame's uncompressed rows it stands for */
    float *score;                /* [n] of the last scoring filter; NULL: none yet */
    float *size;                 /* [n] how many patches a row stands for; NULL: one each */
    struct wn_sources w;         /* w.ptr NULL: the identity */

    /* Taps of the encoder, a row each like data, so that selecting rows selects them too. */
    float *attn; /* [n][attn_layers][attn_heads] softmax attention, or NULL */
    int32_t attn_layers, attn_heads;
    int32_t *attn_layer; /* [attn_layers] which layer of the encoder, ascending */
    bool attn_received; /* no CLS query here: mean attention received in the last layer stands in */
    float *logits;      /* [n] CLS query times key, before the softmax, mean over heads, in the last
                           layer that can be read; or NULL */
    float *keys;        /* [n][keys_layers][keys_heads * keys_dim] raw keys, or NULL */
    int32_t keys_layers, keys_heads, keys_dim;
    int32_t *keys_layer;    /* [keys_layers] */
    float *mutual;          /* [n][mutual_width] a row's query times the keys of its frame's rows,
                               scaled, mean over heads: between layers of an encoder, or NULL */
    int32_t mutual_width;   /* rows of the longest frame */
    int32_t encoder_layers; /* L of the encoder, what Python-like layer numbers count from */
    float *global;          /* [n_frames][global_dim] a vector a frame: the pooling head or CLS
                               token gives it; NULL: the model has none, or nobody asked */
    int32_t global_dim;
    bool checked; /* wn_compressor_check() was content with all of it */
};

/* Everything but the taps is allocated (data, cell, frame_ptr, frames); NULL when out of memory. */
struct wn_rows *wn_rows_create(int32_t n, int32_t dim, int32_t n_frames);
void wn_rows_destroy(struct wn_rows **rows);
/* Everything, taps too; NULL when out of memory. */
struct wn_rows *wn_rows_copy(const struct wn_rows *rows);
/* Appends src's frames and rows to *dst (NULL: becomes src) and frees src. Shapes, taps and score
 * must agree (assert). *dst and *src are as they were on WN_ERR_NOMEM. */
int wn_rows_append(struct wn_rows **dst, struct wn_rows **src);
/* Rows of all frames as they came from an encoder that left none out: columns of W. */
int64_t wn_rows_uncompressed(const struct wn_rows *rows);
size_t wn_rows_bytes(const struct wn_rows *rows); /* data and taps */
/* The grid place of row i, -1, -1 for a row that stands for its whole frame. */
void wn_rows_pos(const struct wn_rows *rows, int32_t i, int32_t pos[2]);
int32_t wn_rows_frame_of(const struct wn_rows *rows,
                         int32_t i); /* f with frame_ptr[f] <= i < frame_ptr[f + 1] */

/* out = b x a: rows made of rows made of rows. a NULL or without ptr: the identity over b->n_src.
 * Entries of a row come in the order of b's entries, equal columns added. WN_ERR_NOMEM or WN_OK. */
int wn_sources_compose(struct wn_sources *out, const struct wn_sources *b,
                       const struct wn_sources *a);
void wn_sources_finish(struct wn_sources *w);

#endif
