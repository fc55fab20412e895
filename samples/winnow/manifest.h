/* SPDX-License-Identifier: MIT */
/* What a batch works on: a folder's videos, or a file with a line each. */
#ifndef WINNOW_MANIFEST_H
#define WINNOW_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>
#include <jansson.h>

struct item {
    char *id, *path;
    double start, end;       /* seconds; end 0: to its end */
    char *question, *prompt; /* NULL: the command line's */
    json_t *meta;            /* copied into the record, or NULL */
    int64_t bytes;           /* of the file; 0: not known */
    int crashes;             /* of workers that had it */
    bool done;
};

struct manifest {
    struct item *item; /* in order of the file, or of the names in a folder */
    int64_t n, cap;
    struct item **by_id; /* [n] sorted; made by manifest_read() */
};

/* A folder is searched through for files with a video's ending. In a file a line is a path, or an
 * object with "path" and perhaps "id", "start", "end", "question", "prompt" and "meta"; paths begin
 * at its folder, and an id that is not given is the path as it stands there. 0, or -1 with a
 * sentence in why. Free it in any case. */
int manifest_read(struct manifest *out, const char *path, char *why, size_t why_size);
/* Keeps the items whose hash says shard `index` of `count`. */
void manifest_take_shard(struct manifest *manifest, int index, int count);
struct item *manifest_find(const struct manifest *manifest, const char *id);
void manifest_free(struct manifest *manifest);

#endif
