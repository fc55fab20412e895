/* SPDX-License-Identifier: MIT */
/* One decoder at work on one stretch of packets: pictures of the chosen frames come out. */
#ifndef WN_DECODE_LANE_H
#define WN_DECODE_LANE_H

#include "input.h"
#include "parallel.h"
#include "plan.h"

struct wn_lane {
    int number;
    AVCodecContext *codec;
    bool borrowed;              /* the input's own decoder */
    bool shown_first;           /* has seen the file's first packet */
    bool skips;                 /* can leave out pictures that no other leans on */
    AVFrame *frame;
};

struct wn_job {
    struct wn_stretch stretch;
    struct wn_pictures pictures;
    int64_t taken;              /* of the chosen frames */
    int64_t decoded, errors;
    int64_t bytes;              /* of pictures */
    bool handed_out;            /* to a lane */
    bool begun;                 /* a frame came out */
    bool bad;                   /* not what reading through would give: see wn_lane_receive() */
};

/* n_threads 0: the input's own decoder. */
int wn_lane_open(struct wn_lane *lane, const struct wn_reader_params *p, int n_threads);
void wn_lane_close(struct wn_lane *lane);
/* Before the first packet of a job. */
int wn_lane_begin(struct wn_lane *lane, const struct wn_reader_params *p);
/* Gives the decoder a packet (NULL: no more) and takes what comes out of it. WN_EOF: that was all,
 * or no more is wanted. */
int wn_lane_send(struct wn_lane *lane, const struct wn_reader_params *p, struct wn_job *job,
                 const AVPacket *packet, int64_t number);

#endif
