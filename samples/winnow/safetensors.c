/* SPDX-License-Identifier: MIT */
#include "samples/winnow/safetensors.h"

#include <jansson.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reason {
    char *text;
    size_t size;
};

static int refuse(const struct reason *why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (why->text && why->size)
        vsnprintf(why->text, why->size, fmt, ap);
    va_end(ap);
    return -1;
}

static int dtype_bytes(const char *name)
{
    static const struct {
        const char *name;
        int bytes;
    } known[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2}, {"U8", 1}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!strcmp(known[i].name, name))
            return known[i].bytes;
    }
    return 0;
}

/* -1 where that is no tensor. */
static int64_t entry_bytes(const struct st_entry *t)
{
    int64_t bytes = dtype_bytes(t->dtype);

    if (!bytes || t->n_dims < 0 || t->n_dims > ST_MAX_DIMS)
        return -1;
    for (int d = 0; d < t->n_dims; d++) {
        if (t->shape[d] < 0 || (t->shape[d] && bytes > INT64_MAX / t->shape[d]))
            return -1;
        bytes *= t->shape[d];
    }
    return bytes;
}

struct st_writer {
    FILE *f;
    char *path, *part;
    uint64_t left; /* bytes of data still to come */
    bool failed;
    bool straight; /* the path is no regular file: written in place */
};

static json_t *tensor_entry(const struct st_entry *t, uint64_t *at, const struct reason *why)
{
    json_t *shape = json_array();
    const int64_t bytes = entry_bytes(t);

    if (bytes < 0) {
        json_decref(shape);
        refuse(why, "tensor \"%.64s\" cannot be written", t->name);
        return NULL;
    }
    for (int d = 0; d < t->n_dims; d++)
        json_array_append_new(shape, json_integer(t->shape[d]));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", t->dtype, "shape", shape,
                              "data_offsets", (json_int_t)*at, (json_int_t)(*at + (uint64_t)bytes));
    *at += (uint64_t)bytes;
    return entry;
}

static json_t *make_header(const struct st_entry *tensors, int n, const char *const *meta,
                           uint64_t *data_size, const struct reason *why)
{
    json_t *root = json_object(), *pairs = json_object();

    *data_size = 0;
    for (; meta && meta[0]; meta += 2) {
        if (json_object_set_new(pairs, meta[0], json_string(meta[1])) < 0) {
            refuse(why, "metadata \"%.64s\" is not UTF-8", meta[0]);
            goto fail;
        }
    }
    if (json_object_size(pairs))
        json_object_set(root, "__metadata__", pairs);
    for (int i = 0; i < n; i++) {
        json_t *entry;

        if (json_object_get(root, tensors[i].name)) {
            refuse(why, "tensor \"%.64s\" stands there twice", tensors[i].name);
            goto fail;
        }
        entry = tensor_entry(&tensors[i], data_size, why);
        if (!entry || json_object_set_new(root, tensors[i].name, entry) < 0)
            goto fail;
    }
    json_decref(pairs);
    return root;
fail:
    json_decref(pairs);
    json_decref(root);
    return NULL;
}

/* Spaces at the end bring the data to a multiple of 8. */
static int write_header(FILE *f, const char *json)
{
    const size_t n = strlen(json), padded = (n + 7) / 8 * 8;
    unsigned char head[8];

    for (int i = 0; i < 8; i++)
        head[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    if (fwrite(head, 1, 8, f) != 8 || fwrite(json, 1, n, f) != n)
        return -1;
    return fwrite("        ", 1, padded - n, f) == padded - n ? 0 : -1;
}

int st_write_begin(struct st_writer **out, const char *path, const struct st_entry *tensors, int n,
                   const char *const *meta, char *why_text, size_t why_size)
{
    const struct reason why = {why_text, why_size};
    struct st_writer *w = calloc(1, sizeof(*w));
    char *json = NULL;
    json_t *header = NULL;

    refuse(&why, "out of memory");
    if (!w)
        return -1;
    w->path = strdup(path);
    w->part = malloc(strlen(path) + sizeof(".part"));
    header = make_header(tensors, n, meta, &w->left, &why);
    json = header ? json_dumps(header, JSON_COMPACT) : NULL;
    if (!w->path || !w->part || !json)
        goto fail;
    /* What is no file (a device, a pipe) is written to, never replaced. */
    struct stat st;
    w->straight = !lstat(path, &st) && !S_ISREG(st.st_mode);
    snprintf(w->part, strlen(path) + sizeof(".part"), w->straight ? "%s" : "%s.part", path);
    w->f = fopen(w->part, "wb");
    if (!w->f) {
        refuse(&why, "cannot write %.200s: %s", w->part, strerror(errno));
        goto fail;
    }
    if (write_header(w->f, json) < 0) {
        refuse(&why, "cannot write %.200s: %s", w->part, strerror(errno));
        goto fail;
    }
    json_decref(header);
    free(json);
    *out = w;
    return 0;
fail:
    json_decref(header);
    free(json);
    st_write_abort(&w);
    return -1;
}

int st_write_data(struct st_writer *w, const void *data, size_t bytes)
{
    if (bytes > w->left || (bytes && fwrite(data, 1, bytes, w->f) != bytes))
        w->failed = true;
    else
        w->left -= bytes;
    return w->failed ? -1 : 0;
}

int st_write_end(struct st_writer **pw)
{
    struct st_writer *w = *pw;
    bool bad = w->failed || w->left;

    bad |= fclose(w->f) != 0;
    w->f = NULL;
    bad = bad || (!w->straight && rename(w->part, w->path));
    if (bad && !w->straight)
        remove(w->part);
    st_write_abort(pw);
    return bad ? -1 : 0;
}

void st_write_abort(struct st_writer **pw)
{
    struct st_writer *w = *pw;

    if (!w)
        return;
    if (w->f) {
        fclose(w->f);
        if (!w->straight)
            remove(w->part);
    }
    free(w->path);
    free(w->part);
    free(w);
    *pw = NULL;
}
