/* SPDX-License-Identifier: MIT */
#include "decode_make.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libswscale/swscale.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The tests need no token filters, and the chain's parser only looks for them. */
const struct wn_filter *const wn_token_filters[] = {NULL};

#define CHECK(call)                                                                        \
    do {                                                                                   \
        const int check_ret = (call);                                                      \
        if (check_ret < 0) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                  \
                    av_err2str(check_ret));                                                \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

struct writer {
    AVFormatContext *fmt;
    AVCodecContext *codec;
    AVStream *video, *text;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *sws;
    uint8_t *rgb;
};

void paint_number(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = (uint8_t)(i % 16 * 16 + 8);
    rgb[1] = (uint8_t)(i / 16 % 16 * 16 + 8);
    rgb[2] = (uint8_t)(i / 256 % 16 * 16 + 8);
}

int read_number(const struct wn_frame *frame)
{
    const uint8_t *p = frame->rgb;

    return p[0] / 16 + p[1] / 16 * 16 + p[2] / 16 * 256;
}

void work_in(int argc, char **argv)
{
    if (argc > 1 && mkdir(argv[1], 0755) && errno != EEXIST)
        abort();
    if (argc > 1 && chdir(argv[1]))
        abort();
}

static void open_encoder(struct writer *w, const struct make *m)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(m->codec ? m->codec : "ffv1");

    if (!codec)
        abort();
    w->codec = avcodec_alloc_context3(codec);
    w->codec->width = m->width ? m->width : 16;
    w->codec->height = m->height ? m->height : 12;
    w->codec->pix_fmt = m->codec || m->format ? m->format : AV_PIX_FMT_BGR0;
    w->codec->time_base = m->pts ? (AVRational){1, 1000} : (AVRational){1, m->fps ? m->fps : 10};
    w->codec->framerate = (AVRational){m->fps ? m->fps : 10, 1};
    w->codec->sample_aspect_ratio = m->sar.num ? m->sar : (AVRational){1, 1};
    if (m->gop)
        w->codec->gop_size = m->gop;
    w->codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (w->fmt->oformat->flags & AVFMT_GLOBALHEADER)
        w->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    AVDictionary *options = NULL;
    if (m->options)
        CHECK(av_dict_parse_string(&options, m->options, "=", ":", 0));
    CHECK(avcodec_open2(w->codec, codec, &options));
    av_dict_free(&options);
}

static void set_matrix(AVStream *stream, const int *m)
{
    int32_t *matrix = (int32_t *)av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX,
                                                        9 * sizeof(int32_t));
    const int32_t whole[9] = {m[0] * 65536, m[1] * 65536, 0, m[2] * 65536, m[3] * 65536, 0, 0, 0,
                              1 << 30};

    memcpy(matrix, whole, sizeof(whole));
}

static void open_file(struct writer *w, const struct make *m)
{
    CHECK(avformat_alloc_output_context2(&w->fmt, NULL, NULL, m->path));
    w->fmt->flags |= AVFMT_FLAG_BITEXACT;
    open_encoder(w, m);
    w->video = avformat_new_stream(w->fmt, NULL);
    CHECK(avcodec_parameters_from_context(w->video->codecpar, w->codec));
    w->video->time_base = w->codec->time_base;
    w->video->avg_frame_rate = w->codec->framerate;
    w->video->sample_aspect_ratio = w->codec->sample_aspect_ratio;
    if (m->matrix)
        set_matrix(w->video, m->matrix);
    if (m->subtitles) {
        w->text = avformat_new_stream(w->fmt, NULL);
        w->text->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
        w->text->codecpar->codec_id = AV_CODEC_ID_SUBRIP;
        w->text->time_base = (AVRational){1, 1000};
    }
    if (!(w->fmt->oformat->flags & AVFMT_NOFILE))
        CHECK(avio_open(&w->fmt->pb, m->path, AVIO_FLAG_WRITE));
    CHECK(avformat_write_header(w->fmt, NULL));
}

static void drain(struct writer *w)
{
    while (avcodec_receive_packet(w->codec, w->packet) >= 0) {
        av_packet_rescale_ts(w->packet, w->codec->time_base, w->video->time_base);
        w->packet->stream_index = w->video->index;
        CHECK(av_interleaved_write_frame(w->fmt, w->packet));
    }
}

static void write_frame(struct writer *w, const struct make *m, int i)
{
    const int width = w->codec->width, height = w->codec->height;
    const uint8_t *data[4] = {w->rgb};
    const int stride[4] = {width * 4};

    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *p = w->rgb + 4 * ((size_t)y * (size_t)width + (size_t)x);
            (m->paint ? m->paint : paint_number)(i, x, y, p);
        }
    }
    CHECK(av_frame_make_writable(w->frame));
    sws_scale(w->sws, data, stride, 0, height, w->frame->data, w->frame->linesize);
    w->frame->pts = m->pts ? m->pts[i] : i;
    CHECK(avcodec_send_frame(w->codec, w->frame));
    drain(w);
}

/* One cue a second: the text's words. */
static void write_text(struct writer *w, const char *text)
{
    AVPacket *packet = w->packet;

    CHECK(av_new_packet(packet, (int)strlen(text)));
    memcpy(packet->data, text, strlen(text));
    packet->stream_index = w->text->index;
    packet->pts = packet->dts = av_rescale_q(200, (AVRational){1, 1000}, w->text->time_base);
    packet->duration = av_rescale_q(300, (AVRational){1, 1000}, w->text->time_base);
    CHECK(av_interleaved_write_frame(w->fmt, packet));
}

void make_file(const struct make *m)
{
    struct writer w = {0};

    open_file(&w, m);
    w.frame = av_frame_alloc();
    w.packet = av_packet_alloc();
    w.frame->format = w.codec->pix_fmt;
    w.frame->width = w.codec->width;
    w.frame->height = w.codec->height;
    CHECK(av_frame_get_buffer(w.frame, 0));
    w.rgb = calloc((size_t)w.codec->width * (size_t)w.codec->height + 16, 4);
    for (size_t i = 0; i < (size_t)w.codec->width * (size_t)w.codec->height; i++)
        w.rgb[4 * i + 3] = 255;
    w.sws = sws_getContext(w.codec->width, w.codec->height, AV_PIX_FMT_RGBA, w.codec->width,
                           w.codec->height, w.codec->pix_fmt, SWS_POINT, NULL, NULL, NULL);
    for (int i = 0; i < (m->n ? m->n : 10); i++)
        write_frame(&w, m, i);
    CHECK(avcodec_send_frame(w.codec, NULL));
    drain(&w);
    if (m->subtitles)
        write_text(&w, m->subtitles);
    CHECK(av_write_trailer(w.fmt));
    if (!(w.fmt->oformat->flags & AVFMT_NOFILE))
        avio_closep(&w.fmt->pb);
    avformat_free_context(w.fmt);
    avcodec_free_context(&w.codec);
    av_frame_free(&w.frame);
    av_packet_free(&w.packet);
    sws_freeContext(w.sws);
    free(w.rgb);
}

/* ---- reading ---- */

static void hear(void *opaque, enum wn_log_level level, const char *msg)
{
    struct opened *o = opaque;

    if (level == WN_LOG_WARN)
        snprintf(o->said, sizeof(o->said), "%s", msg);
}

int open_decoder(struct opened *o, const struct wn_decoder_params *params, const char *chain)
{
    const struct wn_clip clip = {0};
    struct wn_decoder_params p = *params;
    int n, err;

    memset(o, 0, sizeof(*o));
    wn_log_init(&o->log);
    o->log.fn = hear;
    o->log.opaque = o;
    p.log = &o->log;
    p.n_threads = p.n_threads ? p.n_threads : 2;
    TRY(wn_decoder_open(&o->decoder, &p));
    TRY(wn_chain_parse(&o->chain, chain ? chain : "", &clip, &o->log));
    struct wn_instance **filters = wn_chain_at(o->chain, WN_AT_FRAME, &n);
    TRY(wn_decoder_set_filters(o->decoder, filters, n));
fail:
    return err;
}

void close_decoder(struct opened *o)
{
    wn_decoder_close(&o->decoder);
    wn_chain_destroy(&o->chain);
    wn_log_finish(&o->log);
}

int read_all(struct opened *o, struct seen *seen, int most)
{
    int n = 0, err;

    for (;;) {
        struct wn_frame *f = NULL;
        err = wn_decoder_next(o->decoder, &f);
        if (err)
            break;
        if (n < most)
            seen[n] = (struct seen){
                .number = read_number(f),
                .time = f->time,
                .counted = f->number,
                .scene = f->scene,
                .score = f->scene_score,
                .key = f->key,
                .width = f->width,
                .height = f->height,
                .hash = wn_hash64(f->rgb, (size_t)f->width * (size_t)f->height * 3, 0),
            };
        n++;
        wn_frame_unref(&f);
    }
    return err == WN_EOF || err == WN_AGAIN ? n : err;
}

int read_file(const char *path, const char *chain, struct seen *seen, int most)
{
    struct opened o;
    int n = open_decoder(&o, &(struct wn_decoder_params){.url = path}, chain);

    if (n >= 0)
        n = read_all(&o, seen, most);
    close_decoder(&o);
    return n;
}
