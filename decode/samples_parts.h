/* SPDX-License-Identifier: MIT */
/* Between samples.c and samples_open.c. */
#ifndef WN_DECODE_SAMPLES_PARTS_H
#define WN_DECODE_SAMPLES_PARTS_H

#include "samples.h"

#define WN_TABLE_BYTES 4096
#define WN_SAMPLES_STEP 1024 /* samples from one noted place to the next */

/* A table of the file, of which a piece is held. */
struct wn_table {
    int64_t at;         /* of its first entry, in the file */
    int64_t n;
    int width;          /* bytes of an entry; 0: there is no such table */
    int64_t first, have;
    uint8_t bytes[WN_TABLE_BYTES];
};

/* Where in its tables a sample stands. */
struct wn_sample_place {
    int64_t sample;
    int64_t dts;        /* of the media, before the edit */
    int64_t offset;     /* in the file */
    int64_t time, time_left;   /* entry of stts, samples left of it */
    int64_t shift, shift_left; /* of ctts */
    int64_t chunk, chunk_left;
    int64_t run;        /* of stsc */
    int64_t key;        /* of stss: the first one at or behind this sample */
};

struct wn_sample {
    int64_t offset, size, dts, cts, duration;
    bool key;
};

struct wn_noted {
    struct wn_sample_place place;
    int64_t key, key_dts; /* the last key frame before it; -1: none */
};

struct wn_samples {
    struct wn_hollow *hollow;   /* borrowed */
    int64_t n;
    uint32_t track;             /* its number in the file */
    int64_t same_size;          /* of every sample; 0: the table tells */
    struct wn_table size, time, shift, chunk, run, key;
    int stream;
    int64_t timescale;          /* units a second */
    int64_t edit;               /* stamp = dts + edit, as libav has it */
    int64_t end, least_cts, most_cts, last_dts;
    int64_t frames, frames_time; /* that a rate is made of */
    int64_t cut;                /* samples that libav sees */
    struct wn_sample_place place;
    struct wn_noted *noted;     /* [n / WN_SAMPLES_STEP + 1] */
};

const uint8_t *wn_table_get(const struct wn_samples *s, struct wn_table *t, int64_t i);
/* The sample at s->place, and on to the next. WN_OK, WN_EOF behind the last one, WN_ERR_DATA. */
int wn_samples_step(struct wn_samples *s, struct wn_sample *out);

#endif
