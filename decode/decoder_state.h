/* SPDX-License-Identifier: MIT */
#ifndef WN_DECODER_STATE_H
#define WN_DECODER_STATE_H

#include "convert.h"
#include "input.h"
#include "run.h"

struct wn_decoder_shared { /* what other threads may ask for */
    pthread_mutex_t lock;
    struct wn_media media;
    double seconds;
};

struct wn_decoder {
    struct wn_log *log;
    struct wn_decoder_params params; /* url is the copy below */
    char *url;
    struct wn_input *input;          /* NULL: pictures are pushed */
    struct wn_instance **filters;    /* borrowed */
    int n_filters;
    struct wn_run *run;
    struct wn_converter convert;
    pthread_mutex_t work;            /* one of next and push at a time */
    bool begun, flushed;
    int failed;                      /* the error that ended it */
    int32_t last_scene;              /* of the frame given last, -1: none */
    int64_t kept, pushed;
    double pushed_time;
    struct wn_decoder_shared *shared;
};

/* Puts one more picture of the file through the filters, or the end. */
int wn_decoder_step(struct wn_decoder *decoder);
/* Shows what is known by now to wn_decoder_media(); began: when this work began, 0: no work. */
void wn_decoder_publish(struct wn_decoder *d, double began);

#endif
