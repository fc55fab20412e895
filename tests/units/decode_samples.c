/* SPDX-License-Identifier: MIT */
/* Long MP4 files are read by their own sample tables: packet for packet what libav reads, wherever
 * it is begun; files that are not ordinary are left to libav, and damaged headers do no harm. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "decode/container.h"
#include "decode/index.h"

static const struct wn_samples_params cut = {1, 32}, plain = {INT64_MAX, INT64_MAX};

static void paint(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = (uint8_t)(60 + (x + 2 * i) % 64 * 2);
    rgb[1] = (uint8_t)(40 + (y + i) % 48 * 3);
    rgb[2] = (uint8_t)(i * 5);
}

#define CHECK(call) assert_true((call) >= 0)

/* The film again in another file: options of the muxer, the packets from `first` on, a second
 * track of other sizes, stamps that do not rise evenly. */
struct copy {
    const char *from, *to, *options;
    int first;
    bool twice, uneven;
};

static void copy_film(const struct copy *c)
{
    AVFormatContext *in = NULL, *out = NULL;
    AVDictionary *options = NULL;
    AVPacket *packet = av_packet_alloc();
    const int tracks = c->twice ? 2 : 1;

    CHECK(avformat_open_input(&in, c->from, NULL, NULL));
    CHECK(avformat_find_stream_info(in, NULL));
    CHECK(avformat_alloc_output_context2(&out, NULL, NULL, c->to));
    for (int i = 0; i < tracks; i++) {
        AVStream *s = avformat_new_stream(out, NULL);
        if (i) {
            s->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
            s->codecpar->codec_id = AV_CODEC_ID_ALAC; /* whose packets may be anything */
            s->codecpar->sample_rate = 48000;
            s->codecpar->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
            s->codecpar->extradata = av_mallocz(36 + AV_INPUT_BUFFER_PADDING_SIZE);
            s->codecpar->extradata_size = 36;
        } else {
            CHECK(avcodec_parameters_copy(s->codecpar, in->streams[0]->codecpar));
        }
        s->time_base = in->streams[0]->time_base;
    }
    CHECK(avio_open(&out->pb, c->to, AVIO_FLAG_WRITE));
    CHECK(av_dict_parse_string(&options, c->options ? c->options : "", "=", ":", 0));
    CHECK(avformat_write_header(out, &options));
    av_dict_free(&options);
    for (int n = 0; av_read_frame(in, packet) >= 0; n++) {
        if (c->uneven) {
            packet->dts += n * 7;
            packet->pts += n * 7;
        }
        av_packet_rescale_ts(packet, in->streams[0]->time_base, out->streams[0]->time_base);
        if (c->twice) {
            AVPacket *other = av_packet_alloc();
            CHECK(av_new_packet(other, 10 + n % 23));
            memset(other->data, n, (size_t)other->size);
            other->stream_index = 1;
            other->pts = other->dts =
                av_rescale_q(packet->dts, out->streams[0]->time_base, out->streams[1]->time_base);
            CHECK(av_interleaved_write_frame(out, other));
            av_packet_free(&other);
        }
        if (n >= c->first)
            CHECK(av_interleaved_write_frame(out, packet));
        av_packet_unref(packet);
    }
    CHECK(av_write_trailer(out));
    avio_closep(&out->pb);
    avformat_free_context(out);
    avformat_close_input(&in);
    av_packet_free(&packet);
}

static struct wn_container *open_with(const char *path, struct wn_log *log,
                                      const struct wn_samples_params *params)
{
    struct wn_container *c = NULL;

    assert_int_equal(wn_container_open_cut(&c, path, log, params), 0);
    return c;
}

static int next_picture(struct wn_container *c, AVPacket *packet)
{
    bool damaged = false;
    int err;

    do {
        av_packet_unref(packet);
        err = wn_container_read(c, packet, &damaged);
    } while (!err && c->fmt->streams[packet->stream_index]->codecpar->codec_type !=
                         AVMEDIA_TYPE_VIDEO);
    assert_false(damaged);
    return err;
}

/* All that both have left; returns how many. */
static int compare_rest(struct wn_container *a, struct wn_container *b)
{
    const int told = AV_PKT_FLAG_KEY | AV_PKT_FLAG_DISCARD | AV_PKT_FLAG_CORRUPT;
    AVPacket *p = av_packet_alloc(), *q = av_packet_alloc();
    int n = 0;

    for (;; n++) {
        const int err = next_picture(a, p);
        assert_int_equal(next_picture(b, q), err);
        if (err)
            break;
        assert_int_equal(p->pts, q->pts);
        assert_int_equal(p->dts, q->dts);
        assert_int_equal(p->pos, q->pos);
        assert_int_equal(p->flags & told, q->flags & told);
        assert_int_equal(p->size, q->size);
        assert_memory_equal(p->data, q->data, (size_t)p->size);
        assert_int_equal(p->stream_index, q->stream_index);
    }
    av_packet_free(&p);
    av_packet_free(&q);
    return n;
}

static void compare_facts(struct wn_container *a, struct wn_container *b, bool has_fragments)
{
    assert_int_equal(a->fmt->nb_streams, b->fmt->nb_streams);
    assert_int_equal(a->fmt->duration, b->fmt->duration);
    for (unsigned i = 0; i < a->fmt->nb_streams; i++) {
        const AVStream *s = a->fmt->streams[i], *t = b->fmt->streams[i];
        if (s->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
            continue;
        assert_int_equal(s->duration, t->duration);
        assert_int_equal(s->start_time, t->start_time);
        assert_int_equal(s->nb_frames, t->nb_frames);
        assert_int_equal(av_cmp_q(s->avg_frame_rate, t->avg_frame_rate), 0);
        assert_int_equal(av_cmp_q(s->r_frame_rate, t->r_frame_rate), 0);
        if (!has_fragments) /* of which libav has read the first */
            assert_int_equal(wn_container_end(a, s), wn_container_end(b, t));
    }
}

/* libav may go one key frame further back, where pictures shown before it might be wanted. */
static void catch_up(struct wn_container *a, struct wn_container *b, int64_t stamp)
{
    AVPacket *p = av_packet_alloc(), *q = av_packet_alloc();

    assert_int_equal(next_picture(a, p), 0);
    assert_true(p->flags & AV_PKT_FLAG_KEY && p->dts <= stamp);
    do
        assert_int_equal(next_picture(b, q), 0);
    while (q->dts < p->dts);
    assert_int_equal(q->dts, p->dts);
    assert_int_equal(q->size, p->size);
    av_packet_free(&p);
    av_packet_free(&q);
}

/* From every so many stamps on. */
static void compare_seeks(struct wn_container *a, struct wn_container *b, int stream)
{
    AVStream *s = a->fmt->streams[stream], *t = b->fmt->streams[stream];
    const int64_t step = WN_MAX(s->duration / 37, 1);

    for (int64_t stamp = -3 * step; stamp < s->duration + 2 * step; stamp += step) {
        int64_t key = 0, other = 0;
        const bool has = wn_container_key_before(a, s, stamp, &key);
        assert_int_equal(wn_container_key_before(b, t, stamp, &other), has);
        if (has)
            assert_int_equal(key, other);
        if (!has) /* libav may refuse, and nothing asks for that */
            continue;
        assert_true(wn_container_seek(a, stream, stamp) >= 0);
        assert_true(wn_container_seek(b, stream, stamp) >= 0);
        catch_up(a, b, stamp);
        compare_rest(a, b);
    }
}

static void compare_index(const char *path, struct wn_container *a, int stream, struct wn_log *log)
{
    struct wn_packets_params p = {
        .url = path,
        .stream = stream,
        .codec = a->fmt->streams[stream]->codecpar->codec_id,
        .base = a->fmt->streams[stream]->time_base,
        .start = a->fmt->streams[stream]->start_time,
        .log = log,
    };
    struct wn_packets *x = NULL, *y = NULL;

    assert_int_equal(wn_packets_load(&x, &p), 0);
    p.samples = a->samples;
    const int64_t at = wn_samples_at(a->samples);
    assert_int_equal(wn_packets_load(&y, &p), 0);
    assert_int_equal(wn_samples_at(a->samples), at);
    assert_int_equal(x->n, y->n);
    assert_int_equal(x->n_frames, y->n_frames);
    assert_int_equal(x->n_gops, y->n_gops);
    assert_int_equal(x->bytes, y->bytes);
    assert_int_equal(x->regular, y->regular);
    for (int64_t i = 0; i < x->n; i++) {
        assert_int_equal(wn_packet_stamp(x, i), wn_packet_stamp(y, i));
        assert_int_equal(wn_packet_bytes(x, i), wn_packet_bytes(y, i));
    }
    assert_memory_equal(x->key, y->key, (size_t)x->n_gops * sizeof(*x->key));
    assert_memory_equal(x->lag, y->lag, (size_t)x->n_gops * sizeof(*x->lag));
    wn_packets_free(&x);
    wn_packets_free(&y);
}

static void compare(const char *path, bool by_samples)
{
    const bool has_fragments = strstr(path, "fragments") != NULL;
    struct wn_log log;

    wn_log_init(&log);
    struct wn_container *a = open_with(path, &log, &cut), *b = open_with(path, &log, &plain);
    if ((a->samples != NULL) != by_samples)
        fail_msg("%s: %s by its samples", path, a->samples ? "read" : "not read");
    assert_null(b->samples);
    compare_facts(a, b, has_fragments);
    const int stream = av_find_best_stream(a->fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (by_samples)
        compare_index(path, a, stream, &log);
    const int n = compare_rest(a, b);
    if (by_samples)
        compare_seeks(a, b, stream);
    printf("%s: %d packets, %s\n", path, n, by_samples ? "by its samples" : "by libav");
    wn_container_close(&a);
    wn_container_close(&b);
    wn_log_finish(&log);
}

static void ordinary_files(void **state)
{
    static const struct {
        const char *path, *codec, *options;
        int gop;
    } film[] = {
        {"p.mp4", "libx264", "preset=ultrafast:bf=0", 40},
        {"b.mp4", "libx264", "preset=veryfast:bf=3", 250},
        {"open.mp4", "libx264", "preset=veryfast:bf=3:x264-params=open-gop=1", 24},
        {"intra.mov", "libx264", "preset=ultrafast", 1},
        {"av1.mp4", "libsvtav1", "preset=12", 40},
        {"vp9.mp4", "libvpx-vp9", "deadline=realtime:cpu-used=8", 100},
    };

    for (int i = 0; i < WN_LEN(film); i++) {
        if (!avcodec_find_encoder_by_name(film[i].codec))
            continue;
        MAKE(.path = film[i].path, .codec = film[i].codec, .options = film[i].options,
             .width = 96, .height = 64, .n = 1200, .fps = 24, .gop = film[i].gop, .paint = paint);
        compare(film[i].path, true);
    }
}

static void made_b(void)
{
    MAKE(.path = "b.mp4", .codec = "libx264", .options = "preset=veryfast:bf=3", .width = 64,
         .height = 48, .n = 400, .fps = 24, .gop = 50, .paint = paint);
}

static void copies(void **state)
{
    static const struct {
        struct copy copy;
        bool by_samples;
    } c[] = {
        {{"b.mp4", "front.mp4", "movflags=faststart"}, true},
        {{"b.mp4", "two.mp4", NULL, .twice = true}, true},
        {{"b.mp4", "uneven.mp4", NULL, .uneven = true}, true},
        {{"b.mp4", "two.mov", "movflags=faststart", .twice = true, .uneven = true}, true},
        {{"b.mp4", "no-edit.mp4", "use_editlist=0"}, true},
        {{"b.mp4", "late.mp4", NULL, .first = 50, .twice = true}, true},
        {{"b.mp4", "fragments.mp4", "movflags=frag_keyframe+empty_moov"}, true},
        {{"b.mp4", "fragments-base.mp4",
          "movflags=frag_keyframe+empty_moov+default_base_moof"}, true},
        {{"b.mp4", "fragments-two.mp4", "movflags=frag_keyframe+empty_moov+default_base_moof",
          .twice = true}, true},
        {{"b.mp4", "fragments-each.mp4", "movflags=frag_every_frame+empty_moov", .uneven = true},
         true},
        {{"b.mp4", "fragments-edit.mp4", "movflags=frag_keyframe+delay_moov"}, true},
        {{"b.mp4", "fragments-short.mp4",
          "movflags=empty_moov+separate_moof+default_base_moof:frag_duration=300000",
          .twice = true, .uneven = true}, true},
        /* What is not ordinary. */
        {{"b.mp4", "fragments-dash.mp4", "movflags=dash+frag_keyframe+global_sidx"}, false},
        {{"b.mp4", "fragments-negative.mp4",
          "movflags=frag_keyframe+empty_moov+negative_cts_offsets"}, false},
        {{"b.mp4", "hybrid.mp4", "movflags=frag_keyframe"}, false},
        {{"b.mp4", "negative.mp4", "movflags=negative_cts_offsets"}, false},
        {{"b.mp4", "b.mkv", NULL}, false},
    };

    if (!avcodec_find_encoder_by_name("libx264"))
        skip();
    made_b();
    for (int i = 0; i < WN_LEN(c); i++) {
        copy_film(&c[i].copy);
        compare(c[i].copy.to, c[i].by_samples);
    }
}

/* ---- headers that lie ---- */

static uint8_t *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static void write_whole(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Opens it and reads to the end, whatever that is. */
static bool survives(const char *path)
{
    AVPacket *packet = av_packet_alloc();
    struct wn_container *c = NULL;
    struct wn_log log;
    bool damaged = false, by_samples = false;
    int n = 0;

    wn_log_init(&log);
    log.level = WN_LOG_ERROR;
    if (!wn_container_open_cut(&c, path, &log, &cut)) {
        by_samples = c->samples != NULL;
        for (; n < 5000 && !wn_container_read(c, packet, &damaged); n++)
            av_packet_unref(packet);
    }
    assert_true(n < 5000);
    wn_container_close(&c);
    wn_log_finish(&log);
    av_packet_free(&packet);
    return by_samples;
}

/* `all`: it has headers all through. */
static void damage(const char *path, bool all)
{
    size_t n, head = 0;
    uint32_t seed = 1;
    int by_samples = 0;
    uint8_t *bytes = read_whole(path, &n);

    while (head < n && (all || memcmp(bytes + head, "mdat", 4)))
        head++;
    for (int i = 0; i < 600; i++) {
        seed = seed * 1664525 + 1013904223;
        const size_t at = (seed >> 8) % head;
        const uint8_t was = bytes[at];
        bytes[at] = i % 3 == 0 ? 0xff : (uint8_t)(was ^ 1 << (seed >> 4 & 7));
        write_whole("damaged.mp4", bytes, n);
        by_samples += survives("damaged.mp4");
        bytes[at] = was;
    }
    for (size_t length = head; length > 0; length = length * 9 / 10) {
        write_whole("damaged.mp4", bytes, length);
        survives("damaged.mp4");
    }
    write_whole("damaged.mp4", bytes, n - 1000); /* its tail is gone: libav tells what is left */
    assert_false(survives("damaged.mp4"));
    free(bytes);
    printf("%s, 600 damaged headers: %d still ordinary\n", path, by_samples);
    assert_in_range(by_samples, 1, 599);
}

static void damaged_headers(void **state)
{
    if (!avcodec_find_encoder_by_name("libx264"))
        skip();
    made_b();
    copy_film(&(struct copy){"b.mp4", "front.mp4", "movflags=faststart", .twice = true});
    damage("front.mp4", false);
    copy_film(&(struct copy){"b.mp4", "fragments.mp4", "movflags=frag_every_frame+empty_moov",
                             .twice = true});
    damage("fragments.mp4", true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_files),
        cmocka_unit_test(copies),
        cmocka_unit_test(damaged_headers),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
