/* SPDX-License-Identifier: MIT */
/* A media file opened with everything off that could reach another file or the network: the name
 * is only ever a plain file's, its content decides the format, playlists, scripts and pattern
 * formats are refused before their headers are read, and no demuxer can open anything further. */
#ifndef WN_DECODE_CONTAINER_H
#define WN_DECODE_CONTAINER_H

#include <libavformat/avformat.h>

#include "hollow.h"
#include "pipe.h"
#include "quiet.h"
#include "samples.h"

#define WN_MAX_STREAMS 100

struct wn_container {
    AVFormatContext *fmt;
    AVIOContext *io;
    struct wn_hollow *hollow; /* owns io when opened for its packets, or with `samples` */
    struct wn_samples *samples; /* NULL: libav knows all packets; else only the first ones */
    struct wn_pipe *pipe;     /* likewise where it is no regular file */
    bool piped;
    const atomic_bool *stop;  /* borrowed: true ends it without a word; NULL: nobody does */
    struct wn_notes notes;
    struct wn_log *log;
    char name[256];          /* of the file, printable, for messages */
    int64_t size;            /* bytes; 0: not known */
    double deadline;         /* wn_now() after which reads fail; 0: none */
    int header_width[WN_MAX_STREAMS]; /* what the header says, before decoders were asked */
    int header_height[WN_MAX_STREAMS];
    bool animated_webp;      /* which FFmpeg 5.1 finds but cannot decode */
};

int wn_container_open(struct wn_container **out, const char *url, struct wn_log *log);
/* The same with other limits of what is kept in memory, see samples.h. */
int wn_container_open_cut(struct wn_container **out, const char *url, struct wn_log *log,
                          const struct wn_samples_params *params);
/* For an index: packets as they are stored where the kind of file gives their stamps and key flags
 * without a parser. Their bytes may not be there; *hollow tells. */
int wn_container_open_packets(struct wn_container **out, const char *url, struct wn_log *log,
                              enum AVCodecID codec, bool *hollow);
/* WN_ERR_ABORTED once the session was cancelled or the container's owner has enough of it. */
int wn_container_stopped(struct wn_container *container);
void wn_container_close(struct wn_container **container);
/* One packet. WN_EOF at the end; a failing read ends the file too, after a debug message, and sets
 * *damaged. */
int wn_container_read(struct wn_container *container, AVPacket *packet, bool *damaged);
/* To a key frame that is decoded at or before this stamp (Matroska: shown); below 0: it cannot. */
int wn_container_seek(struct wn_container *container, int stream, int64_t stamp);
/* Of the container's own index: when the last key frame is decoded that is so at or before this
 * stamp, and where the last byte of all it lists would lie. */
bool wn_container_key_before(struct wn_container *container, AVStream *stream, int64_t stamp,
                             int64_t *key);
int64_t wn_container_end(const struct wn_container *container, const AVStream *stream);

#endif
