/* SPDX-License-Identifier: MIT */
/* The packets of an index, read by their numbers from an open file. */
#ifndef WN_DECODE_TRACK_H
#define WN_DECODE_TRACK_H

#include "index.h"
#include "input.h"

struct wn_track {
    struct wn_input *input;
    const struct wn_packets *packets;
    bool by_bytes;         /* seeks by time are guesses in this kind of file */
    bool no_jump;          /* and by bytes they lead astray in this one: it is only read on */
    struct wn_container *file; /* of its own then, opened again to go back */
    int64_t at;            /* number of the next packet; -1: not known */
    bool pending;          /* it lies in input->packet */
};

void wn_track_begin(struct wn_track *track, struct wn_input *input,
                    const struct wn_packets *packets);
void wn_track_end(struct wn_track *track);
/* To the first packet of a GOP, or of the file; reads on where that is nearer than a seek. WN_OK,
 * WN_EOF when the file is not as its index says, or an error. */
int wn_track_go(struct wn_track *track, int64_t packet);
/* The next packet, which must be the one of the index. As above. */
int wn_track_read(struct wn_track *track, AVPacket *packet);

#endif
