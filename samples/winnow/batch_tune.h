/* SPDX-License-Identifier: MIT */
/* How many items at once: one setting after another is tried on the work itself. */
#ifndef WINNOW_BATCH_TUNE_H
#define WINNOW_BATCH_TUNE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { TUNE_COSTS = 4, TUNE_MOST = 64 };

struct tune {
    int limit;                  /* items at once, now */
    int most;
    bool fixed;
    double rate[TUNE_MOST + 1]; /* work a second of each setting; 0: not tried */
    double cost[TUNE_COSTS];    /* seconds of a unit of each stage, of the first setting's items */
    double base;                /* and of an item by itself */
    bool known;                 /* these are */
    double began, work;         /* of the window that is measured; began 0: at the next item */
    int n;
    int64_t settled;            /* items since trying ended; -1: it goes on */
    double sum[TUNE_COSTS], units[TUNE_COSTS], seconds; /* of the items that costs are made of */
};

/* jobs 0: to be found out, at most `most`. */
void tune_init(struct tune *tune, int jobs, int most);
/* An item is done and `left` others are not. */
void tune_done(struct tune *tune, double now, const json_t *record, int64_t left);
/* So many at once were too many for the machine: from now on fewer, where nobody named a number. */
void tune_fewer(struct tune *tune);

#endif
