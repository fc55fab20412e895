/* SPDX-License-Identifier: MIT */
/* A plain file for libav that can turn hollow: from then on reads succeed without reading, so that
 * a demuxer whose packets are all known from its header hands them out at no cost. Their bytes are
 * zero or not set, and must not be looked at. Numbers of the file can be given to libav otherwise
 * than they are stored. */
#ifndef WN_DECODE_HOLLOW_H
#define WN_DECODE_HOLLOW_H

#include <libavformat/avio.h>

#include "pipeline/util.h"

struct wn_hollow;

int wn_hollow_open(struct wn_hollow **out, const char *url); /* WN_OK or an error, without words */
void wn_hollow_close(struct wn_hollow **hollow);
AVIOContext *wn_hollow_io(struct wn_hollow *hollow);
/* Whether the file is ISO media whose header tells of all its packets: it has no fragments. */
bool wn_hollow_whole(const struct wn_hollow *hollow);
void wn_hollow_turn(struct wn_hollow *hollow);
int64_t wn_hollow_size(const struct wn_hollow *hollow);
/* The file's own bytes; false when they are not all there. */
bool wn_hollow_peek(const struct wn_hollow *hollow, int64_t at, void *out, int64_t n);
/* libav reads this 32-bit big-endian number there. */
int wn_hollow_patch(struct wn_hollow *hollow, int64_t at, uint32_t value);
void wn_hollow_unpatch(struct wn_hollow *hollow); /* none any more */

#endif
