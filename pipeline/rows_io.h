/* SPDX-License-Identifier: MIT */
/* Rows as bytes and back. What comes back is checked: no bytes can make rows that break what rows.h
 * promises. Pictures and what rows hold between an encoder's layers are left out. */
#ifndef WN_ROWS_IO_H
#define WN_ROWS_IO_H

#include "rows.h"

struct wn_bytes {
    uint8_t *data;
    size_t n, cap;
    size_t at;   /* read so far */
    bool failed; /* memory was short, or there was less than was read */
};
void wn_bytes_finish(struct wn_bytes *b);
void wn_bytes_put(struct wn_bytes *b, const void *data, size_t n);
/* Copies the next n bytes; zeros from where it failed. */
void wn_bytes_get(struct wn_bytes *b, void *data, size_t n);

/* `taps`: of the encoder, too; else data, places, scores, sizes and W. See wn_bytes.failed. */
void wn_rows_pack(struct wn_bytes *b, const struct wn_rows *rows, bool taps);
/* WN_ERR_DATA or WN_ERR_NOMEM where they are no rows; no sentence. */
int wn_rows_unpack(struct wn_rows **out, struct wn_bytes *b);
/* The frames alone, with how many rows each has: rows without data and cell. */
void wn_frames_pack(struct wn_bytes *b, const struct wn_row_frame *frames, const int32_t *frame_ptr,
                    int32_t n_frames);
int wn_frames_unpack(struct wn_rows **out, struct wn_bytes *b);

#endif
