/* SPDX-License-Identifier: MIT */
/* A batch is two processes. The one that was started keeps the journal, gives out items and
 * survives what a video does to a decoder; its worker loads the models once and does several items
 * beside each other, each in a lane: a thread with a session of its own. */
#ifndef WINNOW_BATCH_H
#define WINNOW_BATCH_H

#include "manifest.h"
#include "tool.h"

#define BATCH_MOST_LANES 64

/* What a worker writes: this, then `bytes` of a record. */
struct batch_head {
    uint32_t index, bytes;
};
#define BATCH_READY 0xFFFFFFFFu /* bytes: the models are loaded */
#define BATCH_STOPPED 0u        /* bytes: the item was given up at a signal */
#define BATCH_MAX_RECORD (256u << 20)

struct batch {
    struct tool *tool;
    struct manifest manifest;
    const char *task; /* caption, ask or compress */
};

/* The worker's whole life: reads numbers of items from `in`, does each in a lane that is free or
 * new, writes their records to `out` as they come, until `in` ends. A status. */
int batch_work(const struct batch *batch, int in, int out);
/* The record of an item, NULL when a signal cut it short or, with *fatal, when the disk did. */
json_t *batch_do_item(const struct batch *batch, const struct item *item,
                      struct wn_session *session, int *fatal);
/* Members that every record of an item has. */
json_t *batch_record(const struct batch *batch, const struct item *item, const char *status);
void batch_set_error(json_t *record, const char *code, int exit, const char *message);

#endif
