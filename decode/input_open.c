/* SPDX-License-Identifier: MIT */
#include "input.h"

#include "hw.h"

#include <libavutil/pixdesc.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* libav counts rows padded for its vector code; the exact limit is checked on each frame. */
#define WIDTH_SLACK (64 * 65536)

static bool is_cover(const AVStream *stream)
{
    return (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

/* The first real video stream where libav's choice fell on a cover. */
static int beside_cover(const AVFormatContext *fmt, int best)
{
    for (unsigned i = 0; best >= 0 && is_cover(fmt->streams[best]) && i < fmt->nb_streams; i++)
        if (fmt->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
            !is_cover(fmt->streams[i]))
            return (int)i;
    return best;
}

static int no_stream(struct wn_input *in, int best)
{
    const struct wn_container *file = in->file;

    if (best == AVERROR_DECODER_NOT_FOUND)
        return wn_fail(file->log, WN_ERR_UNSUPPORTED,
                       "%s: this FFmpeg has no decoder for its video", file->name);
    return wn_fail(file->log, WN_ERR_DATA, "%s: no video stream", file->name);
}

static int choose_stream(struct wn_input *in)
{
    AVFormatContext *fmt = in->file->fmt;
    const char *name = in->file->name;
    int best;

    if (in->p.stream > 0) {
        best = in->p.stream - 1;
        if (in->p.stream > (int)fmt->nb_streams ||
            fmt->streams[best]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
            return wn_fail(in->file->log, WN_ERR_ARG, "%s: stream %d is not a video stream", name,
                           best);
    } else {
        best = beside_cover(fmt, av_find_best_stream(fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0));
    }
    if (best < 0)
        return no_stream(in, best);
    in->stream = fmt->streams[best];
    in->cover = is_cover(in->stream);
    if (in->cover && !in->p.allow_cover)
        return wn_fail(in->file->log, WN_ERR_DATA,
                       "%s: only cover art (an option takes it for an image)", name);
    for (unsigned i = 0; i < fmt->nb_streams; i++)
        fmt->streams[i]->discard = (int)i == best ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    return WN_OK;
}

int wn_input_too_large(const struct wn_input *in, int width, int height)
{
    return wn_fail(in->file->log, WN_ERR_LIMIT,
                   "%s: %d x %d pixels, more than the limit of %" PRId64, in->file->name, width,
                   height, in->p.max_pixels);
}

static bool one_picture_format(const char *name)
{
    const size_t n = strlen(name);

    return (n > 5 && !strcmp(name + n - 5, "_pipe")) || !strcmp(name, "gif") ||
           !strcmp(name, "apng") || !strcmp(name, "ico") || !strcmp(name, "jpegxl_anim");
}

int wn_input_codec(const struct wn_input *in, int n_threads, AVCodecContext **out)
{
    const AVCodecParameters *par = in->stream->codecpar;
    const struct wn_container *file = in->file;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    AVCodecContext *c = NULL;

    if (!codec)
        return wn_fail(file->log, WN_ERR_UNSUPPORTED, "%s: this FFmpeg has no decoder for %s",
                       file->name, avcodec_get_name(par->codec_id));
    c = avcodec_alloc_context3(codec);
    if (!c || avcodec_parameters_to_context(c, par) < 0) {
        avcodec_free_context(&c);
        return wn_nomem(file->log, "a decoder");
    }
    c->opaque = &in->file->notes;
    c->pkt_timebase = in->stream->time_base;
    c->max_pixels = WN_MIN(in->p.max_pixels, INT32_MAX - WIDTH_SLACK) + WIDTH_SLACK;
    c->thread_count = in->still ? 1 : n_threads;
    wn_hw_attach(c, in->hw);
    if (in->p.rough)
        c->skip_loop_filter = AVDISCARD_ALL;
    const int ret = avcodec_open2(c, codec, NULL);
    if (ret < 0) {
        avcodec_free_context(&c);
        if ((int64_t)par->width * par->height > in->p.max_pixels)
            return wn_input_too_large(in, par->width, par->height);
        return wn_fail(file->log, ret == AVERROR(ENOMEM) ? WN_ERR_NOMEM : WN_ERR_UNSUPPORTED,
                       "%s: the decoder for %s does not start: %s", file->name, codec->name,
                       av_err2str(ret));
    }
    *out = c;
    return WN_OK;
}

int wn_input_receive(AVCodecContext *codec, AVFrame *frame)
{
    int ret = avcodec_receive_frame(codec, frame);

    if (ret >= 0)
        ret = wn_hw_fetch(frame);
    if (ret < 0)
        av_frame_unref(frame);
    return ret;
}

static double stream_duration(const struct wn_input *in)
{
    const AVFormatContext *fmt = in->file->fmt;
    double d = 0;

    if (in->stream->duration != AV_NOPTS_VALUE)
        d = (double)in->stream->duration * av_q2d(in->stream->time_base);
    else if (fmt->duration != AV_NOPTS_VALUE)
        d = (double)fmt->duration / AV_TIME_BASE;
    return d > 0 && isfinite(d) ? d : 0;
}

static double rate(AVRational r)
{
    const double fps = r.num > 0 && r.den > 0 ? av_q2d(r) : 0;

    return fps > 0 && fps <= 1e6 ? fps : 0;
}

static void read_times(struct wn_input *in)
{
    const double guess = rate(av_guess_frame_rate(in->file->fmt, in->stream, NULL));

    in->fps = rate(in->stream->avg_frame_rate);
    if (in->fps <= 0)
        in->fps = guess;
    if (!in->still)
        in->duration = stream_duration(in);
    in->clock = (struct wn_clock){
        .base = in->stream->time_base,
        .start = in->stream->start_time,
        .frame = guess > 0 ? 1 / guess : 1.0 / 25,
    };
    in->end = in->p.end;
    in->last_dts = AV_NOPTS_VALUE;
    in->seek_entry = INT64_MIN;
    in->seek_target = -1;
}

static int check_limits(struct wn_input *in)
{
    const struct wn_container *file = in->file;
    const AVCodecParameters *par = in->stream->codecpar;
    const int64_t pixels = (int64_t)par->width * par->height;

    /* A video's container may lie about its size, and the decoder knows better. */
    if (in->still && pixels > in->p.max_pixels)
        return wn_input_too_large(in, par->width, par->height);
    const double shown =
        (in->p.end > 0 ? fmin(in->p.end, in->duration) : in->duration) - in->p.start;
    if (in->p.max_duration > 0 && shown > in->p.max_duration)
        return wn_fail(file->log, WN_ERR_LIMIT,
                       "%s: %.1f seconds long, more than the limit of %.1f", file->name, shown,
                       in->p.max_duration);
    return WN_OK;
}

int wn_input_choose(struct wn_input *in)
{
    const char *container = in->file->fmt->iformat->name;
    int err;

    TRY(choose_stream(in));
    in->still = in->cover || one_picture_format(container);
    wn_printable(in->container_name, sizeof(in->container_name), container);
    wn_printable(in->codec_name, sizeof(in->codec_name),
                 avcodec_get_name(in->stream->codecpar->codec_id));
    read_times(in);
    TRY(check_limits(in));
    /* Whether the index speaks of bytes that the file does not have. */
    in->truncated =
        in->file->size > 0 && wn_container_end(in->file, in->stream) > in->file->size;
    if (!in->still)
        TRY(wn_hw_open(&in->hw, in->p.hwaccel, avcodec_find_decoder(in->stream->codecpar->codec_id),
                       in->file->name, in->file->log));
    TRY(wn_input_codec(in, in->p.n_threads, &in->codec));
    return WN_OK;
fail:
    return err;
}
