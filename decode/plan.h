/* SPDX-License-Identifier: MIT */
/* What is decoded: the frames that a chain's leading filters choose by times and key flags alone,
 * and the stretches of packets that must be decoded for them. */
#ifndef WN_DECODE_PLAN_H
#define WN_DECODE_PLAN_H

#include "frame_filter.h"
#include "index.h"

/* How many of the filters, from the first on, choose by marks alone. */
int wn_plan_prefix(struct wn_instance *const *filters, int n);

/* Runs those filters over marks of all frames between index->start and index->end. *frame, numbers
 * of the chosen frames, is freed by the caller. */
int wn_plan_choose(uint32_t **frame, int64_t *n, const struct wn_packets *packets,
                   struct wn_instance *const *filters, int n_filters,
                   const struct wn_index *index);

/* Packets from a key frame on that must be decoded for frames [from, to) of the chosen ones. */
struct wn_stretch {
    int64_t from, to;
    int64_t first, last;  /* packets */
    int64_t bytes;        /* of them */
    int64_t gops;         /* that frames were chosen of */
};
/* The one that begins with chosen frame `from`: as many as lean on one GOP. */
void wn_plan_stretch(struct wn_stretch *out, const struct wn_packets *packets,
                     const uint32_t *frame, int64_t n, int64_t from);
/* The same, and GOPs that follow without a gap as long as it has less than so many packets:
 * beginning anew, and what an open GOP shows before its key frame, cost less in longer ones. */
void wn_plan_long_stretch(struct wn_stretch *out, const struct wn_packets *packets,
                          const uint32_t *frame, int64_t n, int64_t from, int64_t packets_wanted);

#endif
