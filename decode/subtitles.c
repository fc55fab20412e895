/* SPDX-License-Identifier: MIT */
#include "container.h"
#include "markup.h"
#include "pipeline/decoder.h"

#include <libavcodec/avcodec.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CUES 200000
#define MAX_TEXT (16 << 20) /* bytes of all cues */

struct reader {
    struct wn_container *file;
    AVCodecContext *codec;
    AVPacket *packet;
    AVStream *stream;
    struct wn_cue *cue;
    int n, room, broken;
    size_t bytes;
    double start;  /* of the file, seconds */
};

static bool is_text(enum AVCodecID id)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(id);

    return d && (d->props & AV_CODEC_PROP_TEXT_SUB) && avcodec_find_decoder(id);
}

/* Full text tracks before forced ones and those for the deaf, the default one first, then the
 * first. */
static int rank(const AVStream *st)
{
    const int d = st->disposition;

    return 4 * !(d & AV_DISPOSITION_FORCED) + 2 * !(d & AV_DISPOSITION_HEARING_IMPAIRED) +
           !!(d & AV_DISPOSITION_DEFAULT);
}

static AVStream *best_track(AVFormatContext *fmt, bool *pictures)
{
    AVStream *best = NULL;

    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        AVStream *st = fmt->streams[i];
        const bool text = is_text(st->codecpar->codec_id);
        if (st->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE)
            continue;
        *pictures |= !text;
        if (text && (!best || rank(st) > rank(best)))
            best = st;
    }
    for (unsigned i = 0; i < fmt->nb_streams; i++)
        fmt->streams[i]->discard = fmt->streams[i] == best ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    return best;
}

/* WN_EOF: there is none, which is an error only of a file that was named for its subtitles. */
static int open_track(struct reader *r, const char *path, bool must, struct wn_log *log)
{
    bool pictures = false;
    int err;

    TRY(wn_container_open(&r->file, path, log));
    r->stream = best_track(r->file->fmt, &pictures);
    if (!r->stream) {
        const char *why = pictures ? "its subtitles are pictures, not text" : "no subtitles";
        if (!must)
            wn_say(log, WN_LOG_WARN, "%s: %s", r->file->name, why);
        return must ? wn_fail(log, WN_ERR_DATA, "%s: %s", r->file->name, why) : WN_EOF;
    }
    const AVCodec *codec = avcodec_find_decoder(r->stream->codecpar->codec_id);
    r->codec = avcodec_alloc_context3(codec);
    r->packet = av_packet_alloc();
    if (!r->codec || !r->packet || avcodec_parameters_to_context(r->codec, r->stream->codecpar) < 0)
        return wn_nomem(log, "subtitles");
    r->codec->opaque = &r->file->notes;
    r->codec->pkt_timebase = r->stream->time_base;
    if (avcodec_open2(r->codec, codec, NULL) < 0)
        return wn_fail(log, WN_ERR_UNSUPPORTED, "%s: subtitles of this kind cannot be read (%s)",
                       r->file->name, codec->name);
    return WN_OK;
fail:
    return err;
}

/* Takes text. */
static int add_cue(struct reader *r, double start, double end, char *text, struct wn_log *log)
{
    if (!*text) {
        free(text);
        return WN_OK;
    }
    r->bytes += strlen(text);
    if (r->n == MAX_CUES || r->bytes > MAX_TEXT) {
        free(text);
        return wn_fail(log, WN_ERR_LIMIT, "%s: more than %d subtitles or %d MiB of them",
                       r->file->name, MAX_CUES, MAX_TEXT >> 20);
    }
    if (r->n == r->room) {
        const int room = r->room ? 2 * r->room : 64;
        struct wn_cue *grown = wn_regrow(r->cue, (size_t)room, sizeof(*grown));
        if (!grown) {
            free(text);
            return wn_nomem(log, "subtitles");
        }
        r->cue = grown;
        r->room = room;
    }
    r->cue[r->n++] = (struct wn_cue){start, end, text};
    return WN_OK;
}

static int add_subtitle(struct reader *r, const AVSubtitle *sub, struct wn_log *log)
{
    const AVPacket *pkt = r->packet;
    const double base =
        pkt->pts == AV_NOPTS_VALUE ? 0 : (double)pkt->pts * av_q2d(r->stream->time_base);
    const double start = fmax(0, base - r->start + sub->start_display_time / 1e3);
    const bool timed = sub->end_display_time && sub->end_display_time != UINT32_MAX;
    const double length = timed ? (sub->end_display_time - sub->start_display_time) / 1e3
                                : (double)pkt->duration * av_q2d(r->stream->time_base);
    int err = WN_OK;

    for (unsigned i = 0; i < sub->num_rects && !err; i++) {
        const AVSubtitleRect *rect = sub->rects[i];
        char *text = rect->type == SUBTITLE_ASS && rect->ass     ? wn_plain_ass(rect->ass)
                     : rect->type == SUBTITLE_TEXT && rect->text ? wn_plain_text(rect->text)
                                                                 : wn_strdup("");
        if (!text)
            return wn_nomem(log, "subtitles");
        err = add_cue(r, start, start + fmax(0, length), text, log);
    }
    return err;
}

static int read_cues(struct reader *r, struct wn_log *log)
{
    bool damaged = false;
    int err;

    for (;;) {
        AVSubtitle sub = {0};
        int got = 0;
        err = wn_container_read(r->file, r->packet, &damaged);
        if (err)
            return err == WN_EOF ? WN_OK : err;
        if (r->packet->stream_index == r->stream->index) {
            r->broken += avcodec_decode_subtitle2(r->codec, &sub, &got, r->packet) < 0;
            if (got)
                err = add_subtitle(r, &sub, log);
            avsubtitle_free(&sub);
        }
        av_packet_unref(r->packet);
        if (err < 0)
            return err;
    }
}

static int by_start(const void *a, const void *b)
{
    const struct wn_cue *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

/* Subtitles inside a video count from the video's first frame, as frames do. */
static double file_start(const AVFormatContext *fmt)
{
    const int video =
        av_find_best_stream((AVFormatContext *)fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);

    if (video < 0 || fmt->streams[video]->start_time == AV_NOPTS_VALUE)
        return 0;
    return (double)fmt->streams[video]->start_time * av_q2d(fmt->streams[video]->time_base);
}

int wn_subtitles_read(struct wn_cue **out, int *n, const char *url, const char *which,
                      struct wn_log *log)
{
    struct reader r = {0};
    int err;

    const bool inside = !strcmp(which, "auto");
    TRY(open_track(&r, inside ? url : which, !inside, log));
    if (!err) {
        r.start = file_start(r.file->fmt);
        TRY(read_cues(&r, log));
    }
    if (r.broken)
        wn_say(log, WN_LOG_WARN, "%s: %d subtitles cannot be read (they must be UTF-8)",
               r.file->name, r.broken);
    err = WN_OK;
    if (r.n)
        qsort(r.cue, (size_t)r.n, sizeof(*r.cue), by_start);
    *out = r.cue;
    *n = r.n;
    r.cue = NULL;
    r.n = 0;
fail:
    wn_subtitles_free(r.cue, r.n);
    avcodec_free_context(&r.codec);
    av_packet_free(&r.packet);
    wn_container_close(&r.file);
    return err;
}

void wn_subtitles_free(struct wn_cue *cues, int n)
{
    for (int i = 0; i < n; i++)
        free(cues[i].text);
    free(cues);
}
