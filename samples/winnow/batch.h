/* SPDX-License-Identifier: MIT */
/* A batch is two kinds of process. The one that was started keeps the journal, gives out items and
 * survives what a video does to a decoder; workers load the models once and do the items. */
#ifndef WINNOW_BATCH_H
#define WINNOW_BATCH_H

#include "manifest.h"
#include "tool.h"

/* What a worker writes: a length of 4 bytes and so many of a record. */
#define BATCH_READY 0xFFFFFFFFu /* instead of a length: the models are loaded */
#define BATCH_STOPPED 0u        /* the item was given up at a signal */
#define BATCH_MAX_RECORD (256u << 20)

struct batch {
    struct tool *tool;
    struct manifest manifest;
    const char *task; /* caption, ask or compress */
};

/* The worker's whole life: reads the number of an item from `in`, writes its record to `out`, until
 * `in` ends. A status. */
int batch_work(const struct batch *batch, int in, int out);
/* Members that every record of an item has. */
json_t *batch_record(const struct batch *batch, const struct item *item, const char *status);
void batch_set_error(json_t *record, const char *code, int exit, const char *message);

#endif
