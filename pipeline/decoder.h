/* SPDX-License-Identifier: MIT */
/* What decode/ offers: a file or pushed pictures in, the frames that the chain's frame filters
 * choose out. */
#ifndef WN_DECODER_H
#define WN_DECODER_H

#include "filter.h"
#include "frame.h"
#include "pool.h"

struct wn_decoder;

/* Frames no larger than this, upright: with their proportions, or stretched to it. 0: as stored. */
struct wn_fit {
    int32_t width, height;
    bool stretch;
};

struct wn_decoder_params {
    const char *url;      /* NULL: pictures are pushed */
    double start, end;    /* seconds; end 0: to the end */
    int stream;           /* index plus 1; 0: the best */
    bool allow_cover;
    int64_t max_pixels, max_frames;
    double max_duration;
    int n_threads;        /* of libav */
    const char *hwaccel;  /* as in wn_params */
    bool rough;           /* what is decoded need not be exact: it is only compared */
    struct wn_pool *pool;
    struct wn_fit fit;    /* when frames are turned into RGB, on the way */
    const char *cache_dir; /* for packet indexes, borrowed; NULL: none are kept */
    const atomic_bool *stop; /* borrowed: true ends wn_decoder_next() soon; NULL: never */
    struct wn_log *log;
    int (*on_progress)(void *opaque, double done);
    void *opaque;
    struct wn_jail *jail;  /* a process of this one decodes the file; NULL: it is decoded here */
};

/* Where other processes decode, so that a file that crashes a decoder costs an error, not this
 * process. Made before anything large or threaded is there: each is a fork of what was. memory:
 * bytes that decoding a file may take, 0: 4 GiB; seconds of a processor, 0: any. */
int wn_jail_create(struct wn_jail **out, int64_t memory, double seconds, struct wn_log *log);
void wn_jail_destroy(struct wn_jail **jail); /* its decoders are closed */

/* Opens the file, finds the stream and decodes its first picture: what wn_decoder_media() tells is
 * then true, and a file without a picture fails here. */
int wn_decoder_open(struct wn_decoder **out, const struct wn_decoder_params *params);
void wn_decoder_close(struct wn_decoder **decoder);

/* The frame filters, borrowed until close; once, before the first frame. */
int wn_decoder_set_filters(struct wn_decoder *decoder, struct wn_instance **filters, int n);

/* The next frame that the filters keep: WN_OK, WN_AGAIN (push more), WN_EOF or an error. Frames
 * come in order of time, `scene` never falls. */
int wn_decoder_next(struct wn_decoder *decoder, struct wn_frame **out);
/* NULL: no more. Never blocks: the picture passes the filters at once and only what they keep waits
 * for wn_decoder_next(); beyond 1 GiB of it WN_ERR_LIMIT, and the picture may be pushed again. Any
 * thread may push while another is in next. A time that falls becomes that of the frame before. */
int wn_decoder_push(struct wn_decoder *decoder, const struct wn_image *image);

/* Reads through with the chain's `scene` filter, or `fallback` when it has none; see
 * wn_source_scenes(). No frame may have been taken. */
int wn_decoder_scenes(struct wn_decoder *decoder, struct wn_instance *fallback,
                      struct wn_scene **out, int *n);

/* Of a plain file, before its first frame was taken. */
int wn_decoder_packets(struct wn_decoder *decoder, struct wn_packet_info *out);

/* May be called at any time, also while another thread is in wn_decoder_next(). */
void wn_decoder_media(const struct wn_decoder *decoder, struct wn_media *out);
double wn_decoder_seconds(const struct wn_decoder *decoder); /* busy time so far */

/* A text track: "auto" for the best one inside url (none: no cues and a warning), else a subtitle
 * file. Markup is stripped. Cues come in order of their start. */
struct wn_cue {
    double start, end;
    char *text;
};
int wn_subtitles_read(struct wn_cue **out, int *n, const char *url, const char *which,
                      struct wn_log *log);
void wn_subtitles_free(struct wn_cue *cues, int n);

#endif
