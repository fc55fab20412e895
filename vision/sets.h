/* SPDX-License-Identifier: MIT */
/* Sets of sources (patches of a picture), each named by a number. */
#ifndef WN_SETS_H
#define WN_SETS_H

#include "../pipeline/util.h"

#define WN_MAX_SOURCES (1 << 20)
#define WN_SOURCE_CLS  (WN_MAX_SOURCES - 1)
#define WN_MAX_SET     256 /* members; beyond that a set is WN_SET_UNKNOWN */

enum { WN_SET_EMPTY = 0, WN_SET_UNKNOWN = -1 };

struct wn_sets;

struct wn_sets *wn_sets_create(void); /* NULL: out of memory */
void wn_sets_destroy(struct wn_sets **sets);

/* The set of one source. */
static inline int32_t wn_sets_single(int32_t source)
{
    return source < WN_MAX_SOURCES ? source + 1 : WN_SET_UNKNOWN;
}

/* Unknown with anything is unknown; so is what does not fit, and running out of memory. */
int32_t wn_sets_union(struct wn_sets *sets, int32_t a, int32_t b);
/* Members, ascending; scratch is room for one. n 0 for the empty set, -1 for an unknown one. */
const int32_t *wn_sets_members(const struct wn_sets *sets, int32_t set, int32_t *scratch, int *n);

#endif
