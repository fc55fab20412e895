/* SPDX-License-Identifier: MIT */
/* Walks the header of a GGUF file before libggml or libmtmd see it. */
#ifndef WN_GGUF_CHECK_H
#define WN_GGUF_CHECK_H

#include "../pipeline/util.h"

/* Counts, lengths, types, names and places all have to fit each other and the file. WN_ERR_MODEL,
 * or WN_ERR_IO when the file cannot be read, with a sentence that names the field. Holds a few
 * words for each key and tensor that is really there, never what a count claims. */
int wn_gguf_check(const char *path, struct wn_log *log);

#endif
