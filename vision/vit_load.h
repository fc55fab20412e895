/* SPDX-License-Identifier: MIT */
/* A tower's file while it is read. */
#ifndef WN_VIT_LOAD_H
#define WN_VIT_LOAD_H

#include <gguf.h>

#include "vit_lora.h"

struct wn_vit_entry {
    struct ggml_tensor *to;
    int64_t id;          /* of the tensor in the file; -1: zeros */
    int64_t row;         /* floats of a row in the file */
    int64_t rows;        /* of a packed matrix; 0: it is not packed */
    enum ggml_type packed; /* Q8_0 (vit_q8.h) or F16 (vit_f16.h) */
};

struct wn_vit_file {
    const char *path;
    struct gguf_context *gguf;
    struct wn_vit_entry *entry;
    int n_entries;
    struct wn_vit_lora *lora; /* is added to what is read; or NULL */
    char why[640];       /* the first thing that is wrong */
    bool why_names_file;
};

int wn_vit_bad(struct wn_vit_file *f, int err, const char *fmt, ...) WN_PRINTF(3, 4);
/* Checks the whole header and reads the keys. Errors are in f->why; close in any case. */
int wn_vit_file_open(struct wn_vit_file *f, const char *path, struct wn_vit_info *m);
/* Trained differences, for a file that is open: wn_vit_fill() adds them. */
int wn_vit_file_lora(struct wn_vit_file *f, const char *path, const struct wn_vit_info *m);
void wn_vit_file_close(struct wn_vit_file *f);

/* ---- tensors (vit_tensors.c) ---- */

/* Makes vit's tensors, without memory, and checks the file's against them. */
int wn_vit_define(struct wn_vit_file *f, struct wn_vit *vit, enum wn_vit_weights weights);
/* Reads them into the buffer that they have by now. */
int wn_vit_fill(struct wn_vit_file *f, const struct wn_vit *vit);

#endif
