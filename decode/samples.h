/* SPDX-License-Identifier: MIT */
/* The pictures of a plain MP4 or MOV file, read by its own sample tables, or by the lists of its
 * fragments, where they lie. libav keeps an entry in memory for each sample of each track, of which
 * a day's film has millions; here only every thousandth place is noted, and the rest is read from
 * the file when it is needed.
 *
 * Taken are files of one video track with an ordinary header: no encryption, one sample
 * description, an edit list that shows all of it; in fragments entirely or not at all. Everything
 * else is left to libav, which also reads the header of these, with the tables' counts cut or up to
 * the first fragment, so that it knows the first samples only; they must be the same here. */
#ifndef WN_DECODE_SAMPLES_H
#define WN_DECODE_SAMPLES_H

#include <libavformat/avformat.h>

#include "hollow.h"

struct wn_samples;

/* What libav is to see of the tables, where it is less than what the file holds. */
struct wn_samples_params {
    int64_t least; /* samples of the longest track, below which nothing is done */
    int64_t keep;  /* samples that libav sees of each track, about */
};

/* WN_EOF: a file for libav alone. Else the tables' counts are cut in what `hollow` shows libav. */
int wn_samples_open(struct wn_samples **out, struct wn_hollow *hollow,
                    const struct wn_samples_params *params);
void wn_samples_close(struct wn_samples **samples);
/* Whether libav read the same from the header; finds the stream, and mends what cut tables hid. */
bool wn_samples_match(struct wn_samples *samples, AVFormatContext *fmt);

/* Whether the file is in fragments, all of which libav would look for when it opens it. */
bool wn_samples_fragmented(const struct wn_samples *samples);
int wn_samples_stream(const struct wn_samples *samples);
int64_t wn_samples_end(const struct wn_samples *samples); /* no byte of a sample lies behind it */

/* The next sample as libav would give it; without its bytes where they are not wanted. An
 * error of libav, AVERROR_EOF at the end. */
int wn_samples_read(struct wn_samples *samples, AVPacket *packet, bool with_bytes);
int64_t wn_samples_at(const struct wn_samples *samples); /* number of the next sample */
int wn_samples_go(struct wn_samples *samples, int64_t sample); /* to this one */
/* To the last key frame decoded at or before this stamp, or to the first of all. */
int wn_samples_seek(struct wn_samples *samples, int64_t stamp);
/* When that key frame is decoded; false: there is none. */
bool wn_samples_key_before(struct wn_samples *samples, int64_t stamp, int64_t *key);

#endif
