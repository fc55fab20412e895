/* SPDX-License-Identifier: MIT */
/* A stage gives items one at a time to the stage after it, when that asks: demand-driven, at most
 * one item on a link. It holds at most the items it documents, returns WN_EOF from then on once it
 * has ended, and an error at every call after a failure. Only one thread may pull. */
#ifndef WN_STAGE_H
#define WN_STAGE_H

#include "util.h"

struct wn_stage {
    int (*pull)(struct wn_stage *stage, void **item); /* WN_OK, WN_AGAIN, WN_EOF or an error */
    void (*free_item)(void *item);
    void (*destroy)(struct wn_stage *stage);
};

/* A bounded queue: pulls `from` in a thread of its own, at most `capacity` items ahead; the only
 * place besides the pool that starts a thread. Owns `from`, which must not return WN_AGAIN: a
 * source of pushed frames needs no queue. */
int wn_queue_create(struct wn_stage **out, struct wn_stage *from, int capacity);
void wn_stage_destroy(struct wn_stage **stage);

#endif
