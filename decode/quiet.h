/* SPDX-License-Identifier: MIT */
/* libav's messages. Its log callback belongs to the whole process, so it is set once, when the
 * first file is opened: what concerns a file of ours is counted and its first lines are kept, the
 * rest is dropped. A program that wants libav's log for files of its own sets its callback after
 * its first call of winnow. */
#ifndef WN_DECODE_QUIET_H
#define WN_DECODE_QUIET_H

#include "pipeline/util.h"

#define WN_NOTES_KEPT 3

/* What libav said of one file. Its address goes into `opaque` of the format and codec contexts;
 * any thread of libav's may write, so read it through the functions. */
struct wn_notes {
    struct wn_notes *next;
    pthread_mutex_t lock;
    int64_t lines;                    /* of level error or worse */
    int64_t complaints;               /* of them, the decoder's */
    int n_kept;
    char kept[WN_NOTES_KEPT][200];
};

void wn_notes_begin(struct wn_notes *notes);
void wn_notes_end(struct wn_notes *notes, struct wn_log *log); /* tells log, at debug level */
int64_t wn_notes_complaints(struct wn_notes *notes);
bool wn_notes_mention(struct wn_notes *notes, const char *words);

#endif
