/* SPDX-License-Identifier: MIT */
/* The filters that look at pictures: what is compared, what stays, and how much is held. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decoder_state.h"
#include "decode/thumb.h"

#define W 64
#define H 48
#define MOST 400

/* ---- what is compared ---- */

static struct wn_picture *painted(enum AVPixelFormat format, int w, int h,
                                  void (*paint)(int i, int x, int y, uint8_t rgb[3]), int i)
{
    struct wn_picture *p = NULL;

    assert_int_equal(wn_picture_create(&p), WN_OK);
    p->frame->format = format;
    p->frame->width = w;
    p->frame->height = h;
    assert_int_equal(av_frame_get_buffer(p->frame, 0), 0);
    wn_shape_size(&p->shape, w, h, (AVRational){1, 1});
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            paint(i, x, y, p->frame->data[0] + (ptrdiff_t)y * p->frame->linesize[0] + 3 * x);
    return p;
}

static struct wn_thumb thumb_of(struct wn_picture *p, struct wn_log *log)
{
    struct wn_converter c = {0};
    struct wn_thumb t;

    assert_int_equal(wn_thumb_make(&t, &c, p, log), WN_OK);
    wn_convert_finish(&c);
    wn_picture_free(&p);
    return t;
}

static void paint_ramp(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)(x * 3 + i);
}

static void paint_flat(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)(i + (x * 7 + y * 13) % 3 - 1); /* noise of a level */
}

static void hash_sees_structure(void **state)
{
    struct wn_log log;
    uint64_t a[2], b[2];

    wn_log_init(&log);
    struct wn_thumb dark = thumb_of(painted(AV_PIX_FMT_RGB24, W, H, paint_ramp, 0), &log);
    struct wn_thumb light = thumb_of(painted(AV_PIX_FMT_RGB24, W, H, paint_ramp, 50), &log);
    struct wn_thumb flat = thumb_of(painted(AV_PIX_FMT_RGB24, W, H, paint_flat, 99), &log);
    wn_thumb_hash(&dark, a);
    wn_thumb_hash(&light, b);
    assert_int_equal(wn_thumb_bits(a, b), 0); /* light alone changes nothing */
    wn_thumb_hash(&flat, b);
    assert_int_equal(b[0] | b[1], 0); /* nor does noise */
    double mean, most;
    wn_thumb_difference(&dark, &light, &mean, &most);
    assert_true(mean > 45 && most < 56);
    assert_true(wn_thumb_motion(&flat, &flat) <= 0);
    uint64_t none[2] = {0, 0}, all[2] = {UINT64_MAX, UINT64_MAX};
    assert_int_equal(wn_thumb_bits(none, all), 128);
    wn_log_finish(&log);
}

/* Pictures smaller than the thumb, and of one pixel. */
static void tiny_pictures(void **state)
{
    struct wn_log log;

    wn_log_init(&log);
    for (int w = 1; w <= 40; w += 13) {
        struct wn_thumb t = thumb_of(painted(AV_PIX_FMT_RGB24, w, 1, paint_flat, 100), &log);
        for (int i = 0; i < WN_THUMB_CELLS; i++)
            assert_in_range(t.plane[0][i], 98, 102);
        float x[WN_THUMB_DIM];
        wn_thumb_describe(&t, x);
        for (int i = 0; i < WN_THUMB_DIM; i++)
            assert_true(isfinite(x[i]));
    }
    wn_log_finish(&log);
}

/* The planes of YUV and the way over RGB see the same. */
static void formats_agree(void **state)
{
    static const char *const path[] = {"f420.mkv", "f422_10.mkv", "frgb.mkv"};
    static const enum AVPixelFormat format[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10,
                                                AV_PIX_FMT_BGR0};
    struct wn_thumb t[3];

    for (int i = 0; i < 3; i++) {
        struct opened o;
        MAKE(.path = path[i], .codec = "ffv1", .format = format[i], .width = W, .height = H,
             .n = 2, .paint = paint_ramp);
        assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = path[i]}, NULL), 0);
        struct wn_converter c = {0};
        assert_int_equal(wn_thumb_make(&t[i], &c, o.decoder->input->ahead.head, &o.log), WN_OK);
        wn_convert_finish(&c);
        close_decoder(&o);
    }
    for (int i = 0; i < WN_THUMB_CELLS; i++) { /* limited range is 219 levels of 255 */
        assert_true(abs(t[0].plane[0][i] - t[1].plane[0][i] * 219 / 255 - 16) <= 3);
        assert_true(abs(t[1].plane[0][i] - t[2].plane[0][i]) <= 3);
        assert_true(abs(t[0].plane[1][i] - 128) <= 1 && abs(t[1].plane[1][i] - 128) <= 1);
    }
}

/* ---- dedup ---- */

/* Three slides of 40 frames with noise; from frame 100 on a small square stands on the third. */
static void paint_slides(int i, int x, int y, uint8_t rgb[3])
{
    const int slide = i / 40, noise = (i * 31 + x * 7 + y * 13) % 3 - 1;
    const bool mark = (x / 8 + y / 6 * (slide + 1)) % 3 == 0;
    const bool square = i >= 100 && x >= 40 && x < 44 && y >= 20 && y < 23;

    rgb[0] = rgb[1] = rgb[2] = (uint8_t)((square ? 130 : mark ? 60 : 220) + noise);
}

static void dedup_keeps_what_is_new(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "slides.mkv", .width = W, .height = H, .n = 120, .paint = paint_slides);
    assert_int_equal(read_file("slides.mkv", "dedup", s, MOST), 4);
    static const int want[] = {0, 40, 80, 100};
    for (int i = 0; i < 4; i++)
        assert_int_equal(s[i].counted, want[i]);
    assert_int_equal(read_file("slides.mkv", "dedup=cell=255", s, MOST), 3); /* small square */
    assert_int_equal(read_file("slides.mkv", "dedup=cell=0", s, MOST), 120);
    /* 10 frames a second, kept at 0, 2; the slide at 4, then 6; the slide at 8, then the square */
    assert_int_equal(read_file("slides.mkv", "dedup=gap=2", s, MOST), 6);
    assert_int_equal(s[1].counted, 20);
    assert_int_equal(read_file("slides.mkv", "fps=1,dedup", s, MOST), 4);
}

/* Half a level a frame. */
static void paint_drift(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)(40 + i / 2);
}

static void dedup_sees_a_slow_drift(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "drift.mkv", .width = W, .height = H, .n = 200, .paint = paint_drift);
    const int n = read_file("drift.mkv", "dedup", s, MOST);
    assert_in_range(n, 25, 45); /* a neighbour never differs by more than one level */
    for (int i = 1; i < n; i++)
        assert_in_range(s[i].counted - s[i - 1].counted, 5, 8);
    assert_int_equal(read_file("drift.mkv", "dedup=diff=255:cell=255", s, MOST), 1);
}

static void paint_cuts(int i, int x, int y, uint8_t rgb[3])
{
    const int scene = i / 30;

    for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)(scene % 2 ? 230 - 40 * k : 20 + 60 * ((scene + k) % 3));
}

/* The first frame of a scene stays whatever it looks like, with its mark. */
static void dedup_keeps_scenes(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "cuts.mkv", .width = W, .height = H, .n = 120, .paint = paint_cuts);
    const char *all = "scene,dedup=bits=128:diff=765:cell=765";
    assert_int_equal(read_file("cuts.mkv", all, s, MOST), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s[i].counted, 30 * i);
        assert_int_equal(s[i].scene, i);
        assert_true(i ? s[i].score >= 27 : s[i].score <= 0);
    }
}

static int push_slides(struct opened *o, int n)
{
    static uint8_t rgb[W * H * 3];
    int err = WN_OK;

    for (int i = 0; i < n && !err; i++) {
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                paint_slides(i, x, y, rgb + (y * W + x) * 3);
        err = wn_decoder_push(o->decoder, &(struct wn_image){
            .size = sizeof(struct wn_image), .format = WN_RGB24, .data = {rgb}, .stride = {W * 3},
            .width = W, .height = H, .time = i / 10.0,
        });
    }
    return err ? err : wn_decoder_push(o->decoder, NULL);
}

static void pushed_frames_pass_them_too(void **state)
{
    static const struct { const char *chain; int n; } want[] = {
        {"dedup", 4}, {"motion", 3}, {"motion=n=5", 5}, {"dcode_frames=n=6", 6}, {"aks=n=4", 4},
        {"fps=1,dedup", 4},
    };
    struct seen s[MOST];
    struct opened o;

    for (int i = 0; i < WN_LEN(want); i++) {
        assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){0}, want[i].chain), 0);
        assert_int_equal(push_slides(&o, 120), WN_OK);
        const int n = read_all(&o, s, MOST);
        if (n != want[i].n)
            fail_msg("%s: %d frames", want[i].chain, n);
        close_decoder(&o);
    }
}

/* ---- motion ---- */

/* Still for 100 frames, then a bar runs for 50, then still again. */
static void paint_bar(int i, int x, int y, uint8_t rgb[3])
{
    const int at = i < 100 ? 0 : i < 150 ? (i - 100) * 5 % W : 10;

    rgb[0] = rgb[1] = rgb[2] = x >= at && x < at + 12 ? 220 : 30;
}

static void motion_counts_what_moves(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "bar.mkv", .width = W, .height = H, .n = 300, .paint = paint_bar);
    int n = read_file("bar.mkv", "motion", s, MOST);
    assert_in_range(n, 20, 60);
    assert_int_equal(s[0].counted, 0);
    for (int i = 1; i < n; i++)
        assert_in_range(s[i].counted, 100, 151);
    const int few = read_file("bar.mkv", "motion=energy=500", s, MOST);
    assert_true(few < n / 2 && few >= 2);
    assert_int_equal(read_file("bar.mkv", "motion=energy=0", s, MOST), 300);
    n = read_file("bar.mkv", "motion=n=8", s, MOST);
    assert_int_equal(n, 8);
    for (int i = 1; i < n; i++) {
        assert_in_range(s[i].counted, 100, 155);
        assert_in_range(s[i].counted - s[i - 1].counted, 2, 12); /* the bar's speed is even */
    }
    assert_int_equal(read_file("cuts.mkv", "motion=n=400", s, MOST), 120); /* more than there are */
    assert_int_equal(read_file("cuts.mkv", "motion=n=1", s, MOST), 1);
}

/* ---- choices ---- */

/* 120 gray frames, save 50 to 54, red with a pattern. */
static void paint_needle(int i, int x, int y, uint8_t rgb[3])
{
    const bool needle = i >= 50 && i < 55;

    rgb[0] = needle ? (uint8_t)(200 * ((x / 8 + y / 8) & 1)) : (uint8_t)(90 + x / 4);
    rgb[1] = needle ? 10 : (uint8_t)(90 + x / 4);
    rgb[2] = needle ? 10 : (uint8_t)(90 + x / 4);
}

static int in_needle(const struct seen *s, int n)
{
    int found = 0;

    for (int i = 0; i < n; i++)
        found += s[i].counted >= 50 && s[i].counted < 55;
    return found;
}

static void choices_find_the_needle(void **state)
{
    struct seen s[MOST];

    MAKE(.path = "needle.mkv", .width = W, .height = H, .n = 120, .paint = paint_needle);
    int n = read_file("needle.mkv", "dcode_frames=n=8:share=0.75:of=120", s, MOST);
    assert_int_equal(n, 8);
    assert_int_equal(in_needle(s, n) >= 1, 1); /* six even ones miss it */
    n = read_file("needle.mkv", "aks=n=5:of=120", s, MOST);
    assert_int_equal(n, 5);
    assert_int_equal(in_needle(s, n), 5); /* they stand out by themselves */
    n = read_file("needle.mkv", "aks=n=8:of=120", s, MOST);
    assert_int_equal(n, 8);
    assert_int_equal(in_needle(s, n), 1); /* eight do not: each eighth of the time gives one */
    n = read_file("needle.mkv", "longvu_frames", s, MOST);
    assert_int_equal(n, 7 + 16); /* the window with the needle stays, of 7 others one frame each */
    assert_int_equal(in_needle(s, n), 5);
    n = read_file("needle.mkv", "scene_tiling=k=2:of=120", s, MOST);
    assert_int_equal(n, 3);
    assert_int_equal(s[0].counted, 24);
    assert_int_equal(s[1].counted, 52);
    assert_int_equal(s[2].counted, 87);
    n = read_file("needle.mkv", "tdc_segment=n=2:chunk=1000:of=120", s, MOST);
    assert_int_equal(n, 3);
    assert_int_equal(s[0].counted, 0);
    assert_int_equal(s[1].counted, 50);
    assert_int_equal(s[2].counted, 55);
    n = read_file("needle.mkv", "tdc_segment=n=2:chunk=10:of=120", s, MOST);
    assert_int_equal(n, 5 + 1 + 7);
}

static void choices_of_nearly_nothing(void **state)
{
    static const char *const chain[] = {
        "dcode_frames", "aks", "longvu_frames", "scene_tiling", "tdc_segment", "motion", "dedup",
        "motion=n=3", "dcode_frames=n=1", "aks=n=1", "longvu_frames=window=1", "scene_tiling=k=3",
        "shuffle",
    };
    struct seen s[MOST];

    MAKE(.path = "one.mkv", .width = W, .height = H, .n = 1, .paint = paint_needle);
    MAKE(.path = "equal.mkv", .width = W, .height = H, .n = 40, .paint = paint_flat);
    for (int i = 0; i < WN_LEN(chain); i++) {
        int n = read_file("one.mkv", chain[i], s, MOST);
        if (n != 1)
            fail_msg("%s keeps %d frames of 1", chain[i], n);
        n = read_file("equal.mkv", chain[i], s, MOST);
        if (n < 1 || n > 40)
            fail_msg("%s keeps %d frames of 40", chain[i], n);
        for (int k = 1; k < n; k++)
            assert_true(s[k].counted > s[k - 1].counted);
        struct opened o; /* no frame at all */
        assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){0}, chain[i]), 0);
        assert_int_equal(wn_decoder_push(o.decoder, NULL), WN_OK);
        assert_int_equal(read_all(&o, s, MOST), 0);
        close_decoder(&o);
    }
}

/* Every picture is there once, at a time that was another's. */
static void shuffle_only_changes_order(void **state)
{
    struct seen even[MOST], s[MOST], other[MOST];
    int moved = 0, differ = 0, times_seen[40] = {0};

    MAKE(.path = "order.mkv", .width = W, .height = H, .n = 40);
    assert_int_equal(read_file("order.mkv", "fps=100", even, MOST), 40);
    assert_int_equal(read_file("order.mkv", "shuffle", s, MOST), 40);
    assert_int_equal(read_file("order.mkv", "shuffle=seed=1", other, MOST), 40);
    for (int i = 0; i < 40; i++) {
        assert_true(s[i].time == even[i].time && s[i].counted == even[i].counted);
        assert_in_range(s[i].number, 0, 39);
        times_seen[s[i].number]++;
        moved += s[i].number != i;
        differ += s[i].number != other[i].number;
    }
    for (int i = 0; i < 40; i++)
        assert_int_equal(times_seen[i], 1);
    assert_true(moved > 30 && differ > 30);
}

static void memory_stays(void **state)
{
    static const char *const chain[] = {
        "dedup", "motion=n=8", "dcode_frames=of=16", "aks=n=8:of=16", "longvu_frames",
        "scene_tiling=of=16", "tdc_segment=of=16",
    };
    struct seen s[MOST];

    MAKE(.path = "long.mkv", .width = 320, .height = 240, .n = 400);
    const int64_t before = wn_peak_bytes();
    for (int i = 0; i < WN_LEN(chain); i++)
        assert_true(read_file("long.mkv", chain[i], s, MOST) > 0);
#if defined(__SANITIZE_ADDRESS__) /* keeps what was freed */
    (void)before;
#else
    assert_true(wn_peak_bytes() - before < 60 << 20); /* all frames would be 123 MB */
#endif
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_stays),
        cmocka_unit_test(hash_sees_structure),
        cmocka_unit_test(tiny_pictures),
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(dedup_keeps_what_is_new),
        cmocka_unit_test(dedup_sees_a_slow_drift),
        cmocka_unit_test(dedup_keeps_scenes),
        cmocka_unit_test(pushed_frames_pass_them_too),
        cmocka_unit_test(motion_counts_what_moves),
        cmocka_unit_test(choices_find_the_needle),
        cmocka_unit_test(choices_of_nearly_nothing),
        cmocka_unit_test(shuffle_only_changes_order),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
