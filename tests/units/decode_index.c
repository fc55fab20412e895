/* SPDX-License-Identifier: MIT */
/* The packet index against libav's own reading, and its cache against damage. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "decode/index.h"

#define MOST 2048

/* Slowly moving stripes on a drifting ground: every frame differs from the others. */
static void paint_film(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = (uint8_t)(60 + (x + 2 * i) % 64 * 2);
    rgb[1] = (uint8_t)(40 + (y + i) % 48 * 3);
    rgb[2] = (uint8_t)(i * 5);
}

static void paint_noise(int i, int x, int y, uint8_t rgb[3])
{
    uint32_t v = (uint32_t)(i * 7919 + x * 104729 + y * 1299709);

    for (int k = 0; k < 3; k++) {
        v = v * 1664525 + 1013904223;
        rgb[k] = (uint8_t)(v >> 24);
    }
}

/* ---- what the index holds ---- */

struct listed {
    int64_t stamp, size;
    bool key;
};

static int list_packets(const char *path, struct listed *out, int most)
{
    AVFormatContext *fmt = NULL;
    AVPacket *packet = av_packet_alloc();
    int n = 0;

    assert_true(avformat_open_input(&fmt, path, NULL, NULL) >= 0);
    assert_true(avformat_find_stream_info(fmt, NULL) >= 0);
    for (; av_read_frame(fmt, packet) >= 0; av_packet_unref(packet)) {
        if (packet->stream_index)
            continue;
        assert_true(n < most);
        out[n++] = (struct listed){
            packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts,
            packet->size,
            packet->flags & AV_PKT_FLAG_KEY,
        };
    }
    av_packet_free(&packet);
    avformat_close_input(&fmt);
    return n;
}

static int load(struct wn_packets **out, const char *path, enum AVCodecID codec, const char *cache,
                struct wn_log *log)
{
    return wn_packets_load(out, &(struct wn_packets_params){
        .url = path,
        .codec = codec,
        .cache_dir = cache,
        .log = log,
    });
}

static void check_contents(const struct wn_packets *x, const char *path)
{
    static struct listed p[MOST];
    const int n = list_packets(path, p, MOST);
    int64_t bytes = 0, keys = 0;

    if (x->n != n)
        fail_msg("%s: %d packets, not %d", path, (int)x->n, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(wn_packet_stamp(x, i), p[i].stamp);
        assert_int_equal(wn_packet_bytes(x, i), p[i].size);
        bytes += p[i].size;
        const int64_t gop = wn_packet_gop(x, i);
        assert_true(gop >= 0);
        assert_true(p[i].key ? x->key[gop] == (uint32_t)i : x->key[gop] < (uint32_t)i);
        keys += p[i].key;
    }
    assert_int_equal(x->bytes, bytes);
    assert_int_equal(x->n_gops, keys);
    for (int64_t i = 1; x->regular && i < x->n_frames; i++)
        assert_true(wn_packet_stamp(x, wn_frame_packet(x, i)) >
                    wn_packet_stamp(x, wn_frame_packet(x, i - 1)));
    for (int64_t i = 0; x->regular && i < x->n; i++)
        assert_int_equal(wn_frame_packet(x, wn_packet_frame(x, i)), i);
}

static void contents(void **state)
{
    static const struct {
        const char *path, *codec;
        enum AVCodecID id;
        bool regular;
    } file[] = {
        {"c.mp4", "mpeg4", AV_CODEC_ID_MPEG4, true}, {"c.mkv", "mpeg4", AV_CODEC_ID_MPEG4, true},
        {"c.avi", "mpeg4", AV_CODEC_ID_MPEG4, false},
        {"c.ts", "mpeg2video", AV_CODEC_ID_MPEG2VIDEO, true},
        {"c.flv", "flv", AV_CODEC_ID_FLV1, true},
        {"i.mkv", NULL, AV_CODEC_ID_FFV1, true},
    };
    struct wn_log log;

    wn_log_init(&log);
    for (int i = 0; i < WN_LEN(file); i++) {
        struct wn_packets *x = NULL;
        MAKE(.path = file[i].path, .codec = file[i].codec, .width = 64, .height = 48, .n = 600,
             .fps = 25, .gop = 13, .paint = paint_film);
        assert_int_equal(load(&x, file[i].path, file[i].id, NULL, &log), 0);
        check_contents(x, file[i].path);
        assert_int_equal(x->regular, file[i].regular);
        wn_packets_free(&x);
    }
    wn_log_finish(&log);
}

static void gops(void **state)
{
    struct wn_packets *x = NULL;
    struct wn_log log;
    struct wn_gop g;
    int64_t n = 0, bytes = 0;

    wn_log_init(&log);
    MAKE(.path = "g.mp4", .codec = "mpeg4", .n = 100, .fps = 10, .gop = 30, .paint = paint_film);
    assert_int_equal(load(&x, "g.mp4", AV_CODEC_ID_MPEG4, NULL, &log), 0);
    for (int64_t i = 0; i < x->n_gops; i++) {
        wn_gop_get(x, i, &g);
        assert_int_equal(g.first, n);
        assert_float_equal(g.start, (double)n / 10, 1e-9);
        n += g.n;
        bytes += g.bytes;
        assert_float_equal(g.end, i + 1 < x->n_gops ? (double)n / 10 : 9.9, 1e-9);
        assert_true(g.key_bytes > 0 && g.key_bytes <= g.bytes);
    }
    assert_int_equal(n, 100);
    assert_int_equal(bytes, x->bytes);
    wn_packets_free(&x);
    wn_log_finish(&log);
}

/* ---- the cache ---- */

static char *only_file(const char *folder, char *name, size_t size)
{
    DIR *dir = opendir(folder);
    int n = 0;

    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (*e->d_name == '.')
            continue;
        snprintf(name, size, "%s/%s", folder, e->d_name);
        n++;
    }
    if (dir)
        closedir(dir);
    assert_int_equal(n, 1);
    return name;
}

static void change_file(const char *name, long at, int flip, long length)
{
    FILE *f = fopen(name, "r+b");

    assert_non_null(f);
    if (length >= 0)
        assert_int_equal(ftruncate(fileno(f), length), 0);
    if (flip) {
        fseek(f, at, SEEK_SET);
        const int c = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(c ^ flip, f);
    }
    fclose(f);
}

static void expect_load(bool cached, struct wn_log *log)
{
    struct wn_packets *x = NULL;

    assert_int_equal(load(&x, "big.mkv", AV_CODEC_ID_FFV1, "cache", log), 0);
    assert_int_equal(x->cached, cached);
    check_contents(x, "big.mkv");
    assert_true(x->regular);
    wn_packets_free(&x);
}

static void cache(void **state)
{
    char name[512];
    struct wn_log log;
    struct stat st;
    struct wn_packets *x = NULL;

    wn_log_init(&log);
    assert_int_equal(system("rm -rf cache && mkdir cache"), 0);
    MAKE(.path = "big.mkv", .width = 320, .height = 240, .n = 40, .paint = paint_noise);
    assert_int_equal(wn_packets_load(&x, &(struct wn_packets_params){
        .url = "big.mkv",
        .codec = AV_CODEC_ID_FFV1,
        .cache_dir = "cache",
        .cached_only = true,
        .log = &log,
    }), WN_EOF);
    expect_load(false, &log);
    expect_load(true, &log);
    assert_int_equal(stat(only_file("cache/packets", name, sizeof(name)), &st), 0);
    for (long at = 0; at < (long)st.st_size; at += 1 + (long)st.st_size / 97) {
        change_file(name, at, 1 << at % 8, -1);
        expect_load(false, &log); /* and mends it */
        expect_load(true, &log);
    }
    for (long length = 0; length < (long)st.st_size; length += 1 + (long)st.st_size / 29) {
        change_file(name, 0, 0, length);
        expect_load(false, &log);
    }
    change_file(name, 0, 0, (long)st.st_size + 1);
    expect_load(false, &log);
    expect_load(true, &log);
    /* Another film under the name. */
    MAKE(.path = "big.mkv", .width = 320, .height = 240, .n = 39, .paint = paint_noise);
    expect_load(false, &log);
    expect_load(true, &log);
    wn_log_finish(&log);
}

static void cache_is_bounded(void **state)
{
    struct wn_log log;
    int64_t bytes = 0;
    bool first_is_there = false;

    wn_log_init(&log);
    assert_int_equal(system("rm -rf cache && mkdir -p cache/packets"), 0);
    for (int i = 0; i < 8; i++) {
        char name[64];
        const struct timespec when[2] = {{1000 + i, 0}, {1000 + i, 0}};
        snprintf(name, sizeof(name), "cache/packets/old-%d.index", i);
        FILE *f = fopen(name, "wb");
        assert_int_equal(ftruncate(fileno(f), 12 << 20), 0);
        assert_int_equal(futimens(fileno(f), when), 0);
        fclose(f);
    }
    MAKE(.path = "big.mkv", .width = 320, .height = 240, .n = 40, .paint = paint_noise);
    expect_load(false, &log);
    expect_load(true, &log);
    DIR *dir = opendir("cache/packets");
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char name[512];
        struct stat st;
        snprintf(name, sizeof(name), "cache/packets/%s", e->d_name);
        assert_int_equal(stat(name, &st), 0);
        bytes += S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
        first_is_there |= !strcmp(e->d_name, "old-0.index");
    }
    closedir(dir);
    assert_true(bytes <= 64 << 20);
    assert_false(first_is_there);
    assert_int_equal(system("rm -rf cache"), 0);
    wn_log_finish(&log);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents),
        cmocka_unit_test(gops),
        cmocka_unit_test(cache),
        cmocka_unit_test(cache_is_bounded),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
