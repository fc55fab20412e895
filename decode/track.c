/* SPDX-License-Identifier: MIT */
#include "track.h"

#include <string.h>

/* A seek throws away what was read ahead and positions anew: as dear as reading so many bytes. */
#define SEEK_BYTES (256 << 10)

static int64_t stamp_of(const AVPacket *packet)
{
    return packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
}

static int read_ours(struct wn_track *t, AVPacket *packet)
{
    struct wn_input *in = t->input;

    for (;;) {
        const int err = wn_container_read(in->file, packet, &in->read_damaged);
        if (err || packet->stream_index == in->stream->index)
            return err;
        av_packet_unref(packet);
    }
}

int wn_track_read(struct wn_track *t, AVPacket *packet)
{
    if (t->at < 0 || t->at >= t->packets->n)
        return WN_EOF;
    if (t->pending) {
        av_packet_move_ref(packet, t->input->packet);
        t->pending = false;
        t->at++;
        return WN_OK;
    }
    const int err = read_ours(t, packet);
    if (err)
        return err;
    if (stamp_of(packet) != wn_packet_stamp(t->packets, t->at)) {
        t->at = -1;
        av_packet_unref(packet);
        return WN_EOF;
    }
    t->at++;
    return WN_OK;
}

static int skip_to(struct wn_track *t, int64_t packet)
{
    AVPacket *p = av_packet_alloc();
    int err = p ? WN_OK : wn_nomem(t->input->file->log, "a packet");

    while (!err && t->at < packet) {
        err = wn_track_read(t, p);
        if (!err)
            av_packet_unref(p);
    }
    av_packet_free(&p);
    return err;
}

/* The read position is somewhere at or before the wanted packet, which is told by its stamp. */
static int find(struct wn_track *t, int64_t packet)
{
    const int64_t stamp = wn_packet_stamp(t->packets, packet);
    AVPacket *p = t->input->packet;
    int err = WN_OK;

    for (bool found = false; !found;) {
        err = read_ours(t, p);
        if (err)
            return err;
        found = stamp_of(p) == stamp && (p->flags & AV_PKT_FLAG_KEY || packet == 0);
        if (!found && p->flags & AV_PKT_FLAG_KEY && stamp_of(p) > stamp)
            err = WN_EOF;
        if (err) {
            av_packet_unref(p);
            return err;
        }
        if (!found)
            av_packet_unref(p);
    }
    t->at = packet;
    t->pending = true;
    return WN_OK;
}

int wn_track_go(struct wn_track *t, int64_t packet)
{
    const struct wn_packets *x = t->packets;
    struct wn_input *in = t->input;
    int64_t bytes = 0;

    if (t->at >= 0 && t->at <= packet) {
        for (int64_t i = t->at; i < packet && bytes < SEEK_BYTES; i++)
            bytes += wn_packet_bytes(x, i);
        if (bytes < SEEK_BYTES)
            return skip_to(t, packet);
    }
    const int64_t gop = wn_packet_gop(x, packet);
    /* Matroska seeks by the time of showing, the others by that of decoding. */
    const bool shown = !strncmp(in->container_name, "matroska", 8);
    const int64_t stamp = wn_packet_stamp(x, packet) - (shown || gop < 0 ? 0 : x->lag[gop]);
    if (t->pending)
        av_packet_unref(in->packet);
    t->pending = false;
    t->at = -1;
    if (wn_container_seek(in->file, in->stream->index, stamp) < 0)
        return WN_EOF;
    return find(t, packet);
}
