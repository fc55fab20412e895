/* SPDX-License-Identifier: MIT */
#include "lane.h"

#include <stdlib.h>

/* Whether skipping what the stream marks as leaned on by nothing leaves all else as it is. HEVC
 * says so for one layer of time only, and its header counts them. */
static bool can_skip(const AVCodecContext *c)
{
    switch (c->codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_VP8:
        return true;
    case AV_CODEC_ID_HEVC:
        return c->extradata_size >= 23 && c->extradata[0] == 1 &&
               (c->extradata[21] >> 3 & 7) == 1;
    default:
        return false;
    }
}

int wn_lane_open(struct wn_lane *lane, const struct wn_reader_params *p, int n_threads)
{
    struct wn_input *in = p->input;
    int err = WN_OK;

    lane->frame = av_frame_alloc();
    if (!lane->frame)
        return wn_nomem(in->file->log, "a decoder");
    lane->borrowed = !n_threads;
    if (lane->borrowed)
        lane->codec = in->codec;
    else
        err = wn_input_codec(in, n_threads, &lane->codec);
    if (err < 0)
        return err;
    if (!lane->borrowed)
        lane->codec->has_b_frames = in->codec->has_b_frames;
    lane->skips = can_skip(lane->codec);
    return WN_OK;
}

void wn_lane_close(struct wn_lane *lane)
{
    if (lane->codec && lane->borrowed)
        lane->codec->skip_frame = AVDISCARD_DEFAULT;
    else
        avcodec_free_context(&lane->codec);
    lane->codec = NULL;
    av_frame_free(&lane->frame);
}

/* Some streams tell in their first packet alone what every other one needs (x264 writes its version
 * there, and decoders mend that version's faults), so each decoder gets to see it. */
static int show_first(struct wn_lane *lane, const struct wn_input *in)
{
    int ret = in->first ? avcodec_send_packet(lane->codec, in->first) : 0;

    if (in->first && ret >= 0)
        ret = avcodec_send_packet(lane->codec, NULL);
    while (ret >= 0)
        ret = avcodec_receive_frame(lane->codec, lane->frame);
    return ret == AVERROR(ENOMEM) ? wn_nomem(in->file->log, "decoding") : WN_OK;
}

int wn_lane_begin(struct wn_lane *lane, const struct wn_reader_params *p)
{
    int err = WN_OK;

    if (!lane->shown_first && !lane->borrowed) {
        lane->codec->skip_frame = AVDISCARD_DEFAULT;
        err = show_first(lane, p->input);
    }
    lane->shown_first = true;
    avcodec_flush_buffers(lane->codec);
    return err;
}

/* The chosen frame that is shown at this stamp; -1: it was not chosen. */
static int64_t find(const struct wn_reader_params *p, const struct wn_stretch *s, int64_t stamp)
{
    int64_t low = s->from, high = s->to;

    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (wn_packet_stamp(p->packets, wn_frame_packet(p->packets, p->frame[middle])) <= stamp)
            low = middle;
        else
            high = middle;
    }
    const int64_t packet = wn_frame_packet(p->packets, p->frame[low]);
    return wn_packet_stamp(p->packets, packet) == stamp ? low : -1;
}

/* In order of time, wherever the decoder puts it. */
static void insert(struct wn_pictures *list, struct wn_picture *picture)
{
    struct wn_picture **at = &list->head;

    if (!list->tail || list->tail->number < picture->number) {
        wn_pictures_put(list, picture);
        return;
    }
    while (*at && (*at)->number < picture->number)
        at = &(*at)->next;
    picture->next = *at;
    *at = picture;
    list->n++;
}

static int take(struct wn_lane *lane, const struct wn_reader_params *p, struct wn_job *job,
                int64_t chosen)
{
    const struct wn_packets *x = p->packets;
    const int64_t packet = wn_frame_packet(x, p->frame[chosen]);
    struct wn_picture *picture = NULL;
    int err = wn_picture_create(&picture);

    if (err < 0)
        return wn_nomem(p->input->file->log, "a picture");
    av_frame_move_ref(picture->frame, lane->frame);
    picture->number = p->frame[chosen];
    picture->time = wn_packet_time(x, packet);
    picture->key = picture->frame->key_frame;
    TRY(wn_input_describe(p->input, picture));
    const int more = p->prepare ? p->prepare(p->opaque, lane->number, picture) : WN_OK;
    TRY(more);
    job->bytes += wn_picture_bytes(picture);
    job->taken++;
    insert(&job->pictures, picture);
    return lane->borrowed ? WN_OK : more;
fail:
    wn_picture_free(&picture);
    return err;
}

/* A decoder that starts at a key frame must show it first: else the key frame was not whole (a
 * picture refreshed in slices), or is damaged. */
static int receive(struct wn_lane *lane, const struct wn_reader_params *p, struct wn_job *job)
{
    const struct wn_packets *x = p->packets;

    for (;;) {
        const int ret = wn_input_receive(lane->codec, lane->frame);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return ret == AVERROR_EOF ? WN_EOF : WN_OK;
        if (ret == AVERROR(ENOMEM))
            return wn_nomem(p->input->file->log, "decoding");
        if (ret < 0) {
            job->errors++;
            continue;
        }
        const int64_t stamp = lane->frame->best_effort_timestamp;
        const bool marred = lane->frame->decode_error_flags ||
                            (lane->frame->flags & AV_FRAME_FLAG_CORRUPT);
        job->errors += marred;
        job->decoded++;
        if (!job->begun && job->stretch.first > 0) {
            const int64_t key = wn_packet_stamp(x, job->stretch.first);
            job->begun = stamp >= key; /* what is shown before it leans on what was not read */
            job->bad = stamp > key;
        }
        const int64_t chosen = find(p, &job->stretch, stamp);
        const int err = chosen >= 0 ? take(lane, p, job, chosen) : WN_OK;
        av_frame_unref(lane->frame);
        if (err)
            return err;
    }
}

int wn_lane_send(struct wn_lane *lane, const struct wn_reader_params *p, struct wn_job *job,
                 const AVPacket *packet, int64_t number)
{
    const struct wn_packets *x = p->packets;
    int ret = wn_container_stopped(p->input->file);

    if (ret)
        return ret;
    if (packet && lane->skips) {
        const int64_t chosen = wn_packet_hidden(x, number)
                                   ? -1 : find(p, &job->stretch, wn_packet_stamp(x, number));
        const bool needed = chosen >= 0 && !(p->spare && p->spare[chosen]);
        lane->codec->skip_frame = needed ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
    }
    do {
        ret = avcodec_send_packet(lane->codec, packet);
        const int err = receive(lane, p, job);
        if (err)
            return err;
    } while (ret == AVERROR(EAGAIN));
    if (ret == AVERROR(ENOMEM))
        return wn_nomem(p->input->file->log, "decoding");
    if (ret < 0 && ret != AVERROR_EOF)
        job->errors++;
    return WN_OK;
}
