/* SPDX-License-Identifier: MIT */
/* A media file opened with everything off that could reach another file or the network: the name
 * is only ever a plain file's, its content decides the format, playlists, scripts and pattern
 * formats are refused before their headers are read, and no demuxer can open anything further. */
#ifndef WN_DECODE_CONTAINER_H
#define WN_DECODE_CONTAINER_H

#include <libavformat/avformat.h>

#include "hollow.h"
#include "quiet.h"

#define WN_MAX_STREAMS 100

struct wn_container {
    AVFormatContext *fmt;
    AVIOContext *io;
    struct wn_hollow *hollow; /* owns io when opened for its packets */
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
/* For an index: packets as they are stored where the kind of file gives their stamps and key flags
 * without a parser. Their bytes may not be there; *hollow tells. */
int wn_container_open_packets(struct wn_container **out, const char *url, struct wn_log *log,
                              enum AVCodecID codec, bool *hollow);
void wn_container_close(struct wn_container **container);
/* One packet. WN_EOF at the end; a failing read ends the file too, after a debug message, and sets
 * *damaged. */
int wn_container_read(struct wn_container *container, AVPacket *packet, bool *damaged);

#endif
