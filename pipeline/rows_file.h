/* SPDX-License-Identifier: MIT */
/* Rows from a file of tensors, which anybody may have written: sizes, places, positions and numbers
 * are checked, and no file makes rows that break what rows.h promises. */
#ifndef WN_ROWS_FILE_H
#define WN_ROWS_FILE_H

#include "rows.h"

/* What the language model takes. */
struct wn_rows_want {
    int32_t dim, n_vocab;
    bool mrope;
    const char *model; /* its file; NULL: any */
};

struct wn_rows_file {
    struct wn_rows *rows;
    struct wn_rows *before; /* the frames with how many rows they had, as wn_frames_unpack() */
    double duration;        /* of the video; 0: not known */
    bool video;
};

/* One sentence names what is wrong. Frees nothing of *out on failure: it is left alone. */
int wn_rows_file_read(struct wn_rows_file *out, const char *path, const struct wn_rows_want *want,
                      struct wn_log *log);

#endif
