/* SPDX-License-Identifier: MIT */
/* The packet index: when each picture of a file is shown, how many bytes it takes and where the key
 * frames stand, found in one pass over the packets without decoding anything.
 *
 * Packets are numbered in the order in which they are stored and decoded; frames in the order in
 * which they are shown, as reading through counts them. A GOP is a key frame and the packets up to
 * the next one. All numbers count from 0. An index never changes once it is made: any thread may
 * read it. It takes three to four bytes a packet and 8 a GOP: ten hours of film fit in 4 MB.
 *
 * It is only a promise of the container's. Whoever decodes by it compares what comes out. */
#ifndef WN_DECODE_INDEX_H
#define WN_DECODE_INDEX_H

#include <libavcodec/codec_id.h>
#include <libavutil/rational.h>

#include "pipeline/util.h"

struct wn_bits {
    uint8_t *data;
    int64_t n, room;      /* bits, bytes */
};

/* Numbers first + i * step + unit * bits i. */
struct wn_run_of {
    int64_t first, step, unit;
    int64_t at;           /* of their bits */
    uint8_t width;
};

struct wn_packet_block { /* of 256 */
    struct wn_run_of size;  /* bytes << 1 | not shown */
    struct wn_run_of stamp;
};

struct wn_packets {
    AVRational base;      /* of stamps */
    int64_t start;        /* stamp of time 0 */
    int64_t n, n_frames, n_gops;
    int64_t bytes;        /* of all packets */
    /* Every shown picture has a stamp of its own, the first packet is a key frame, and the kind of
     * file keeps its promises: frames may be chosen by this index. Without it only the counts, the
     * bytes and the GOPs tell something. */
    bool regular;
    bool cached;          /* read from the cache */
    double seconds;       /* that making or reading it took */

    uint32_t *key;        /* [n_gops] first packets */
    int32_t *lag;         /* [n_gops] stamps by which decoding runs ahead of showing */
    int64_t *pos;         /* [n_gops] bytes to read them from, of a kind of file whose seeks are
                             guesses; -1: not known; NULL: its seeks are exact */

    /* What the functions below read. */
    struct wn_packet_block *block; /* [n / 256, rounded up] */
    struct wn_run_of *order;       /* [n_frames / 256, rounded up]; NULL when not regular */
    struct wn_bits bits, order_bits;
};

struct wn_samples;

struct wn_packets_params {
    const char *url;       /* of a plain file */
    int stream;
    struct wn_samples *samples; /* of the file, opened by them; else NULL: it is opened again */
    AVRational base;       /* of its stamps, with `samples` */
    enum AVCodecID codec;
    int64_t start;         /* stamp of time 0 */
    const char *cache_dir; /* NULL: no cache */
    bool cached_only;      /* WN_EOF when the cache does not have it */
    struct wn_log *log;
};

/* Whether the kind of file is one whose stamps are written down, not worked out by libav. */
bool wn_packets_trusted(const char *container);
int wn_packets_load(struct wn_packets **out, const struct wn_packets_params *params);
void wn_packets_free(struct wn_packets **packets);

int64_t wn_unpack(const struct wn_bits *bits, const struct wn_run_of *run, int i);

static inline int64_t wn_packet_stamp(const struct wn_packets *x, int64_t i)
{
    return wn_unpack(&x->bits, &x->block[i / 256].stamp, (int)(i % 256));
}

static inline int64_t wn_packet_bytes(const struct wn_packets *x, int64_t i)
{
    return wn_unpack(&x->bits, &x->block[i / 256].size, (int)(i % 256)) >> 1;
}

static inline bool wn_packet_hidden(const struct wn_packets *x, int64_t i)
{
    return wn_unpack(&x->bits, &x->block[i / 256].size, (int)(i % 256)) & 1;
}

/* The packet of a frame, of a regular index. */
static inline int64_t wn_frame_packet(const struct wn_packets *x, int64_t frame)
{
    return wn_unpack(&x->order_bits, &x->order[frame / 256], (int)(frame % 256));
}

/* Seconds from the stream's start. */
double wn_packet_time(const struct wn_packets *x, int64_t i);
int64_t wn_packet_gop(const struct wn_packets *x, int64_t i); /* -1: before the first key frame */
/* Of a regular index: the GOP to decode for a frame that is shown at this stamp (at or after its
 * key frame: what is shown before the key frame leans on the GOP before). */
int64_t wn_stamp_gop(const struct wn_packets *x, int64_t stamp);
/* Of a regular index: the number of the frame that this packet shows; -1: none. */
int64_t wn_packet_frame(const struct wn_packets *x, int64_t i);

struct wn_gop {
    int64_t first, n;     /* packets */
    int64_t bytes, key_bytes;
    double start, end;    /* seconds: of its key frame and of the next one (or the last picture) */
};
void wn_gop_get(const struct wn_packets *x, int64_t gop, struct wn_gop *out);

#endif
