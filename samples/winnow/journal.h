/* SPDX-License-Identifier: MIT */
/* A file of JSON lines that only grows, whatever kills its writer: a line stands there whole or not
 * at all. One process writes, kept alone by a lock. */
#ifndef WINNOW_JOURNAL_H
#define WINNOW_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct journal {
    int fd;
    int64_t size; /* of the whole lines */
    char *path;
};

enum { JOURNAL_LOCKED = 1 };

/* Opens or makes it, takes the lock (JOURNAL_LOCKED: another has it) and cuts off what a kill left
 * of a line. 0, or -1 with a sentence in why. */
int journal_open(struct journal *out, const char *path, char *why, size_t why_size);
/* Gives every line to `line`, which returns nonzero to stop. -1 with a sentence: a line that is
 * no object. */
int journal_read(const struct journal *journal, int (*line)(void *opaque, json_t *object),
                 void *opaque, char *why, size_t why_size);
/* Adds a line: on disk when this returns 0; on -1 (errno) the file is as it was. */
int journal_add(struct journal *journal, const json_t *object);
/* Rewrites it with the lines that `keep` wants; all stay when that fails. The lock stays. */
int journal_filter(struct journal *journal, bool (*keep)(const json_t *object), char *why,
                   size_t why_size);
void journal_close(struct journal *journal);

#endif
