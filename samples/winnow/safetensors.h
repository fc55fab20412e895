/* SPDX-License-Identifier: MIT */
/* Writing safetensors files: tensors whose data may come in pieces (a long video's rows are not
 * held twice). The file is made as PATH.part and renamed by st_write_end(). */
#ifndef WINNOW_SAFETENSORS_H
#define WINNOW_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#define ST_MAX_DIMS 8

struct st_entry {
    const char *name;
    const char *dtype;        /* "F32", "I32", ... */
    int n_dims;
    int64_t shape[ST_MAX_DIMS];
};

/* 0, or -1 with one sentence in why. */
struct st_writer;
int st_write_begin(struct st_writer **out, const char *path, const struct st_entry *tensors, int n,
                   const char *const *meta /* key, value, ..., NULL */, char *why, size_t why_size);
int st_write_data(struct st_writer *w, const void *data, size_t bytes); /* in the tensors' order */
int st_write_end(struct st_writer **w);   /* 0 or -1; frees w; removes the .part file on failure */
void st_write_abort(struct st_writer **w);

#endif
