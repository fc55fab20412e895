/* SPDX-License-Identifier: MIT */
/* Between index.c, index_build.c, index_pack.c, index_read.c and index_cache.c. */
#ifndef WN_DECODE_INDEX_PARTS_H
#define WN_DECODE_INDEX_PARTS_H

#include "index.h"

#define WN_INDEX_MOST ((int64_t)8 << 20) /* packets: 90 hours at 25 a second */
#define WN_INDEX_BLOCK 256
/* Stamps lie within these, so that sums and differences of two of them are numbers. */
#define WN_STAMP_MOST ((int64_t)1 << 60)

/* An index in the making: packets are put in one after the other. */
struct wn_index_build {
    struct wn_packets *x;
    uint32_t size[WN_INDEX_BLOCK];
    int64_t stamp[WN_INDEX_BLOCK];
    int64_t block_room, gop_room;
    bool places; /* x->pos is kept: -1 for each key until whoever adds it knows better */
};
/* Both leave the index unfinished when memory is short. */
int wn_index_add(struct wn_index_build *b, int64_t stamp, int64_t bytes, bool hidden);
int wn_index_add_key(struct wn_index_build *b, int64_t lag); /* of the packet to be added next */
int wn_index_finish(struct wn_index_build *b);

/* ---- numbers in few bits ---- */

int wn_pack_plain(struct wn_bits *bits, struct wn_run_of *r, const uint32_t *v, int n);
/* *exact becomes false when a number had to be cut. */
int wn_pack_line(struct wn_bits *bits, struct wn_run_of *r, const int64_t *v, int n, bool *exact);
bool wn_run_fits(const struct wn_bits *bits, const struct wn_run_of *r, int n); /* can be read */
void wn_bits_shrink(struct wn_bits *bits);

/* Fills an empty index by reading the file's packets. */
int wn_index_read(struct wn_packets *x, const struct wn_packets_params *params);
/* Makes the order of frames of the stamps; what is not regular then says so. WN_OK or
 * WN_ERR_NOMEM. */
int wn_index_sort(struct wn_packets *x);

/* WN_OK, or WN_EOF when there is nothing of use. */
int wn_index_cache_get(struct wn_packets *x, const struct wn_packets_params *params);
void wn_index_cache_put(const struct wn_packets *x, const struct wn_packets_params *params);

#endif
