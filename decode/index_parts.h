/* SPDX-License-Identifier: MIT */
/* Between index.c, index_read.c and index_cache.c. */
#ifndef WN_DECODE_INDEX_PARTS_H
#define WN_DECODE_INDEX_PARTS_H

#include "index.h"

#define WN_INDEX_MOST ((int64_t)8 << 20) /* packets: 90 hours at 25 a second */
#define WN_INDEX_BLOCK 256

/* Fills an empty index by reading the file's packets. */
int wn_index_read(struct wn_packets *x, const struct wn_packets_params *params);
/* Makes `order` of the stamps; what is not regular then says so. WN_OK or WN_ERR_NOMEM. */
int wn_index_sort(struct wn_packets *x);

/* WN_OK, or WN_EOF when there is nothing of use. */
int wn_index_cache_get(struct wn_packets *x, const struct wn_packets_params *params);
void wn_index_cache_put(const struct wn_packets *x, const struct wn_packets_params *params);

#endif
