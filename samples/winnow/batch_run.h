/* SPDX-License-Identifier: MIT */
/* Inside of the process that keeps the journal: batch.c gives out items and writes records,
 * batch_workers.c starts the worker, reads what it writes and buries it. */
#ifndef WINNOW_BATCH_RUN_H
#define WINNOW_BATCH_RUN_H

#include <sys/types.h>

#include "batch.h"
#include "batch_tune.h"
#include "journal.h"

#define MOST_CRASHES 2 /* then an item is set aside */

struct flight { /* an item that the worker has */
    struct item *item;
    double began;
};

struct worker {
    pid_t pid;    /* 0: none */
    int to, from; /* pipes */
    bool ready;   /* its models are loaded */
    bool killed;  /* by this process, and not buried yet */
    bool alone;   /* with an item that was there when a worker died */
    struct flight flight[BATCH_MOST_LANES];
    int n_flights;
    char *buf;    /* of what it wrote */
    size_t n, cap;
};

struct run {
    struct batch b;
    struct journal records, crashes;
    struct worker worker;
    struct tune tune;
    int64_t next;        /* item not given out yet */
    struct item **again; /* items whose worker died */
    int64_t n_again;
    int64_t before, now, failed, aside; /* counts of items; failed: of all */
    double bytes, bytes_done;          /* of what is to do: for the time that is left */
    double stopped;                    /* when a signal came; 0: none did */
    int status;                        /* nonzero: the batch ends */
};

/* Writes a record of an item; frees it. */
void run_add_record(struct run *r, struct item *item, json_t *record);
void run_set_aside(struct run *r, struct item *item, const char *code, const char *message);

int run_start_worker(struct run *r); /* a status */
void run_give_item(struct run *r, struct item *item);
void run_read_worker(struct run *r); /* there is something, or its end */
void run_stop_late(struct run *r);   /* --item-timeout */
void run_kill_worker(struct run *r, int number);
void run_end_worker(struct run *r);  /* waits for it */

#endif
