/* SPDX-License-Identifier: MIT */
/* One video stream of a file, decoded picture by picture.
 *
 * Stream: the one asked for, else av_find_best_stream()'s choice (not for the impaired, then marked
 * default, then the most frames seen, then the highest bit rate), attached cover pictures aside
 * unless they are allowed.
 *
 * The first picture is decoded while opening: its size, turn and pixel format are then known, a
 * file without a picture fails at once, and a later seek is safe (some x264 streams carry what the
 * decoder must know in their first packet only). A seek goes to a key frame at or before the wanted
 * time that the container's index names, never by guess; one that turns out to be later than what
 * was wanted sends it further back. Frames after a seek are those of reading through. */
#ifndef WN_DECODE_INPUT_H
#define WN_DECODE_INPUT_H

#include <libavcodec/avcodec.h>

#include "clock.h"
#include "container.h"
#include "frame_filter.h"
#include "pipeline/decoder.h"

struct wn_input {
    struct wn_container *file;
    AVStream *stream;
    AVCodecContext *codec;
    AVBufferRef *hw;            /* NULL: software decodes */
    struct wn_images *images;   /* a folder's; the rest is then of the first one */
    AVPacket *packet;
    AVPacket *first;            /* the first one that was decoded: a seek is safe behind it */
    struct wn_decoder_params p; /* url and callbacks are borrowed */
    struct wn_clock clock;
    struct wn_pictures ahead;   /* decoded while opening */
    char codec_name[32], container_name[64];
    double duration, fps;       /* seconds, 0: not known */
    double end;                 /* nothing from here on, 0: all */
    bool still, drained, truncated, read_damaged, key_only, cover;
    bool numbered;              /* every frame so far was decoded, so counting them numbers them */
    int64_t count;              /* frames decoded */
    int64_t errors;             /* packets and frames that could not be decoded, or not in full */
    int64_t failed_packets;     /* in a row */
    int64_t last_dts;           /* of the packets read; AV_NOPTS_VALUE: none */
    double seek_target;         /* what the last seek was for; negative: it has arrived */
    int64_t seek_entry;         /* of the index, where the last seek went */
    double seek_back;           /* how far before it went, seconds */
    bool no_seek, sought;
    bool walked;                /* see seek.c */
};

int wn_input_open(struct wn_input **out, const struct wn_decoder_params *params);
void wn_input_close(struct wn_input **input);
/* WN_OK, WN_EOF or an error. */
int wn_input_next(struct wn_input *input, const struct wn_wanted *wanted, struct wn_picture **out);
void wn_input_media(const struct wn_input *input, struct wn_media *media);

/* Another decoder for this stream, with so many threads of its own; it has seen nothing yet. */
int wn_input_codec(const struct wn_input *input, int n_threads, AVCodecContext **out);
/* avcodec_receive_frame(), for a frame in memory wherever it was decoded. */
int wn_input_receive(AVCodecContext *codec, AVFrame *frame);
/* The shape of a picture of this stream, wherever it was decoded; fails beyond the limits. Any
 * thread may call it. */
int wn_input_describe(const struct wn_input *input, struct wn_picture *picture);
int wn_input_progress(struct wn_input *input, double time); /* tells the caller; may fail */
/* Back to the first frame, to read through from there without seeking. */
int wn_input_rewind(struct wn_input *input);
/* Frames and errors of decoders beside the input's own; fails beyond the limit of frames. */
int wn_input_count(struct wn_input *input, int64_t frames, int64_t errors);

/* ---- between input.c, input_open.c and seek.c ---- */

/* Chooses the stream, opens its decoder, finds duration and rates. */
int wn_input_choose(struct wn_input *input);
int wn_input_too_large(const struct wn_input *input, int width, int height); /* WN_ERR_LIMIT */
/* Jumps ahead when the index knows a key frame between what was read and `time`. */
int wn_input_seek(struct wn_input *input, double time);
/* After a seek: whether this picture (NULL: the end) is a key frame early enough to go on from; a
 * key frame too late, or the end, sends it further back. */
int wn_input_arrived(struct wn_input *input, const struct wn_picture *picture, bool *arrived);

#endif
