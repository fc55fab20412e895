/* SPDX-License-Identifier: MIT */
/* Chosen frames of a file by its index, decoded GOP by GOP: several GOPs at once on the session's
 * pool where few pictures of each are wanted, else one after the other on all threads of the
 * decoder. Pictures come in order of time, the same bits as reading through gives. */
#ifndef WN_DECODE_PARALLEL_H
#define WN_DECODE_PARALLEL_H

#include "index.h"
#include "input.h"

struct wn_reader;

struct wn_reader_params {
    struct wn_input *input;            /* borrowed; nothing else reads from it meanwhile */
    const struct wn_packets *packets;  /* borrowed, regular */
    const uint32_t *frame;             /* [n] numbers of frames, rising; borrowed */
    int64_t n;
    bool leaves_off;                   /* prepare ends GOPs early: a job is one GOP */
    /* [n] chosen frames that may be left out where the stream marks them as leaned on by nothing;
     * NULL: none. Borrowed. */
    const bool *spare;
    /* Called on a worker for each picture as soon as it is decoded, several at once, in any order;
     * `lane` counts the workers. It may drop the picture's frame and leave something smaller.
     * WN_EOF: no more of this GOP is wanted; some may come nevertheless. */
    int (*prepare)(void *opaque, int lane, struct wn_picture *picture);
    void *opaque;
    int64_t picture_bytes;             /* that prepare leaves of a picture; 0: its frame stays */
};

int wn_reader_create(struct wn_reader **out, const struct wn_reader_params *params);
void wn_reader_destroy(struct wn_reader **reader);
/* The next chosen picture, with time, number and key set: WN_OK, WN_EOF or an error. A frame that
 * cannot be decoded is left out. */
int wn_reader_next(struct wn_reader *reader, struct wn_picture **out);
/* Most workers at once, of a reader for this input: what `lane` stays below. */
int wn_reader_lanes(const struct wn_input *input);
/* The file is not what its index promised, and no picture was given: read it through instead. */
bool wn_reader_deceived(const struct wn_reader *reader);

#endif
