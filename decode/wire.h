/* SPDX-License-Identifier: MIT */
/* Messages between a process and the one that decodes for it. Both are the same program, so structs
 * go as they are; pointers in them mean nothing on the other side. */
#ifndef WN_WIRE_H
#define WN_WIRE_H

#include "pipeline/decoder.h"

enum wn_word {
    WN_WORD_OPEN = 1, /* there: struct wn_decoder_params, then url, hwaccel and cache_dir */
    WN_WORD_FILTERS,  /* there: name and options of each, two strings */
    WN_WORD_GO,       /* there: frames from now on */
    WN_WORD_STATE,    /* here: struct wn_state; opened, or filters are set, or the end */
    WN_WORD_FRAME,    /* here: struct wn_state, then the pixels */
    WN_WORD_LOG,      /* here: a level, then text */
    WN_WORD_FAIL,     /* here: an error, then text; the last word */
};

struct wn_state {
    struct wn_media media; /* without its strings: */
    char codec[64], container[64];
    double seconds;
    struct wn_frame frame; /* without its pixels */
};

struct wn_message {
    enum wn_word word;
    uint32_t size, cap;
    uint8_t *data; /* [size] and a zero; room is kept for the next one */
};

/* -1 when the other side is gone. */
int wn_wire_send(int fd, enum wn_word word, const void *head, size_t head_size, const void *tail,
                 size_t tail_size);
/* WN_OK, WN_EOF when the other side is gone, WN_ERR_ABORTED when log was cancelled or *stop (which
 * may be NULL) is set, WN_ERR_NOMEM. */
int wn_wire_read(int fd, struct wn_message *m, const atomic_bool *stop, struct wn_log *log);

/* The life of a process that decodes: reads from fd until it is gone. */
void wn_cell_run(int fd);

#endif
