/* SPDX-License-Identifier: MIT */
#ifndef WN_DECODE_SCAN_H
#define WN_DECODE_SCAN_H

#include "clock.h"

/* Reads all packets of a stream, decoding nothing, for the time at which its last frame ends. 0:
 * the packets do not tell. */
int wn_scan_duration(const char *url, int stream, const struct wn_clock *clock, double *duration,
                     struct wn_log *log);

#endif
