/* SPDX-License-Identifier: MIT */
#include "input.h"

#include "images.h"

#include <libavutil/display.h>
#include <libavutil/pixdesc.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A stream that gives no picture for this many packets is given up. */
#define MAX_FAILED_PACKETS 3000
#define DEFAULT_MAX_PIXELS 178956970

/* ---- one frame out of libavcodec ---- */

static int send_packet(struct wn_input *in, const AVPacket *packet)
{
    const int ret = avcodec_send_packet(in->codec, packet);

    if (ret == AVERROR(ENOMEM))
        return wn_nomem(in->file->log, "decoding");
    if (packet && ret < 0 && ret != AVERROR(EAGAIN) && ret != AVERROR_EOF)
        in->errors += in->seek_target < 0;
    return WN_OK;
}

static bool wants_packet(const struct wn_input *in, const AVPacket *packet)
{
    return packet->stream_index == in->stream->index &&
           (!in->key_only || (packet->flags & AV_PKT_FLAG_KEY));
}

/* Reads up to a packet of ours and gives it to the decoder; at the end tells the decoder so. */
static int feed(struct wn_input *in)
{
    int err = WN_OK;

    for (;;) {
        err = wn_container_read(in->file, in->packet, &in->read_damaged);
        if (err == WN_EOF) {
            in->drained = true;
            return send_packet(in, NULL);
        }
        if (err < 0)
            return err;
        if (wants_packet(in, in->packet))
            break;
        av_packet_unref(in->packet);
    }
    if (in->packet->dts != AV_NOPTS_VALUE)
        in->last_dts = in->packet->dts;
    if (av_packet_get_side_data(in->packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL))
        err = wn_fail(in->file->log, WN_ERR_UNSUPPORTED, "%s: the video is encrypted",
                      in->file->name);
    else
        err = send_packet(in, in->packet);
    if (!in->first && !err)
        in->first = av_packet_clone(in->packet);
    av_packet_unref(in->packet);
    if (!err && ++in->failed_packets > MAX_FAILED_PACKETS)
        in->drained = true;
    return err;
}

static int receive(struct wn_input *in, AVFrame *frame)
{
    for (;;) {
        const int stopped = wn_container_stopped(in->file);
        if (stopped)
            return stopped;
        const int ret = in->failed_packets > MAX_FAILED_PACKETS
            ? AVERROR_EOF : wn_input_receive(in->codec, frame);
        if (ret >= 0) {
            in->failed_packets = 0;
            return WN_OK;
        }
        if (ret == AVERROR_EOF)
            return WN_EOF;
        if (ret == AVERROR(ENOMEM))
            return wn_nomem(in->file->log, "decoding");
        if (ret != AVERROR(EAGAIN)) {
            in->errors += in->seek_target < 0;
            continue;
        }
        if (in->drained)
            return WN_EOF;
        const int err = feed(in);
        if (err)
            return err;
    }
}

/* ---- what is known of a frame ---- */

static const int32_t *display_matrix(const struct wn_input *in, const AVFrame *frame)
{
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    size_t size = 0;

    if (side && side->size >= 9 * sizeof(int32_t))
        return (const int32_t *)side->data;
    const uint8_t *data = av_stream_get_side_data(in->stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
}

/* A container that is wrong of the picture's proportions has made its pixels' from them. */
static bool honest_size(const struct wn_input *in, const AVFrame *frame)
{
    const int i = in->stream->index;
    const double w = i < WN_MAX_STREAMS ? in->file->header_width[i] : 0;
    const double h = i < WN_MAX_STREAMS ? in->file->header_height[i] : 0;

    return w <= 0 || h <= 0 || fabs(w * frame->height - h * frame->width) <= 0.1 * h * frame->width;
}

static void find_shape(const struct wn_input *in, const AVFrame *frame, struct wn_shape *shape)
{
    const AVDictionaryEntry *exif = av_dict_get(frame->metadata, "Orientation", NULL, 0);

    wn_shape_matrix(shape, display_matrix(in, frame));
    if (exif && in->still)
        wn_shape_exif(shape, (int)strtol(exif->value, NULL, 10));
    wn_shape_size(shape, frame->width, frame->height,
                  honest_size(in, frame)
                      ? av_guess_sample_aspect_ratio(in->file->fmt, in->stream, (AVFrame *)frame)
                      : frame->sample_aspect_ratio);
}

static int check_count(const struct wn_input *in)
{
    if (in->p.max_frames > 0 && in->count > in->p.max_frames)
        return wn_fail(in->file->log, WN_ERR_LIMIT, "%s: more frames than the limit of %" PRId64,
                       in->file->name, in->p.max_frames);
    return WN_OK;
}

int wn_input_count(struct wn_input *in, int64_t frames, int64_t errors)
{
    in->count += frames;
    in->errors += errors;
    return check_count(in);
}

static int check_frame(const struct wn_input *in, const struct wn_picture *p)
{
    const struct wn_container *file = in->file;
    const AVFrame *f = p->frame;
    const int64_t pixels =
        WN_MAX((int64_t)f->width * f->height, (int64_t)p->shape.width * p->shape.height);

    if (f->width <= 0 || f->height <= 0 || !av_pix_fmt_desc_get(f->format))
        return wn_fail(file->log, WN_ERR_DATA, "%s: a picture without a size or format",
                       file->name);
    if (pixels > in->p.max_pixels)
        return wn_input_too_large(in, p->shape.width, p->shape.height);
    if (check_count(in) < 0)
        return WN_ERR_LIMIT;
    if (in->p.max_duration > 0 && p->time - in->p.start > in->p.max_duration)
        return wn_fail(file->log, WN_ERR_LIMIT, "%s: longer than the limit of %.1f seconds",
                       file->name, in->p.max_duration);
    return WN_OK;
}

int wn_input_describe(const struct wn_input *in, struct wn_picture *p)
{
    find_shape(in, p->frame, &p->shape);
    return check_frame(in, p);
}

static int decode_one(struct wn_input *in, struct wn_picture **out)
{
    struct wn_picture *p = NULL;
    int err = wn_picture_create(&p);

    if (err)
        return wn_nomem(in->file->log, "a picture");
    err = receive(in, p->frame);
    if (err)
        goto fail;
    const bool marred = p->frame->decode_error_flags || (p->frame->flags & AV_FRAME_FLAG_CORRUPT);
    in->errors += marred && in->seek_target < 0;
    p->number = in->numbered ? in->count : -1;
    in->count++;
    p->key = p->frame->key_frame;
    p->time = wn_clock_time(&in->clock, p->frame);
    TRY(wn_input_describe(in, p));
    *out = p;
    return WN_OK;
fail:
    wn_picture_free(&p);
    return err;
}

/* ---- opening ---- */

static int no_picture(struct wn_input *in)
{
    const struct wn_container *file = in->file;
    const AVCodecParameters *par = in->stream->codecpar;

    if ((int64_t)par->width * par->height > in->p.max_pixels)
        return wn_input_too_large(in, par->width, par->height);
    if (file->animated_webp)
        return wn_fail(file->log, WN_ERR_UNSUPPORTED,
                       "%s: animated WebP is not supported by this FFmpeg (%s)", file->name,
                       av_version_info());
    return wn_fail(file->log, WN_ERR_DATA, "%s: damaged: no frame could be decoded", file->name);
}

/* The first picture; of formats for stills the second too, which tells whether they move. */
static int decode_ahead(struct wn_input *in)
{
    const int want = in->still && !in->cover ? 2 : 1;
    int err = WN_OK;

    while (in->ahead.n < want) {
        struct wn_picture *p = NULL;
        err = decode_one(in, &p);
        if (err == WN_EOF)
            break;
        if (err)
            return err;
        wn_pictures_put(&in->ahead, p);
    }
    if (!in->ahead.n)
        return no_picture(in);
    if (in->ahead.n > 1) {
        in->still = false;
        in->duration = 0;
        if (in->stream->duration > 0)
            in->duration = (double)in->stream->duration * av_q2d(in->stream->time_base);
    }
    return WN_OK;
}

static void drop_last(struct wn_pictures *list)
{
    struct wn_pictures kept = {0};

    while (list->n > 1)
        wn_pictures_put(&kept, wn_pictures_take(list));
    wn_pictures_clear(list);
    *list = kept;
}

/* The first picture is opened as a file; the others follow it, a second apart. */
static int open_folder(struct wn_input **out, const struct wn_decoder_params *params)
{
    struct wn_decoder_params p = *params;
    struct wn_images *images = NULL;
    struct wn_input *in = NULL;
    int err;

    TRY(wn_images_list(&images, params->url, params->log));
    p.url = images->path[0];
    TRY(wn_input_open(&in, &p));
    images->next = 1;
    while (in->ahead.n > 1) /* of an animation the first picture alone */
        drop_last(&in->ahead);
    in->images = images;
    in->still = false;
    in->no_seek = true;
    in->fps = 1;
    in->duration = images->n;
    in->clock.frame = 1;
    in->end = params->end;
    wn_printable(in->file->name, sizeof(in->file->name), params->url);
    *out = in;
    return WN_OK;
fail:
    wn_images_free(&images);
    return err;
}

int wn_input_open(struct wn_input **out, const struct wn_decoder_params *params)
{
    if (wn_images_is_folder(params->url))
        return open_folder(out, params);
    struct wn_input *in = wn_calloc(1, sizeof(*in));
    int err;

    if (!in)
        return wn_nomem(params->log, "a decoder");
    in->p = *params;
    if (in->p.max_pixels <= 0)
        in->p.max_pixels = DEFAULT_MAX_PIXELS;
    in->numbered = true;
    TRY(wn_container_open(&in->file, params->url, params->log));
    in->file->stop = params->stop;
    in->packet = av_packet_alloc();
    if (!in->packet) {
        err = wn_nomem(params->log, "a decoder");
        goto fail;
    }
    TRY(wn_input_choose(in));
    TRY(decode_ahead(in));
    *out = in;
    return WN_OK;
fail:
    wn_input_close(&in);
    return err;
}

void wn_input_close(struct wn_input **input)
{
    struct wn_input *in = *input;

    if (!in)
        return;
    wn_pictures_clear(&in->ahead);
    wn_images_free(&in->images);
    av_buffer_unref(&in->hw);
    avcodec_free_context(&in->codec); /* before the notes that its threads write to */
    av_packet_free(&in->packet);
    av_packet_free(&in->first);
    wn_container_close(&in->file);
    free(in);
    *input = NULL;
}

/* ---- reading on ---- */

static void only_keys(struct wn_input *in)
{
    in->key_only = true;
    in->numbered = false;
    in->codec->skip_frame = AVDISCARD_NONKEY;
    in->stream->discard = AVDISCARD_NONKEY;
}

int wn_input_progress(struct wn_input *in, double time)
{
    const double end = in->end > 0 ? in->end : in->duration;
    const double span = end - in->p.start;

    if (!in->p.on_progress || span <= 0)
        return WN_OK;
    const double done = fmin(1, fmax(0, (time - in->p.start) / span));
    if (in->p.on_progress(in->p.opaque, done))
        return wn_fail(in->file->log, WN_ERR_ABORTED, "%s: stopped", in->file->name);
    return WN_OK;
}

static int finish_reading(struct wn_input *in)
{
    if (in->duration <= 0 && !in->still)
        in->duration = in->clock.last + in->clock.frame;
    return WN_EOF;
}

static int take_next(struct wn_input *in, struct wn_picture **out)
{
    *out = wn_pictures_take(&in->ahead);
    if (*out)
        return WN_OK;
    if (!in->images)
        return decode_one(in, out);
    const int err = wn_images_next(in->images, &in->p, out);
    in->count += *out != NULL;
    if (!err && *out && in->p.max_frames > 0 && in->count > in->p.max_frames)
        return wn_fail(in->file->log, WN_ERR_LIMIT, "%s: more pictures than the limit of %" PRId64,
                       in->file->name, in->p.max_frames);
    return err < 0 ? err : *out ? WN_OK : WN_EOF;
}

int wn_input_next(struct wn_input *in, const struct wn_wanted *wanted, struct wn_picture **out)
{
    struct wn_picture *p = NULL;
    bool arrived;
    int err;

    if (wanted->key_only && !in->key_only)
        only_keys(in);
    TRY(wn_input_seek(in, fmax(in->p.start, wanted->from)));
    for (;;) {
        err = take_next(in, &p);
        if (err < 0)
            goto fail;
        TRY(wn_input_arrived(in, p, &arrived));
        if (arrived && (!p || (in->end > 0 && p->time >= in->end))) {
            wn_picture_free(&p);
            return finish_reading(in);
        }
        if (arrived && p->time >= in->p.start)
            break;
        wn_picture_free(&p);
    }
    TRY(wn_input_progress(in, p->time));
    *out = p;
    return WN_OK;
fail:
    wn_picture_free(&p);
    return err;
}

/* Some damage shows only in what the decoder says: a cut still, a start between key frames. */
static int64_t all_errors(const struct wn_input *in)
{
    if (in->errors || in->sought) /* a seek alone makes decoders complain */
        return in->errors;
    return wn_notes_complaints(&in->file->notes) > 0;
}

void wn_input_media(const struct wn_input *in, struct wn_media *media)
{
    const struct wn_picture *first = in->ahead.head;

    if (first) {
        wn_shape_upright(&first->shape, &media->width, &media->height);
        media->rotation = wn_shape_rotation(&first->shape);
    }
    media->duration = in->duration;
    media->fps = in->still ? 0 : in->fps;
    media->codec = in->codec_name;
    media->container = in->container_name;
    media->still = in->still;
    media->frames_decoded = in->count;
    media->decode_errors = all_errors(in);
    media->partial = media->decode_errors > 0 || in->truncated || in->read_damaged;
}
