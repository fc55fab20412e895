/* SPDX-License-Identifier: MIT */
/* What the frame filters choose, of files and of pushed pictures; that a seek changes nothing. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decoder_state.h"
#include "decode/select/select.h"

#define MOST 512

static void expect(const char *path, const char *chain, int n, const int *number)
{
    struct seen s[MOST];
    const int got = read_file(path, chain, s, MOST);

    if (got != n)
        fail_msg("%s of %s: %d frames, not %d", chain, path, got, n);
    for (int i = 0; i < n; i++)
        if (s[i].number != number[i])
            fail_msg("%s of %s: frame %d is number %d, not %d", chain, path, i, s[i].number,
                     number[i]);
}

#define EXPECT(path, chain, ...)                                                                \
    expect(path, chain, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

static void fps(void **state)
{
    static const int gap[] = {0, 100, 200, 300, 60000, 60100, 60200};

    MAKE(.path = "ten.mkv", .n = 30, .fps = 10);
    EXPECT("ten.mkv", "fps=2", 0, 5, 10, 15, 20, 25);
    EXPECT("ten.mkv", "fps=fps=1", 0, 10, 20);
    EXPECT("ten.mkv", "fps=0.4", 0, 25);
    EXPECT("ten.mkv", "fps=3", 0, 4, 7, 10, 14, 17, 20, 24, 27);
    assert_int_equal(read_file("ten.mkv", "fps=1000", (struct seen[MOST]){{0}}, MOST), 30);
    MAKE(.path = "gap.mkv", .n = 7, .pts = gap);
    EXPECT("gap.mkv", "fps=5", 0, 2, 4, 6); /* nothing is made up inside the gap */
}

static void uniform(void **state)
{
    MAKE(.path = "ten.mkv", .n = 30, .fps = 10);
    EXPECT("ten.mkv", "uniform=1", 15);
    EXPECT("ten.mkv", "uniform=n=3", 5, 15, 25);
    EXPECT("ten.mkv", "uniform=5", 3, 9, 15, 21, 27);
    assert_int_equal(read_file("ten.mkv", "uniform=1000", (struct seen[MOST]){{0}}, MOST), 30);
    MAKE(.path = "one.mkv", .n = 1);
    EXPECT("one.mkv", "uniform=8", 0);
    MAKE(.path = "raw.mjpeg", .codec = "mjpeg", .format = AV_PIX_FMT_YUVJ420P, .n = 30, .fps = 25);
    struct seen s[MOST];
    /* A file without a duration. */
    assert_int_equal(read_file("raw.mjpeg", "uniform=3", s, MOST), 3);
    assert_int_equal(s[0].counted, 5);
    assert_int_equal(s[1].counted, 15);
    assert_int_equal(s[2].counted, 25);
}

/* Changes little from frame to frame, so that the encoder has no reason for extra key frames. */
static void paint_pan(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = (uint8_t)(40 + i / 4 % 128 + x);
    rgb[2] = (uint8_t)(90 + y);
}

static void keyframes(void **state)
{
    struct seen s[MOST];
    struct opened o;

    MAKE(.path = "keys.mp4", .codec = "mpeg4", .n = 120, .gop = 10, .paint = paint_pan);
    assert_int_equal(read_file("keys.mp4", "keyframes", s, MOST), 12);
    for (int i = 0; i < 12; i++) {
        assert_float_equal(s[i].time, i, 1e-6);
        assert_true(s[i].key);
    }
    assert_int_equal(read_file("keys.mp4", "keyframes=max=4", s, MOST), 4);
    for (int i = 0; i < 4; i++)
        assert_float_equal(s[i].time, 1 + 3 * i, 1e-6);
    assert_int_equal(read_file("keys.mp4", "keyframes,fps=0.5", s, MOST), 6);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "keys.mp4"}, "keyframes"),
                     0);
    assert_int_equal(read_all(&o, s, MOST), 12);
    assert_in_range(o.decoder->input->count, 12, 16); /* the others were not decoded */
    close_decoder(&o);
    assert_int_equal(read_file("keys.mp4", "fps=5,keyframes", s, MOST), 12);
}

/* Scenes of 40, 30 and 50 frames; frame 57 has the finest stripes, frame 5 those of its scene. */
static void paint_scenes(int i, int x, int y, uint8_t rgb[3])
{
    static const uint8_t colour[3][3] = {{200, 40, 40}, {30, 160, 220}, {90, 230, 60}};
    const int scene = i < 40 ? 0 : i < 70 ? 1 : 2;
    const int stripe = i == 57 || i == 5 ? 40 * (x & 1) : 0;

    for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)WN_MAX(0, colour[scene][k] - stripe);
}

static void check_scenes(const struct seen *s, int n)
{
    for (int i = 0; i < n; i++) {
        const int scene = s[i].counted < 40 ? 0 : s[i].counted < 70 ? 1 : 2;
        assert_int_equal(s[i].scene, scene);
        const bool first = i && s[i - 1].scene != scene;
        assert_true(first ? s[i].score >= 27 : s[i].score <= 0);
    }
}

static void scene_and_pick(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "scenes.mkv", .width = 64, .height = 48, .n = 120, .paint = paint_scenes);
    assert_int_equal(read_file("scenes.mkv", "scene", s, MOST), 120);
    check_scenes(s, 120);
    assert_int_equal(read_file("scenes.mkv", "scene,fps=1", s, MOST), 12);
    check_scenes(s, 12);
    assert_int_equal(read_file("scenes.mkv", "scene,pick", s, MOST), 3);
    for (int i = 0; i < 3; i++) {
        static const int middle[] = {20, 55, 95};
        assert_in_range(s[i].counted, middle[i] - 3, middle[i] + 3);
        assert_int_equal(s[i].scene, i);
    }
    assert_int_equal(read_file("scenes.mkv", "scene,pick=n=2:by=sharp", s, MOST), 6);
    assert_int_equal(s[0].counted, 5);
    assert_int_equal(s[3].counted, 57);
    check_scenes(s, 6);
    assert_int_equal(read_file("scenes.mkv", "scene,pick=100", s, MOST), 120);
    assert_int_equal(read_file("scenes.mkv", "pick=2", s, MOST), 2); /* all is one scene */
}

static void every_detector_marks(void **state)
{
    static const char *const chain[] = {
        "scene=content", "scene=detector=adaptive", "scene=hash", "scene=histogram", "scene=scdet",
        "scene=content:mode=suppress", "scene=content:edges=1:kernel=3:threshold=12",
        "scene=hue=0:sat=0:threshold=10",
    };
    struct seen s[MOST];

    MAKE(.path = "scenes.mkv", .width = 64, .height = 48, .n = 120, .paint = paint_scenes);
    for (int i = 0; i < WN_LEN(chain); i++) {
        const int n = read_file("scenes.mkv", chain[i], s, MOST);
        if (n != 120)
            fail_msg("%s: %d frames", chain[i], n);
        for (int k = 0; k < n; k++)
            assert_int_equal(s[k].counted, k);
        if (i != 2) /* a hash of flat pictures sees nothing */
            assert_int_equal(s[119].scene - s[39].scene, 2);
    }
}

static void bad_options(void **state)
{
    static const char *const chain[] = {
        "fps=0", "fps=x", "uniform=0", "scene=hue=0:sat=0:lum=0", "scene=kernel=4", "scene=nosuch",
        "pick=by=chance", "keyframes=max=-1", "scene=colour=1",
    };
    struct opened o;

    for (int i = 0; i < WN_LEN(chain); i++) {
        assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = NULL}, chain[i]),
                         WN_ERR_ARG);
        close_decoder(&o);
    }
}

/* The same frames whether the decoder jumps or reads on. */
static void seeking_changes_nothing(void **state)
{
    static const char *const chain[] = {
        "uniform=1", "uniform=2", "uniform=7", "fps=0.05", "fps=0.1", "fps=0.3", "fps=1", "fps=7",
    };
    static const char *const path[] = {"seek.mp4", "seek.mkv", "seek.avi"};
    static struct seen a[MOST], b[MOST];
    int saved = 0;

    for (int f = 0; f < WN_LEN(path); f++) {
        MAKE(.path = path[f], .codec = "mpeg4", .n = 250, .gop = 25, .paint = paint_pan);
        for (int i = 0; i < WN_LEN(chain); i++) {
            struct opened o;
            const struct wn_decoder_params p = {.url = path[f], .start = i == 3 ? 7.3 : 0};
            assert_int_equal(open_decoder(&o, &p, chain[i]), 0);
            const int n = read_all(&o, a, MOST);
            saved += o.decoder->input->count < 190;
            close_decoder(&o);
            assert_int_equal(open_decoder(&o, &p, chain[i]), 0);
            o.decoder->input->no_seek = true;
            assert_int_equal(read_all(&o, b, MOST), n);
            close_decoder(&o);
            for (int k = 0; k < n; k++)
                if (a[k].hash != b[k].hash || fabs(a[k].time - b[k].time) > 1e-9)
                    fail_msg("%s of %s: frame %d differs", chain[i], path[f], k);
        }
    }
    assert_in_range(saved, 6, 24); /* and it did jump */
}

/* The picture of frames stands last; its tiles are those frames, shrunk as the rule says. */
static void tiles(void **state)
{
    struct opened o;
    struct seen s[MOST];
    struct wn_frame *frame[8] = {NULL};
    int n = 0, list[4];

    MAKE(.path = "ten.mkv", .n = 30, .fps = 10);
    assert_int_equal(read_file("ten.mkv", "uniform=5,tile=n=4:side=64", s, MOST), 6);
    assert_int_equal(s[5].width, 64);
    assert_int_equal(s[5].counted, WN_FRAME_MADE);
    assert_true(s[5].time == s[4].time);
    assert_int_equal(read_file("ten.mkv", "tile=n=6:side=64:only=1,dedup", s, MOST), 1);
    assert_int_equal(s[0].width, 64);
    assert_int_equal(s[0].height, 63);
    assert_int_equal(read_file("one.mkv", "tile", s, MOST), 1); /* nothing to put beside it */
    MAKE(.path = "many.mkv", .n = 600, .fps = 10);
    assert_int_equal(read_file("many.mkv", "tile=side=64:only=1", s, MOST), 1);

    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "ten.mkv"},
                                  "uniform=5,tile=n=4:side=64"), WN_OK);
    while (n < 8 && wn_decoder_next(o.decoder, &frame[n]) == WN_OK)
        n++;
    assert_int_equal(n, 6);
    wn_select_linspace(5, 4, list);
    for (int k = 0; k < 4; k++) {
        uint8_t tile[32 * 32 * 3];
        wn_thumbnail_bytes(frame[list[k]]->rgb, frame[0]->height, frame[0]->width, 32, 32, tile);
        for (int y = 0; y < 32; y++)
            assert_memory_equal(frame[5]->rgb + ((k / 2 * 32 + y) * 64 + k % 2 * 32) * 3,
                                tile + y * 32 * 3, 32 * 3);
    }
    for (int i = 0; i < n; i++)
        wn_frame_unref(&frame[i]);
    close_decoder(&o);
}

static void memory_stays(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "long.mkv", .width = 320, .height = 240, .n = 400);
    const int64_t before = wn_peak_bytes();
    assert_int_equal(read_file("long.mkv", "scene,pick=2:by=sharp", s, MOST) > 0, 1);
    assert_int_equal(read_file("long.mkv", "keyframes=max=3", s, MOST), 3);
    assert_true(wn_peak_bytes() - before < 60 << 20); /* all frames would be 123 MB */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_stays),
        cmocka_unit_test(fps),
        cmocka_unit_test(uniform),
        cmocka_unit_test(keyframes),
        cmocka_unit_test(scene_and_pick),
        cmocka_unit_test(every_detector_marks),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(tiles),
        cmocka_unit_test(seeking_changes_nothing),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
