/* SPDX-License-Identifier: MIT */
#include "track.h"

#include <string.h>

/* A seek throws away what was read ahead and positions anew: as dear as reading so many bytes. */
#define SEEK_BYTES (256 << 10)

static int64_t stamp_of(const AVPacket *packet)
{
    return packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
}

void wn_track_begin(struct wn_track *t, struct wn_input *input, const struct wn_packets *packets)
{
    const char *kind = input->container_name;

    *t = (struct wn_track){.input = input, .packets = packets, .at = -1};
    t->by_bytes = strncmp(kind, "mov", 3) && strncmp(kind, "matroska", 8);
}

void wn_track_end(struct wn_track *t)
{
    wn_container_close(&t->file);
}

static int read_ours(struct wn_track *t, AVPacket *packet)
{
    struct wn_input *in = t->input;
    struct wn_container *file = t->by_bytes ? t->file : in->file;

    for (;;) {
        const int err = wn_container_read(file, packet, &in->read_damaged);
        if (err || packet->stream_index == in->stream->index)
            return err;
        av_packet_unref(packet);
    }
}

static int read_without_jumps(struct wn_track *t, int64_t at, AVPacket *packet);

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
    if (stamp_of(packet) == wn_packet_stamp(t->packets, t->at)) {
        t->at++;
        return WN_OK;
    }
    const int64_t at = t->at;
    t->at = -1;
    av_packet_unref(packet);
    return t->by_bytes && !t->no_jump ? read_without_jumps(t, at, packet) : WN_EOF;
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

/* As the index was made: opened, and read from the first packet on. */
static int begin_again(struct wn_track *t)
{
    struct wn_input *in = t->input;
    int err;

    wn_container_close(&t->file);
    TRY(wn_container_open(&t->file, in->p.url, in->file->log));
    t->file->stop = in->p.stop;
    if (in->stream->index >= (int)t->file->fmt->nb_streams)
        return WN_EOF;
    for (unsigned i = 0; i < t->file->fmt->nb_streams; i++)
        t->file->fmt->streams[i]->discard =
            (int)i == in->stream->index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    t->at = 0;
fail:
    return err;
}

/* Behind a seek to bytes stamps may come out otherwise, where not all packets carry their own. */
static int read_without_jumps(struct wn_track *t, int64_t at, AVPacket *packet)
{
    int err;

    t->no_jump = true;
    TRY(begin_again(t));
    if (!err)
        err = skip_to(t, at);
    return err ? err : wn_track_read(t, packet);
fail:
    return err;
}

/* To the bytes at which a key frame's packet began when the index was made. It is taken for that
 * packet where it has its stamp and its size; WN_EOF: it is not there. */
static int jump(struct wn_track *t, int64_t packet)
{
    const struct wn_packets *x = t->packets;
    const int64_t gop = wn_packet_gop(x, packet);
    AVPacket *p = t->input->packet;
    const int64_t pos = x->pos && gop >= 0 && x->key[gop] == packet ? x->pos[gop] : -1;

    if (pos < 0 || av_seek_frame(t->file->fmt, -1, pos, AVSEEK_FLAG_BYTE) < 0)
        return WN_EOF;
    const int err = read_ours(t, p);
    if (err)
        return err;
    /* A zero before a start code goes to the packet before, where there is one. */
    if (p->size == wn_packet_bytes(x, packet) + 1 && !p->data[0]) {
        p->data++;
        p->size--;
    }
    if (!(p->flags & AV_PKT_FLAG_KEY) || stamp_of(p) != wn_packet_stamp(x, packet) ||
        p->size != wn_packet_bytes(x, packet) || p->pos != pos) {
        av_packet_unref(p);
        return WN_EOF;
    }
    t->at = packet;
    t->pending = true;
    return WN_OK;
}

/* In a file whose seeks by time are guesses. */
static int go_by_bytes(struct wn_track *t, int64_t packet, bool near)
{
    int err = WN_OK;

    if (near)
        return skip_to(t, packet);
    if (t->pending)
        av_packet_unref(t->input->packet);
    t->pending = false;
    if (!t->file)
        TRY(begin_again(t));
    if (!err && packet != t->at && !t->no_jump) {
        t->at = -1;
        err = jump(t, packet);
        if (err != WN_EOF)
            return err;
        t->no_jump = true;
        err = WN_OK;
    }
    if (!err && (t->at < 0 || t->at > packet))
        TRY(begin_again(t));
    return err ? err : skip_to(t, packet);
fail:
    return err;
}

/* What lies between is read on where that is cheaper than a seek. */
static bool is_near(const struct wn_track *t, int64_t packet)
{
    int64_t bytes = 0;

    if (t->at < 0 || t->at > packet)
        return false;
    for (int64_t i = t->at; i < packet && bytes < SEEK_BYTES; i++)
        bytes += wn_packet_bytes(t->packets, i);
    return bytes < SEEK_BYTES;
}

int wn_track_go(struct wn_track *t, int64_t packet)
{
    const struct wn_packets *x = t->packets;
    struct wn_input *in = t->input;
    const bool near = is_near(t, packet);

    if (t->by_bytes)
        return go_by_bytes(t, packet, near);
    if (near)
        return skip_to(t, packet);
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
