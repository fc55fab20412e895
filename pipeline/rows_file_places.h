/* SPDX-License-Identifier: MIT */
/* Between rows_file.c and rows_file_places.c: the tensors of a file of rows. */
#ifndef WN_ROWS_FILE_PLACES_H
#define WN_ROWS_FILE_PLACES_H

#include "rows.h"

struct wn_rows_tensors {
    char name[256]; /* of the file, printable */
    struct wn_log *log;
    int32_t n, dim, n_frames, n_parts, n_glue;
    int64_t n_sources;
    float *data;     /* [n][dim] */
    int32_t *pos;    /* [n], or [4][n] with M-RoPE */
    int32_t *frame, *cell;
    int16_t *row, *col;
    float *score;    /* or NULL */
    int64_t *ptr, *idx; /* W */
    float *weight;
    double *time;    /* [n_frames], as what follows */
    int64_t *number;
    int32_t *scene, *grid;
    int64_t *row0;   /* [n_frames + 1] */
    int32_t *part;   /* [n_parts][6]: frame, row0, n_rows, n_pos, non_causal, n_tokens */
    int32_t *glue;   /* tokens of the parts, one after the other */
};

/* The layout of each frame, once everything but parts and positions was checked: frames that stand
 * alike share one. *out is set on failure too; it and its references are the caller's to free. */
int wn_rows_places(const struct wn_rows_tensors *f, int32_t n_vocab, bool mrope,
                   struct wn_layout ***out);

#endif
