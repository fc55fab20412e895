/* SPDX-License-Identifier: MIT */
/* Checks of a GGUF header before llama.cpp loads the file: it trusts what this refuses. */
#ifndef WN_LLM_HEADER_H
#define WN_LLM_HEADER_H

#include <gguf.h>

#include "../pipeline/util.h"

struct wn_header {
    struct gguf_context *gguf;
    const char *path;
    char name[96]; /* of the file, printable: messages start with it */
    const char *arch;
    struct wn_log *log;
};
/* Typed look-ups that say what is wrong. Absent: WN_EOF, or an error when required. */
int wn_header_uint(const struct wn_header *h, const char *key, bool required, uint64_t max,
                   uint64_t *out);
int wn_header_array(const struct wn_header *h, const char *key, enum gguf_type type, bool required,
                    int64_t *id, size_t *n);
/* The tokeniser's arrays: types, lengths, doubles, bytes that could not be written. */
int wn_header_check_vocab(const struct wn_header *h);

#endif
