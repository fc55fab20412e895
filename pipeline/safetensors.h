/* SPDX-License-Identifier: MIT */
/* Reading safetensors files. What is read is checked whole before anything is used: header length
 * and nesting, no duplicate keys, offsets without holes or overlap, sizes equal to shape x dtype,
 * all of the file indexed. */
#ifndef WN_SAFETENSORS_H
#define WN_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ST_MAX_DIMS 8

struct st_tensor {
    char *name;
    char dtype[8];            /* "F32", "I32", ... */
    int n_dims;
    int64_t shape[ST_MAX_DIMS];
    int64_t n;                /* elements */
    size_t bytes;
    const void *data;         /* borrowed from the file */
};
struct safetensors {
    int n;
    struct st_tensor *tensor;
    int n_meta;               /* __metadata__, in the file's order */
    char **key, **value;
    void *map;                /* private */
    size_t map_size;
};

/* 0, or -1 with one sentence in why. */
int st_read(struct safetensors *out, const char *path, char *why, size_t why_size);
void st_free(struct safetensors *st);
const struct st_tensor *st_find(const struct safetensors *st, const char *name);
const char *st_meta(const struct safetensors *st, const char *key);

#endif
