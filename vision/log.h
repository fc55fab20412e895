/* SPDX-License-Identifier: MIT */
/* libmtmd's messages: to a session's log at debug level, and its last error to who asks. */
#ifndef WN_VISION_LOG_H
#define WN_VISION_LOG_H

#include "../pipeline/util.h"

/* libmtmd has one callback a process: the last session wins. */
void wn_mtmd_route(struct wn_log *log);
void wn_mtmd_unroute(const struct wn_log *log);

/* Errors of this thread's calls from here on are kept in why; NULL ends that. */
void wn_mtmd_catch(char (*why)[256]);

#endif
