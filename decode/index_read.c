/* SPDX-License-Identifier: MIT */
#include "container.h"
#include "index_parts.h"

#include <libavcodec/avcodec.h>
#include <libavutil/common.h>

#include <string.h>

struct builder {
    struct wn_index_build build;
    struct wn_packets *x;
    struct wn_container *file;
    const AVStream *stream;
    enum AVCodecID codec;
    int64_t highest;      /* stamp so far */
    bool stamped;         /* all of them so far */
    bool hollow;
    bool reorders;        /* the codec may store pictures in another order than it shows them */
};

/* Packets that the decoder takes in and shows nothing for. */
static bool is_hidden(const struct builder *b, const AVPacket *packet)
{
    if (packet->flags & AV_PKT_FLAG_DISCARD)
        return true;
    return b->codec == AV_CODEC_ID_VP8 && !b->hollow && packet->size > 0 &&
           !(packet->data[0] & 0x10);
}

static int add(struct builder *b, const AVPacket *packet)
{
    struct wn_packets *x = b->x;
    int64_t stamp = packet->pts;
    int err = WN_OK;

    if (stamp == AV_NOPTS_VALUE) {
        b->stamped &= packet->dts != AV_NOPTS_VALUE && !b->reorders;
        stamp = packet->dts != AV_NOPTS_VALUE ? packet->dts : x->n ? b->highest : 0;
    }
    /* A decoder that does not reorder shows a falling stamp as it is: a clock that fell back. */
    if (x->n && stamp < b->highest && !b->reorders)
        x->regular = false;
    b->highest = x->n ? WN_MAX(b->highest, stamp) : stamp;
    if (packet->flags & AV_PKT_FLAG_KEY) {
        TRY(wn_index_add_key(&b->build, packet->dts != AV_NOPTS_VALUE
                                            ? av_sat_sub64(stamp, packet->dts) : 0));
        if (b->build.places)
            x->pos[x->n_gops - 1] = packet->pos;
    }
    TRY(wn_index_add(&b->build, stamp, packet->size, is_hidden(b, packet)));
fail:
    return err;
}

static bool is_one_of(const char *name, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (!strncmp(name, list[i], strlen(list[i])))
            return true;
    return false;
}

bool wn_packets_trusted(const char *container)
{
    static const char *const list[] = {"mov", "matroska", "mpegts", "flv"};

    return is_one_of(container, list, WN_LEN(list));
}

/* Whether packets can be read from any byte at which one of them begins. */
static bool has_places(const char *container)
{
    static const char *const list[] = {"mpegts", "flv"};

    return is_one_of(container, list, WN_LEN(list));
}

/* Where a parser cuts packets out of a stream, each field may be one of its own, and two of them
 * are shown as one picture. */
static bool is_field(const AVStream *stream)
{
    const AVCodecParserContext *parser = av_stream_get_parser(stream);

    return parser && stream->codecpar->codec_id == AV_CODEC_ID_H264 &&
           (parser->picture_structure == AV_PICTURE_STRUCTURE_TOP_FIELD ||
            parser->picture_structure == AV_PICTURE_STRUCTURE_BOTTOM_FIELD);
}

static int read_packets(struct builder *b)
{
    AVPacket *packet = av_packet_alloc();
    bool damaged = false;
    int err = packet ? WN_OK : WN_ERR_NOMEM;

    while (!err && b->x->n < WN_INDEX_MOST) {
        err = wn_container_read(b->file, packet, &damaged);
        if (!err && packet->stream_index == b->stream->index) {
            err = add(b, packet);
            b->x->regular &= !is_field(b->stream);
        }
        if (packet)
            av_packet_unref(packet);
    }
    av_packet_free(&packet);
    b->x->regular &= err == WN_EOF && !damaged;
    return err == WN_EOF ? WN_OK : err;
}

/* Through a file's own tables; whoever reads from them goes on where they were. */
static int read_samples(struct builder *b, struct wn_samples *samples)
{
    const int64_t before = wn_samples_at(samples);
    AVPacket *packet = av_packet_alloc();
    int err = packet ? wn_samples_go(samples, 0) : WN_ERR_NOMEM;

    while (!err && b->x->n < WN_INDEX_MOST) {
        const int ret = wn_samples_read(samples, packet, false);
        if (ret < 0) {
            b->x->regular &= ret == AVERROR_EOF;
            break;
        }
        err = add(b, packet);
    }
    b->x->regular &= b->x->n < WN_INDEX_MOST;
    av_packet_free(&packet);
    const int back = wn_samples_go(samples, before);
    return err ? err : back;
}

static int open_and_read(struct builder *b, const struct wn_packets_params *params)
{
    int err;

    TRY(wn_container_open_packets(&b->file, params->url, params->log, params->codec, &b->hollow));
    if (params->stream >= (int)b->file->fmt->nb_streams) {
        err = wn_fail(params->log, WN_ERR_DATA, "%s: changed while it was read", b->file->name);
        goto fail;
    }
    for (unsigned i = 0; i < b->file->fmt->nb_streams; i++)
        b->file->fmt->streams[i]->discard =
            (int)i == params->stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    b->stream = b->file->fmt->streams[params->stream];
    b->x->regular = wn_packets_trusted(b->file->fmt->iformat->name);
    b->build.places = has_places(b->file->fmt->iformat->name);
    b->x->base = b->stream->time_base;
    err = read_packets(b);
fail:
    wn_container_close(&b->file);
    return err;
}

int wn_index_read(struct wn_packets *x, const struct wn_packets_params *params)
{
    const AVCodecDescriptor *codec = avcodec_descriptor_get(params->codec);
    struct builder b = {.build.x = x, .x = x, .stamped = true, .codec = params->codec};
    int err;

    b.reorders = codec && (codec->props & AV_CODEC_PROP_REORDER);
    x->start = params->start;
    x->regular = true;
    x->base = params->base;
    err = params->samples ? read_samples(&b, params->samples) : open_and_read(&b, params);
    if (!err)
        err = wn_index_finish(&b.build);
    x->regular &= b.stamped && x->n_gops > 0 && x->key[0] == 0 && x->n_frames > 0;
    return err == WN_ERR_NOMEM ? wn_nomem(params->log, "the packet index") : err;
}
