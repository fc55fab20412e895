/* SPDX-License-Identifier: MIT */
/* Files: times, sizes, turns, colours, parts, limits, and what is refused. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void constant_rate(void **state)
{
    struct seen s[32];

    MAKE(.path = "cfr.mkv", .n = 20, .fps = 8);
    assert_int_equal(read_file("cfr.mkv", "", s, 32), 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(s[i].number, i);
        assert_int_equal(s[i].counted, i);
        assert_float_equal(s[i].time, i / 8.0, 1e-3);
    }
}

static void variable_rate_and_late_start(void **state)
{
    static const int pts[] = {5000, 5040, 5500, 5600, 9000};
    struct seen s[8];

    MAKE(.path = "vfr.mkv", .n = 5, .pts = pts);
    assert_int_equal(read_file("vfr.mkv", "", s, 8), 5);
    for (int i = 0; i < 5; i++)
        assert_float_equal(s[i].time, (pts[i] - 5000) / 1e3, 1e-6);
}

static void sizes_and_square_pixels(void **state)
{
    struct seen s[8];

    MAKE(.path = "odd.mkv", .width = 33, .height = 17, .n = 1);
    assert_int_equal(read_file("odd.mkv", "", s, 8), 1);
    assert_int_equal(s[0].width, 33);
    assert_int_equal(s[0].height, 17);
    MAKE(.path = "wide.mkv", .width = 72, .height = 57, .sar = {64, 45}, .n = 1);
    assert_int_equal(read_file("wide.mkv", "", s, 8), 1);
    assert_int_equal(s[0].width, 102); /* 72 * 64 / 45 = 102.4 */
    assert_int_equal(s[0].height, 57);
    MAKE(.path = "lie.mkv", .width = 16, .height = 16, .sar = {1000, 1}, .n = 1);
    assert_int_equal(read_file("lie.mkv", "", s, 8), 1);
    assert_int_equal(s[0].width, 16);
    MAKE(.path = "dot.mkv", .width = 1, .height = 1, .n = 2);
    assert_int_equal(read_file("dot.mkv", "scene", s, 8), 2);
    assert_int_equal(s[0].width * s[0].height, 1);
}

/* Red at the stored top left, green at the top right, blue at the bottom left, black elsewhere. */
static void paint_corners(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = x < 8 && y < 8 ? 250 : 0;
    rgb[1] = x >= 24 && y < 8 ? 250 : 0;
    rgb[2] = x < 8 && y >= 8 ? 250 : 0;
}

static char corner(const struct wn_frame *f, int x, int y)
{
    const uint8_t *p = f->rgb + 3 * ((size_t)y * (size_t)f->width + (size_t)x);

    return p[0] > 125 ? 'r' : p[1] > 125 ? 'g' : p[2] > 125 ? 'b' : '.';
}

static void check_turn(const int *matrix, int width, int height, int rotation, const char *corners)
{
    struct wn_media media = {.size = sizeof(media)};
    struct wn_frame *f = NULL;
    struct opened o;

    MAKE(.path = "turn.mov", .codec = "mpeg4", .width = 32, .height = 16,
         .n = 1, .matrix = matrix, .paint = paint_corners);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "turn.mov"}, ""), 0);
    wn_decoder_media(o.decoder, &media);
    assert_int_equal(media.width, width);
    assert_int_equal(media.height, height);
    assert_int_equal(media.rotation, rotation);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_OK);
    const char got[] = {corner(f, 1, 1), corner(f, width - 2, 1), corner(f, 1, height - 2),
                        corner(f, width - 2, height - 2), '\0'};
    assert_string_equal(got, corners);
    wn_frame_unref(&f);
    close_decoder(&o);
}

static void turns(void **state)
{
    check_turn((int[]){1, 0, 0, 1}, 32, 16, 0, "rgb.");
    check_turn((int[]){0, 1, -1, 0}, 16, 32, 90, "br.g");   /* a phone held upright */
    check_turn((int[]){-1, 0, 0, -1}, 32, 16, 180, ".bgr");
    check_turn((int[]){0, -1, 1, 0}, 16, 32, 270, "g.rb");
    check_turn((int[]){-1, 0, 0, 1}, 32, 16, 0, "gr.b");    /* mirrored */
    check_turn((int[]){0, 1, 1, 0}, 16, 32, 90, "rbg.");    /* transposed */
}

static void paint_half(int i, int x, int y, uint8_t rgba[4])
{
    rgba[0] = 200;
    rgba[1] = rgba[2] = 0;
    rgba[3] = x < 8 ? 255 : x < 12 ? 128 : 0;
}

static void transparency_lies_on_white(void **state)
{
    struct wn_media media = {.size = sizeof(media)};
    struct wn_frame *f = NULL;
    struct opened o;

    MAKE(.path = "alpha.png", .codec = "png", .format = AV_PIX_FMT_RGBA, .n = 1,
         .paint = paint_half);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "alpha.png"}, ""), 0);
    wn_decoder_media(o.decoder, &media);
    assert_true(media.still);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_OK);
    assert_int_equal(f->rgb[0], 200);
    assert_int_equal(f->rgb[1], 0);
    assert_in_range(f->rgb[3 * 9], 226, 229);      /* 200 * 0.5 + 255 * 0.5 */
    assert_in_range(f->rgb[3 * 9 + 1], 126, 128);
    assert_int_equal(f->rgb[3 * 15], 255);
    assert_int_equal(f->rgb[3 * 15 + 1], 255);
    wn_frame_unref(&f);
    close_decoder(&o);
}

static void paint_gray(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = 200;
}

static int gray_of(enum AVPixelFormat format)
{
    struct wn_frame *f = NULL;
    struct opened o;

    MAKE(.path = "gray.mkv", .codec = "ffv1", .format = format, .n = 1, .paint = paint_gray);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "gray.mkv"}, ""), 0);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_OK);
    assert_int_equal(f->rgb[0], f->rgb[2]);
    const int v = f->rgb[0];
    wn_frame_unref(&f);
    close_decoder(&o);
    return v;
}

static void pixel_formats(void **state)
{
    static const enum AVPixelFormat format[] = {
        AV_PIX_FMT_BGR0,    AV_PIX_FMT_GRAY8,    AV_PIX_FMT_GRAY16,    AV_PIX_FMT_YUV420P,
        AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV410P,  AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV444P16,
        AV_PIX_FMT_GBRP10,  AV_PIX_FMT_YUVA420P,
    };

    for (int i = 0; i < WN_LEN(format); i++)
        assert_in_range(gray_of(format[i]), 198, 202);
}

static void part_of_a_file(void **state)
{
    struct seen all[300], some[300];
    struct opened o;

    MAKE(.path = "part.mp4", .codec = "mpeg4", .n = 200, .gop = 12);
    assert_int_equal(read_file("part.mp4", "", all, 300), 200);
    for (int k = 0; k < 7; k++) {
        const double start = 0.05 + 2.7 * k, end = start + 1.5;
        const struct wn_decoder_params p = {.url = "part.mp4", .start = start, .end = end};
        assert_int_equal(open_decoder(&o, &p, ""), 0);
        const int n = read_all(&o, some, 300);
        assert_int_equal(n, 15);
        const int first = (int)ceil(start * 10 - 1e-9);
        for (int i = 0; i < n; i++) {
            assert_true(some[i].time >= start && some[i].time < end);
            assert_true(some[i].hash == all[first + i].hash); /* a seek gives what reading gives */
            assert_float_equal(some[i].time, all[first + i].time, 1e-9);
        }
        close_decoder(&o);
    }
    assert_int_equal(
        open_decoder(&o, &(struct wn_decoder_params){.url = "part.mp4", .start = 99}, ""),
        WN_ERR_ARG);
    close_decoder(&o);
    assert_int_equal(
        open_decoder(&o, &(struct wn_decoder_params){.url = "part.mp4", .start = 2, .end = 1}, ""),
        WN_ERR_ARG);
    close_decoder(&o);
}

static int limited(struct wn_decoder_params p)
{
    struct seen s[64];
    struct opened o;

    p.url = "limit.mkv";
    int err = open_decoder(&o, &p, "");
    if (err >= 0)
        err = read_all(&o, s, 64);
    if (err < 0)
        assert_true(strlen(o.log.last_error) > 10);
    close_decoder(&o);
    return err;
}

static void limits(void **state)
{
    MAKE(.path = "limit.mkv", .n = 20);
    assert_int_equal(limited((struct wn_decoder_params){.max_pixels = 16 * 12}), 20);
    assert_int_equal(limited((struct wn_decoder_params){.max_pixels = 16 * 12 - 1}), WN_ERR_LIMIT);
    assert_int_equal(limited((struct wn_decoder_params){.max_frames = 20}), 20);
    assert_int_equal(limited((struct wn_decoder_params){.max_frames = 19}), WN_ERR_LIMIT);
    assert_int_equal(limited((struct wn_decoder_params){.max_duration = 2.1}), 20);
    assert_int_equal(limited((struct wn_decoder_params){.max_duration = 1}), WN_ERR_LIMIT);
    assert_int_equal(limited((struct wn_decoder_params){.max_duration = 1, .start = 1.5}), 5);
    assert_int_equal(limited((struct wn_decoder_params){.stream = 1}), 20);
    assert_int_equal(limited((struct wn_decoder_params){.stream = 2}), WN_ERR_ARG);
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void check_refused(const char *path, int err, const char *words)
{
    struct opened o;

    if (open_decoder(&o, &(struct wn_decoder_params){.url = path}, "") != err)
        fail_msg("%s: not %s, but '%s'", path, wn_strerror(err), o.log.last_error);
    if (!strstr(o.log.last_error, words))
        fail_msg("%s: said '%s', not '%s'", path, o.log.last_error, words);
    close_decoder(&o);
}

static void refused(void **state)
{
    static const char hls[] =
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n";
    static const char concat[] = "ffconcat version 1.0\nfile ../secret.mp4\n";
    static const char svg[] = "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    static const char sdp[] = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                              "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n";

    check_refused("missing.mp4", WN_ERR_IO, "No such file");
    check_refused("", WN_ERR_IO, "no file");
    mkdir("folder.mp4", 0755);
    check_refused("folder.mp4", WN_ERR_IO, "directory");
    write_bytes("empty.mp4", "", 0);
    check_refused("empty.mp4", WN_ERR_DATA, "empty file");
    write_bytes("text.mp4", "just some words, again and again\n", 33);
    check_refused("text.mp4", WN_ERR_DATA, "not a video");
    write_bytes("list.mp4", hls, sizeof(hls) - 1);
    check_refused("list.mp4", WN_ERR_UNSUPPORTED, "playlist");
    write_bytes("concat.mp4", concat, sizeof(concat) - 1);
    check_refused("concat.mp4", WN_ERR_UNSUPPORTED, "playlist");
    write_bytes("sdp.mp4", sdp, sizeof(sdp) - 1);
    check_refused("sdp.mp4", WN_ERR_UNSUPPORTED, "playlist");
    write_bytes("svg.png", svg, sizeof(svg) - 1);
    check_refused("svg.png", WN_ERR_DATA, "not a video");
}

static void odd_names(void **state)
{
    static const char *const name[] = {
        "-vf.mkv", "a:b.mkv", "http:x.mkv", "f%03d.mkv", "new\nline.mkv", "$(touch pwned);x.mkv",
        "bad\xff\xfe.mkv", "\xd0\xb8\xd0\xbc\xd1\x8f.mkv", "no ending", "wrong.jpg",
    };
    struct seen s[16];

    MAKE(.path = "plain.mkv");
    for (int i = 0; i < WN_LEN(name); i++) {
        unlink(name[i]);
        assert_int_equal(link("plain.mkv", name[i]), 0);
        assert_int_equal(read_file(name[i], "", s, 16), 10);
    }
    assert_int_equal(access("pwned", F_OK), -1);
}

static void cut_short(void **state)
{
    struct wn_media media = {.size = sizeof(media)};
    struct seen s[64];
    struct opened o;

    MAKE(.path = "cut.avi", .codec = "rawvideo", .format = AV_PIX_FMT_BGR24, .n = 40, .width = 64,
         .height = 64);
    struct stat st;
    assert_int_equal(stat("cut.avi", &st), 0);
    assert_int_equal(truncate("cut.avi", st.st_size / 2), 0);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "cut.avi"}, ""), 0);
    const int n = read_all(&o, s, 64);
    assert_in_range(n, 1, 39);
    for (int i = 0; i < n; i++)
        assert_int_equal(s[i].number, i);
    close_decoder(&o);
    MAKE(.path = "cut.mov", .codec = "rawvideo", .format = AV_PIX_FMT_RGB24, .n = 40, .width = 64,
         .height = 64);
    assert_int_equal(stat("cut.mov", &st), 0);
    assert_int_equal(truncate("cut.mov", st.st_size / 2), 0);
    check_refused("cut.mov", WN_ERR_DATA, "moov");
    MAKE(.path = "whole.mkv", .n = 3);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "whole.mkv"}, ""), 0);
    assert_int_equal(read_all(&o, s, 64), 3);
    wn_decoder_media(o.decoder, &media);
    assert_int_equal(media.frames_decoded, 3);
    assert_int_equal(media.frames_kept, 3);
    assert_int_equal(media.partial, 0);
    assert_true(wn_decoder_seconds(o.decoder) > 0);
    close_decoder(&o);
}

static int stop_at_once(void *opaque, double done)
{
    return 1;
}

static void stopping(void **state)
{
    struct opened o;
    struct wn_frame *f = NULL;

    MAKE(.path = "stop.mkv", .n = 5);
    assert_int_equal(
        open_decoder(
            &o, &(struct wn_decoder_params){.url = "stop.mkv", .on_progress = stop_at_once}, ""),
        0);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_ERR_ABORTED);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_ERR_ABORTED);
    close_decoder(&o);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "stop.mkv"}, ""), 0);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_OK);
    wn_frame_unref(&f);
    atomic_store(&o.log.cancelled, true);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_ERR_ABORTED);
    close_decoder(&o);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_rate),
        cmocka_unit_test(variable_rate_and_late_start),
        cmocka_unit_test(sizes_and_square_pixels),
        cmocka_unit_test(turns),
        cmocka_unit_test(transparency_lies_on_white),
        cmocka_unit_test(pixel_formats),
        cmocka_unit_test(part_of_a_file),
        cmocka_unit_test(limits),
        cmocka_unit_test(refused),
        cmocka_unit_test(odd_names),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(stopping),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
