/* SPDX-License-Identifier: MIT */
/* A source's rows on disk. Two stages of each file are kept: `wide`, all rows that the encoder
 * gave, and `compact`, what the chain's token filters left before any budget. Neither depends on a
 * question. A third, small entry tells what the file is, so that it need not be opened at all. */
#ifndef WN_SOURCE_CACHE_H
#define WN_SOURCE_CACHE_H

#include "cache.h"

struct wn_source;
struct wn_segment;

struct wn_source_cache {
    bool on;                /* this source may be kept */
    bool wide;              /* `from` is of that stage */
    struct wn_key key;      /* of the file and how it is read */
    struct wn_cache_reader *from;
    struct wn_cache_writer *to_wide, *to_compact;
    struct wn_key wide_key, compact_key;
    bool filtered;          /* there are token filters: the stages differ */
    struct wn_bytes bytes;
    char codec[64], container[128]; /* of media that were read here */
};

/* Fills in src->media and returns true where the cache knows the file. */
bool wn_source_cache_begin(struct wn_source *src);
/* Once the chain is known: afterwards src->cache.from is where rows come from, if from anywhere. */
int wn_source_cache_find(struct wn_source *src);
/* A whole segment in src->rows, and what the filters made of it. Never fails: the cache is left
 * where it cannot be written. */
void wn_source_cache_put_wide(struct wn_source *src);
void wn_source_cache_put_compact(struct wn_source *src, const struct wn_segment *seg,
                                 const struct wn_rows *rows);
/* The next segment from the cache: src->rows of stage wide, else *seg and *rows; src->segment_end
 * in both. WN_EOF at the end. */
int wn_source_cache_get(struct wn_source *src, struct wn_segment **seg, struct wn_rows **rows);
void wn_source_cache_end(struct wn_source *src); /* every segment was put */
void wn_source_cache_finish(struct wn_source *src);

#endif
