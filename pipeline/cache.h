/* SPDX-License-Identifier: MIT */
/* Files under a folder, found by key: made beside under another name and renamed when whole,
 * read only when every checksum is right, the least recently used ones removed where they take more
 * than they may. Several processes may share the folder. */
#ifndef WN_CACHE_H
#define WN_CACHE_H

#include "rows_io.h"

struct wn_key {
    uint64_t low, high;
};
/* Takes more into account; a key of zeros is the beginning. */
void wn_key_add(struct wn_key *key, const void *data, size_t n);
void wn_key_add_text(struct wn_key *key, const char *text); /* NULL is none */
/* A file's size, time of change, and bytes from its head, its tail and between: not its name.
 * WN_ERR_IO, and the key as it was, where it is no regular file that can be read. */
int wn_key_add_file(struct wn_key *key, const char *path);

/* Records are bytes with a tag, in order. */
struct wn_cache_writer;
/* `about` tells people what it is. */
int wn_cache_create(struct wn_cache_writer **out, const char *folder, const struct wn_key *key,
                    const char *about);
int wn_cache_put(struct wn_cache_writer *writer, uint32_t tag, const struct wn_bytes *bytes);
int64_t wn_cache_written(const struct wn_cache_writer *writer);
/* Gives it its name, then removes others while all take more than most_bytes. */
int wn_cache_commit(struct wn_cache_writer **writer, int64_t most_bytes);
void wn_cache_drop(struct wn_cache_writer **writer);

struct wn_cache_reader;
/* WN_EOF: it is not there, or it was damaged and is now removed. Counts as used. */
int wn_cache_find(struct wn_cache_reader **out, const char *folder, const struct wn_key *key);
/* The next record: WN_OK, WN_EOF, or WN_ERR_DATA when the file changed since it was found. */
int wn_cache_next(struct wn_cache_reader *reader, uint32_t *tag, struct wn_bytes *out);
void wn_cache_close(struct wn_cache_reader **reader);

/* See wn_cache_each() and wn_cache_remove() in winnow.h. */
int wn_cache_list(const char *folder, bool verify,
                  int (*each)(void *opaque, const struct wn_cache_entry *entry), void *opaque);
int wn_cache_unlink(const char *folder, const char *name);
int64_t wn_cache_sweep(const char *folder, int64_t most_bytes); /* wn_cache_trim() */

#endif
