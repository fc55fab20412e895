/* SPDX-License-Identifier: MIT */
#include "container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OPEN_SECONDS 60.0 /* for opening and for any one packet */
#define SNIFF 32
/* A film of an hour has more samples: then libav's own tables are worth avoiding. */
#define LONG_FILM 65536
#define KEPT 8192

/* Formats that name other files or hosts, or make a picture of any text. */
static const char *const playlists[] = {
    "hls", "applehttp", "dash", "concat", "sdp", "rtp", "rtsp", "sap", "imf", "lavfi", "vobsub",
    "webm_dash_manifest", "image2", "avisynth", "vapoursynth", "mpjpeg", "ffmetadata",
};
static const char *const vector_images[] = {"svg_pipe", "svg"};
static const char *const text_art[] = {"tty", "bin", "xbin", "adf", "idf"};

static bool named(const AVInputFormat *format, const char *const *list, int n)
{
    for (int i = 0; i < n; i++) {
        const size_t len = strlen(list[i]);
        for (const char *p = format->name; p; p = strchr(p, ',')) {
            p += *p == ',';
            if (!strncmp(p, list[i], len) && (!p[len] || p[len] == ','))
                return true;
        }
    }
    return false;
}

static int refuse(struct wn_container *c, const AVInputFormat *format)
{
    if (named(format, playlists, WN_LEN(playlists)))
        return wn_fail(c->log, WN_ERR_UNSUPPORTED,
                       "%s: is a playlist or script (%s), and those are not opened", c->name,
                       format->name);
    if (named(format, vector_images, WN_LEN(vector_images)))
        return wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: SVG pictures are not supported", c->name);
    if (named(format, text_art, WN_LEN(text_art)))
        return wn_fail(c->log, WN_ERR_DATA, "%s: not a video or an image", c->name);
    return WN_OK;
}

static int no_nested_open(AVFormatContext *fmt, AVIOContext **io, const char *url, int flags,
                          AVDictionary **options)
{
    return AVERROR(EPERM);
}

static int interrupted(void *opaque)
{
    const struct wn_container *c = opaque;

    return wn_cancelled(c->log) || (c->stop && atomic_load(c->stop)) ||
           (c->deadline > 0 && wn_now() > c->deadline);
}

int wn_container_stopped(struct wn_container *c)
{
    if (c->stop && atomic_load(c->stop))
        return WN_ERR_ABORTED; /* whoever stopped it knows */
    return wn_cancelled(c->log) ? wn_fail(c->log, WN_ERR_ABORTED, "%s: stopped", c->name) : WN_OK;
}

static int check_file(struct wn_container *c, const char *url)
{
    struct stat st;

    if (!*url)
        return wn_fail(c->log, WN_ERR_IO, "no file is named");
    if (stat(url, &st))
        return wn_fail(c->log, WN_ERR_IO, "%s: %s", c->name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return wn_fail(c->log, WN_ERR_IO, "%s: is a directory", c->name);
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        return wn_fail(c->log, WN_ERR_DATA, "%s: empty file", c->name);
    c->size = S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
    c->piped = !S_ISREG(st.st_mode);
    return WN_OK;
}

static int open_pipe(struct wn_container *c, const char *url)
{
    const int ret = wn_pipe_open(&c->pipe, url, interrupted, c);

    if (wn_cancelled(c->log))
        return wn_fail(c->log, WN_ERR_ABORTED, "%s: stopped while opening", c->name);
    if (ret == AVERROR(ETIMEDOUT))
        return wn_fail(c->log, WN_ERR_IO, "%s: nobody writes to it", c->name);
    if (ret < 0)
        return wn_fail(c->log, WN_ERR_IO, "%s: cannot be opened: %s", c->name, av_err2str(ret));
    c->io = wn_pipe_io(c->pipe);
    return WN_OK;
}

static int open_io(struct wn_container *c, const char *url)
{
    const AVIOInterruptCB interrupt = {interrupted, c};
    AVDictionary *options = NULL;
    char *plain = wn_sprintf("file:%s", url); /* so that no colon or dash means anything */

    if (!plain)
        return wn_nomem(c->log, "a file name");
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    const int ret = avio_open2(&c->io, plain, AVIO_FLAG_READ, &interrupt, &options);
    av_dict_free(&options);
    free(plain);
    if (ret < 0)
        return wn_fail(c->log, WN_ERR_IO, "%s: cannot be opened: %s", c->name, av_err2str(ret));
    return WN_OK;
}

static int open_hollow(struct wn_container *c, const char *url)
{
    const int err = wn_hollow_open(&c->hollow, url);

    if (err < 0)
        return wn_fail(c->log, err, "%s: cannot be opened again", c->name);
    c->io = wn_hollow_io(c->hollow);
    return WN_OK;
}

/* What cannot be read by its samples is left for open_io(). */
static int open_samples(struct wn_container *c, const char *url,
                        const struct wn_samples_params *params)
{
    int err = wn_hollow_open(&c->hollow, url);

    if (!err)
        err = wn_samples_open(&c->samples, c->hollow, params);
    if (err) {
        if (c->hollow)
            wn_hollow_close(&c->hollow);
        return err == WN_ERR_NOMEM ? wn_nomem(c->log, "a file") : WN_EOF;
    }
    c->io = wn_hollow_io(c->hollow);
    return WN_OK;
}

/* Kinds of file that this FFmpeg opens, but reads wrong or not at all. */
static int sniff(struct wn_container *c)
{
    static const char heif[][5] = {"avif", "avis", "heic", "heix", "hevc", "mif1", "msf1"};
    uint8_t b[SNIFF] = {0};

    if (avio_read(c->io, b, sizeof(b)) < 12 || avio_seek(c->io, 0, SEEK_SET) < 0)
        return avio_seek(c->io, 0, SEEK_SET) < 0
            ? wn_fail(c->log, WN_ERR_IO, "%s: cannot be read", c->name) : WN_OK;
    c->animated_webp = !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBPVP8X", 8) && (b[20] & 2);
    if (memcmp(b + 4, "ftyp", 4) || avformat_version() >> 16 >= 60)
        return WN_OK;
    for (int i = 0; i < WN_LEN(heif); i++)
        if (!memcmp(b + 8, heif[i], 4))
            return wn_fail(c->log, WN_ERR_UNSUPPORTED,
                           "%s: AVIF and HEIF pictures are not supported by this FFmpeg (%s)",
                           c->name, av_version_info());
    return WN_OK;
}

/* The prober is not told the name: content decides. */
static int probe(struct wn_container *c, const AVInputFormat **format)
{
    int err = sniff(c);

    if (err)
        return err;
    const int ret = av_probe_input_buffer2(c->io, format, "", NULL, 0, 0);
    if (ret == AVERROR_EXIT || wn_cancelled(c->log))
        return wn_fail(c->log, WN_ERR_ABORTED, "%s: stopped while opening", c->name);
    if (ret < 0 || !*format)
        return wn_fail(c->log, WN_ERR_DATA, "%s: not a video or an image", c->name);
    return refuse(c, *format);
}

static int why_not_open(struct wn_container *c, int ret)
{
    if (wn_cancelled(c->log))
        return wn_fail(c->log, WN_ERR_ABORTED, "%s: stopped while opening", c->name);
    if (wn_notes_mention(&c->notes, "moov atom not found"))
        return wn_fail(c->log, WN_ERR_DATA, "%s: file incomplete: moov atom missing", c->name);
    if (wn_notes_mention(&c->notes, "max_streams"))
        return wn_fail(c->log, WN_ERR_LIMIT, "%s: more than %d streams", c->name, WN_MAX_STREAMS);
    if (ret == AVERROR(ENOSYS) || ret == AVERROR_PATCHWELCOME)
        return wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: a kind of file that FFmpeg does not read",
                       c->name);
    if (ret == AVERROR(ENOMEM)) /* far more often a lie in the file than a full machine */
        return wn_fail(c->log, WN_ERR_DATA, "%s: damaged: its header asks for too much memory",
                       c->name);
    return wn_fail(c->log, WN_ERR_DATA, "%s: damaged: the header cannot be read (%s)", c->name,
                   av_err2str(ret));
}

static void remember_sizes(struct wn_container *c)
{
    for (unsigned i = 0; i < c->fmt->nb_streams && i < WN_MAX_STREAMS; i++) {
        c->header_width[i] = c->fmt->streams[i]->codecpar->width;
        c->header_height[i] = c->fmt->streams[i]->codecpar->height;
    }
}

/* Formats whose packets carry their own stamps and key flags. */
static bool tells_all(const AVInputFormat *format)
{
    static const char *const list[] = {"mov", "matroska"};

    return named(format, list, WN_LEN(list));
}

static int open_format(struct wn_container *c, const AVInputFormat *format, bool for_packets)
{
    AVDictionary *options = NULL;
    const bool stored = for_packets && tells_all(format);

    c->fmt = avformat_alloc_context();
    if (!c->fmt)
        return wn_nomem(c->log, "a file");
    c->fmt->pb = c->io;
    c->fmt->flags |= AVFMT_FLAG_CUSTOM_IO;
    if (stored)
        c->fmt->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    if (c->samples && wn_samples_fragmented(c->samples))
        c->fmt->flags |= AVFMT_FLAG_IGNIDX;
    c->fmt->max_streams = WN_MAX_STREAMS;
    c->fmt->io_open = no_nested_open;
    c->fmt->opaque = &c->notes;
    c->fmt->interrupt_callback = (AVIOInterruptCB){interrupted, c};
    av_dict_set(&options, "format_whitelist", format->name, 0);
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    int ret = avformat_open_input(&c->fmt, "", format, &options);
    av_dict_free(&options);
    if (ret >= 0) {
        remember_sizes(c);
        if (c->samples && !wn_samples_match(c->samples, c->fmt))
            return WN_AGAIN;
        ret = stored ? 0 : avformat_find_stream_info(c->fmt, NULL);
    }
    return ret < 0 ? why_not_open(c, ret) : WN_OK;
}

static int open_container(struct wn_container **out, const char *url, struct wn_log *log,
                          bool for_packets, const struct wn_samples_params *params)
{
    struct wn_container *c = wn_calloc(1, sizeof(*c));
    const AVInputFormat *format = NULL;
    int err;

    if (!c)
        return wn_nomem(log, "a file");
    c->log = log;
    wn_notes_begin(&c->notes);
    wn_printable(c->name, sizeof(c->name), url);
    c->deadline = wn_now() + OPEN_SECONDS;
    TRY(check_file(c, url));
    if (params && c->size)
        TRY(open_samples(c, url, params));
    if (!c->io)
        TRY(for_packets ? open_hollow(c, url) : c->piped ? open_pipe(c, url) : open_io(c, url));
    TRY(probe(c, &format));
    TRY(open_format(c, format, for_packets));
    if (err == WN_OK) {
        *out = c;
        return WN_OK;
    }
fail:
    wn_container_close(&c);
    return err;
}

int wn_container_open(struct wn_container **out, const char *url, struct wn_log *log)
{
    static const struct wn_samples_params usual = {LONG_FILM, KEPT};

    return wn_container_open_cut(out, url, log, &usual);
}

int wn_container_open_cut(struct wn_container **out, const char *url, struct wn_log *log,
                          const struct wn_samples_params *params)
{
    const int err = open_container(out, url, log, false, params);

    return err == WN_AGAIN ? open_container(out, url, log, false, NULL) : err;
}

/* VP8 hides pictures that only its packets tell of. */
int wn_container_open_packets(struct wn_container **out, const char *url, struct wn_log *log,
                              enum AVCodecID codec, bool *hollow)
{
    const int err = open_container(out, url, log, true, NULL);

    if (err < 0)
        return err;
    *hollow = !strncmp((*out)->fmt->iformat->name, "mov", 3) && codec != AV_CODEC_ID_VP8 &&
              wn_hollow_whole((*out)->hollow);
    if (*hollow)
        wn_hollow_turn((*out)->hollow);
    return WN_OK;
}

void wn_container_close(struct wn_container **container)
{
    struct wn_container *c = *container;

    if (!c)
        return;
    avformat_close_input(&c->fmt);
    wn_samples_close(&c->samples);
    if (c->hollow)
        wn_hollow_close(&c->hollow);
    else if (c->pipe)
        wn_pipe_close(&c->pipe);
    else
        avio_closep(&c->io);
    wn_notes_end(&c->notes, c->log);
    free(c);
    *container = NULL;
}

int wn_container_read(struct wn_container *c, AVPacket *packet, bool *damaged)
{
    c->deadline = c->piped ? 0 : wn_now() + OPEN_SECONDS; /* who writes may take a rest */
    int ret;
    do
        ret = c->samples ? wn_samples_read(c->samples, packet, true)
                         : av_read_frame(c->fmt, packet);
    while (ret == AVERROR(EAGAIN) && !interrupted(c));
    if (ret >= 0)
        return WN_OK;
    const int err = wn_container_stopped(c);
    if (err)
        return err;
    if (ret != AVERROR_EOF) {
        *damaged = true;
        wn_say(c->log, WN_LOG_DEBUG, "%s: reading ended: %s", c->name, av_err2str(ret));
    }
    return WN_EOF;
}

int wn_container_seek(struct wn_container *c, int stream, int64_t stamp)
{
    return c->samples ? wn_samples_seek(c->samples, stamp)
                      : av_seek_frame(c->fmt, stream, stamp, AVSEEK_FLAG_BACKWARD);
}

bool wn_container_key_before(struct wn_container *c, AVStream *stream, int64_t stamp, int64_t *key)
{
    if (c->samples)
        return wn_samples_key_before(c->samples, stamp, key);
    const AVIndexEntry *e =
        avformat_index_get_entry_from_timestamp(stream, stamp, AVSEEK_FLAG_BACKWARD);
    if (e)
        *key = e->timestamp;
    return e != NULL;
}

int64_t wn_container_end(const struct wn_container *c, const AVStream *stream)
{
    const int n = c->samples ? 0 : avformat_index_get_entries_count(stream);
    int64_t most = c->samples ? wn_samples_end(c->samples) : 0;

    for (int i = 0; i < n; i++) {
        const AVIndexEntry *e = avformat_index_get_entry((AVStream *)stream, i);
        most = WN_MAX(most, e->pos + e->size);
    }
    return most;
}
