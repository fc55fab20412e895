/* SPDX-License-Identifier: MIT */
/* The session's one worker pool. Threads come from here and from `queue` alone. */
#ifndef WN_POOL_H
#define WN_POOL_H

#include "util.h"

struct wn_pool;

int wn_pool_create(struct wn_pool **out, int n_threads); /* 1: no threads of its own */
void wn_pool_destroy(struct wn_pool **pool);             /* no call may be running */
int wn_pool_threads(const struct wn_pool *pool);         /* NULL: 1 */

/* fn(arg, i) once for each i in [0, n), on the caller and idle workers; returns when all are done.
 * Order is open, so fn must give the same result in any. Any thread may call it, also inside fn
 * (then it runs on the caller). pool NULL: on the caller. Denormals are flushed inside fn. */
void wn_pool_run(struct wn_pool *pool, int64_t n, void (*fn)(void *arg, int64_t i), void *arg);

/* Denormals flushed to zero on this thread until the matching leave; both twins of a kernel count
 * on it. Returns what leave needs. */
unsigned wn_flush_enter(void);
void wn_flush_leave(unsigned saved);

#endif
