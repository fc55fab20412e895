/* SPDX-License-Identifier: MIT */
/* Between samples.c, samples_open.c, samples_header.c and fragments.c. */
#ifndef WN_DECODE_SAMPLES_PARTS_H
#define WN_DECODE_SAMPLES_PARTS_H

#include "samples.h"

#define WN_TABLE_BYTES 4096
#define WN_SAMPLES_STEP 1024 /* samples from one noted place to the next */

#define WN_MOST_SAMPLES ((int64_t)64 << 20) /* a month at 25 a second */
#define WN_MOST_TRACKS 100
#define WN_TAG(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

struct wn_box {
    uint32_t kind;
    int64_t head, at, end; /* where it begins; of what it holds */
};

/* What samples of fragments have that do not say otherwise. */
struct wn_defaults {
    uint32_t track, description, duration, size, flags;
};

struct wn_track_header {
    uint32_t id;
    int64_t timescale;
    bool video;
    struct wn_box size, time, shift, chunk, run, key; /* .end 0: there is none */
    bool wide_chunks;
    int n_descriptions;
    bool edited;
    int64_t media_time, shown; /* of the edit, in units of the media and of the film */
};

struct wn_header {
    struct wn_hollow *hollow;
    int64_t timescale, end;
    struct wn_track_header track[WN_MOST_TRACKS];
    struct wn_defaults defaults[WN_MOST_TRACKS];
    int n_tracks, n_defaults, n_boxes;
    bool fragments, odd;
};

/* A table of the file, of which a piece is held. */
struct wn_table {
    int64_t at;         /* of its first entry, in the file */
    int64_t n;
    int width;          /* bytes of an entry; 0: there is no such table */
    int64_t first, have;
    uint8_t bytes[WN_TABLE_BYTES];
};

/* A run of samples that a fragment lists, at the next of them. */
struct wn_fragment_place {
    int64_t next;       /* in the file: behind this fragment */
    int64_t box, end;   /* of this track in it: the next run, and where it ends */
    int64_t base;       /* that offsets of runs count from */
    int64_t entry, left; /* of this run: in the file, and samples */
    uint32_t run_flags, first_flags; /* which numbers its entries have */
    bool first;         /* the next sample is its first */
    uint32_t duration, size, flags;  /* where it does not say */
};

/* Where in its tables, or in its fragments, a sample stands. */
struct wn_sample_place {
    int64_t sample;
    int64_t dts;        /* of the media, before the edit */
    int64_t offset;     /* in the file */
    union {
        struct {
            int64_t time, time_left;   /* entry of stts, samples left of it */
            int64_t shift, shift_left; /* of ctts */
            int64_t chunk, chunk_left;
            int64_t run;        /* of stsc */
            int64_t key;        /* of stss: the first one at or behind this sample */
        };
        struct wn_fragment_place fragment;
    };
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
    int64_t length;             /* of the last fragment's end, from the zero of the media */
    int64_t cut;                /* samples that libav sees */
    struct wn_sample_place place;
    struct wn_noted *noted;     /* [n / WN_SAMPLES_STEP + 1] */
    bool fragments;             /* it has them instead of tables */
    struct wn_defaults defaults;
    struct wn_table piece;      /* of the file, for them */
};

/* ---- the header ---- */

/* The next box before `end`. WN_OK, WN_EOF behind the last one, WN_ERR_DATA. */
int wn_box_next(const struct wn_hollow *hollow, int64_t *at, int64_t end, struct wn_box *box);
/* Up to the tables' places; WN_EOF: it is not ordinary. */
int wn_header_read(struct wn_header *h);
int64_t wn_sample_count(const struct wn_header *h, const struct wn_track_header *t);

/* ---- fragments ---- */

/* WN_EOF: they are not ordinary, or too few for `params`. */
int wn_fragments_open(struct wn_samples *s, const struct wn_header *h,
                      const struct wn_samples_params *params);
int wn_fragments_step(struct wn_samples *s, struct wn_sample *out); /* as wn_samples_step() */

/* ---- tables ---- */

const uint8_t *wn_table_get(const struct wn_samples *s, struct wn_table *t, int64_t i);
/* The sample at s->place, and on to the next. WN_OK, WN_EOF behind the last one, WN_ERR_DATA. */
int wn_samples_step(struct wn_samples *s, struct wn_sample *out);

#endif
