/* SPDX-License-Identifier: MIT */
#ifndef WN_DECODER_STATE_H
#define WN_DECODER_STATE_H

#include "convert.h"
#include "input.h"
#include "parallel.h"
#include "run.h"
#include "staged.h"

struct wn_decoder_shared { /* what other threads may ask for */
    pthread_mutex_t lock;
    struct wn_media media;
    double seconds;
};

struct wn_decoder {
    struct wn_log *log;
    struct wn_decoder_params params; /* url is the copy below */
    char *url;
    struct wn_input *input;          /* NULL: pictures are pushed, or: */
    struct wn_far *far;              /* another process decodes; nothing below is used */
    struct wn_instance **filters;    /* borrowed */
    int n_filters;
    struct wn_run *run;
    struct wn_packets *packets;      /* NULL: not read, or of no use */
    uint32_t *chosen;                /* frames that the first filters chose by the index */
    int64_t n_chosen;
    struct wn_reader *reader;        /* NULL: the file is read through */
    struct wn_staged staged;         /* scenes found ahead */
    bool has_staged;
    struct wn_converter convert, *lane_convert;
    int n_lanes;
    pthread_mutex_t work;            /* one of next and push at a time */
    bool begun, flushed;
    int failed;                      /* the error that ended it */
    int32_t last_scene;              /* of the frame given last, -1: none */
    int64_t kept, pushed;
    double pushed_time;
    struct wn_decoder_shared *shared;
};

/* The index where it can be had and is worth its reading: *packets stays NULL otherwise. */
int wn_decoder_index(struct wn_decoder *decoder);
/* Whether the file's clock is sound, and its kind keeps what its index promises. */
bool wn_decoder_may_choose(const struct wn_decoder *decoder);
/* Before the first picture: lets the first filters choose by the index where they can. */
int wn_decoder_plan(struct wn_decoder *decoder);
/* Finds scenes ahead where one of the first n filters wants that and the file allows it. */
int wn_decoder_stage(struct wn_decoder *decoder, int n);
/* The file is not as its index says: back to its start, to read it through. */
int wn_decoder_unplan(struct wn_decoder *decoder);
void wn_decoder_forget_plan(struct wn_decoder *decoder);
struct wn_index wn_decoder_facts(const struct wn_decoder *decoder); /* for the filters */

/* Puts one more picture of the file through the filters, or the end. */
int wn_decoder_step(struct wn_decoder *decoder);
/* Shows what is known by now to wn_decoder_media(); began: when this work began, 0: no work. */
void wn_decoder_publish(struct wn_decoder *d, double began);

#endif
