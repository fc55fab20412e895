/* SPDX-License-Identifier: MIT */
/* The scene detectors on pictures of known content, their promises, and the list of scenes. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/detect/detect.h"
#include "decode/detect/pairs.h"
#include "decode/detect/parts.h"
#include "decode/small.h"

#define W 32
#define H 24

static void hsv_as_opencv(void **state)
{
    static const uint8_t rgb[][3] = {
        {0, 0, 0},       {255, 255, 255}, {255, 0, 0},   {0, 255, 0},  {0, 0, 255},
        {255, 255, 0},   {0, 255, 255},   {255, 0, 255}, {10, 20, 30}, {200, 100, 50},
        {128, 128, 127}, {255, 0, 1},     {7, 3, 5},
    };
    static const uint8_t hsv[][3] = {
        /* cv2.cvtColor(..., COLOR_RGB2HSV), OpenCV 4.14 */
        {0, 0, 0},      {0, 0, 255},    {0, 255, 255},   {60, 255, 255}, {120, 255, 255},
        {30, 255, 255}, {90, 255, 255}, {150, 255, 255}, {105, 170, 30}, {10, 191, 200},
        {30, 2, 128},   {0, 255, 255},  {165, 146, 7},
    };

    for (int i = 0; i < WN_LEN(rgb); i++) {
        uint8_t h, s, v;
        wn_hsv(rgb[i], 1, &h, &s, &v);
        if (h != hsv[i][0] || s != hsv[i][1] || v != hsv[i][2])
            fail_msg("colour %d: %d %d %d", i, h, s, v);
    }
}

/* Many colours at once, as the loops of several pixels have them, and one by one. */
static void hsv_of_many(void **state)
{
    static uint8_t rgb[3 * 1009], hsv[3][1009];
    uint32_t seed = 1;

    for (int i = 0; i < WN_LEN(rgb); i++) {
        seed = seed * 1664525 + 1013904223;
        rgb[i] = (uint8_t)(seed >> 24);
    }
    wn_hsv(rgb, 1009, hsv[0], hsv[1], hsv[2]);
    for (int i = 0; i < 1009; i++) {
        uint8_t h, s, v;
        wn_hsv((const uint8_t[]){rgb[i], rgb[1009 + i], rgb[2018 + i]}, 1, &h, &s, &v);
        if (h != hsv[0][i] || s != hsv[1][i] || v != hsv[2][i] || h >= 180)
            fail_msg("colour %d: %d %d %d, not %d %d %d", i, hsv[0][i], hsv[1][i], hsv[2][i], h, s,
                     v);
    }
    uint64_t sum = 0;
    for (int i = 0; i < 3 * 1009 - 5; i++)
        sum += (uint64_t)abs(rgb[i] - rgb[i + 5]);
    assert_int_equal(wn_distance(rgb, rgb + 5, 3 * 1009 - 5), sum);
}

static int scaled(const uint8_t *p, int wl, int wr)
{
    return (p[0] * wl + p[3] * wr) >> 4;
}

/* OpenCV's fixed point, pixel by pixel. */
static void resizing_a_large_picture(void **state)
{
    enum { SW = 211, SH = 157, DW = 64, DH = 48 };
    static uint8_t src[SH][SW * 3 + 5], dst[3][DH][DW];

    for (int y = 0; y < SH; y++)
        for (int x = 0; x < SW * 3; x++)
            src[y][x] = (uint8_t)((x * 37) ^ (y * 91));
    assert_int_equal(wn_resize_linear(src[0], sizeof(src[0]), SW, SH, dst[0][0], DW, DH), WN_OK);
    for (int y = 0; y < DH; y++) {
        const float fy = (float)((y + 0.5) * (1 / ((double)DH / SH)) - 0.5);
        const int iy = (int)floorf(fy), vb = (int)lrintf((fy - (float)iy) * 2048),
                  va = (int)lrintf((1.f - (fy - (float)iy)) * 2048);
        for (int x = 0; x < DW; x++) {
            const float fx = (float)((x + 0.5) * (1 / ((double)DW / SW)) - 0.5);
            const int ix = (int)floorf(fx), wr = (int)lrintf((fx - (float)ix) * 2048),
                      wl = (int)lrintf((1.f - (fx - (float)ix)) * 2048);
            for (int k = 0; k < 3; k++) {
                const int a = scaled(&src[iy][3 * ix + k], wl, wr);
                const int b = scaled(&src[iy + 1][3 * ix + k], wl, wr);
                const int want = (((a * va) >> 16) + ((b * vb) >> 16) + 2) >> 2;
                if (dst[k][y][x] != want)
                    fail_msg("%d, %d: %d, not %d", x, y, dst[k][y][x], want);
            }
        }
    }
}

static void pairs_of_a_row(void **state)
{
    static const double step[] = {1, 1.07, 1.25, 2, 2.5, 3.33, 5, 7.5, 14, 15, 30, 61};
    uint8_t row[2000];

    for (int i = 0; i < WN_LEN(row); i++)
        row[i] = (uint8_t)(i * 7 ^ i >> 5);
    for (int s = 0; s < WN_LEN(step); s++) {
        for (int n = 1; n < 32; n += 5) {
            const int width = (int)((n - 1) * step[s]) + 2; /* ends with the last pair */
            struct wn_pairs pairs = {.n = 0};
            int32_t column[32];
            uint16_t pair[32];
            uint8_t *exact = wn_calloc((size_t)width, 1); /* reading behind it is noticed */
            assert_non_null(exact);
            memcpy(exact, row, (size_t)width);
            for (int i = 0; i < n; i++)
                column[i] = (int32_t)(i * step[s]);
            assert_int_equal(wn_pairs_begin(&pairs, column, n, width), WN_OK);
            assert_true(pairs.room <= WN_LEN(pair));
            wn_pairs_take(&pairs, exact, pair);
            for (int i = 0; i < n; i++)
                assert_int_equal(pair[i], row[column[i]] | row[column[i] + 1] << 8);
            wn_pairs_finish(&pairs);
            free(exact);
        }
    }
}

/* What the sampler takes from the planes is what the whole picture gives, or it is not used. */
static void small_pictures(void **state)
{
    static const struct {
        enum AVPixelFormat format;
        int width, height;
    } of[] = {
        {AV_PIX_FMT_YUV420P, 1280, 720}, {AV_PIX_FMT_YUVJ420P, 640, 360},
        {AV_PIX_FMT_YUV420P, 512, 288},  {AV_PIX_FMT_YUV420P, 333, 188},
        {AV_PIX_FMT_YUV420P, 300, 1030}, {AV_PIX_FMT_YUV420P, 1031, 300},
        {AV_PIX_FMT_YUV444P, 640, 360},  {AV_PIX_FMT_YUV420P, 640, 361},
        {AV_PIX_FMT_YUV420P, 256, 144},  {AV_PIX_FMT_YUV420P, 2000, 20},
        {AV_PIX_FMT_BGRA, 640, 360},     {AV_PIX_FMT_RGB24, 333, 188},
        {AV_PIX_FMT_BGR24, 512, 288},    {AV_PIX_FMT_RGBA, 1031, 300},
        {AV_PIX_FMT_ARGB, 640, 360},     {AV_PIX_FMT_0BGR, 640, 360},
        {AV_PIX_FMT_RGB565LE, 640, 360}, {AV_PIX_FMT_GBRP, 640, 360},
    };
    int sampled = 0;

    for (int i = 0; i < WN_LEN(of); i++) {
        struct wn_picture *p = NULL;
        struct wn_converter convert = {.plain = false};
        struct wn_small small = {.rgb = NULL};
        const uint8_t *rgb;
        int32_t w, h;
        int stride;

        assert_int_equal(wn_picture_create(&p), WN_OK);
        p->frame->format = of[i].format;
        p->frame->width = of[i].width;
        p->frame->height = of[i].height;
        assert_true(av_frame_get_buffer(p->frame, 0) >= 0);
        for (int k = 0; k < 3; k++) {
            const bool half = k && of[i].format != AV_PIX_FMT_YUV444P &&
                              of[i].format != AV_PIX_FMT_GBRP;
            const int rows = half ? (of[i].height + 1) / 2 : of[i].height;
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < p->frame->linesize[k]; x++)
                    p->frame->data[k][y * p->frame->linesize[k] + x] =
                        (uint8_t)(k * 31 + x * 3 + y * (k + 2) + (x * y >> 4));
        }
        assert_int_equal(wn_small_make(&small, p, NULL), WN_OK);
        assert_int_equal(wn_convert_plain(&convert, p, &rgb, &stride, &w, &h, NULL), WN_OK);
        const size_t bytes = (size_t)small.width * (size_t)small.height * 3;
        uint8_t *want = wn_calloc(bytes, 1);
        assert_non_null(want);
        assert_int_equal(wn_resize_linear(rgb, stride, w, h, want, small.width, small.height),
                         WN_OK);
        if (memcmp(want, small.rgb, bytes))
            fail_msg("%d x %d of format %d, sampled %d", w, h, of[i].format, small.samples);
        sampled += small.samples;
        free(want);
        wn_small_finish(&small);
        wn_convert_finish(&convert);
        wn_picture_free(&p);
    }
#if defined(__x86_64__)
    assert_true(sampled >= 12); /* or scenes are slow */
#endif
}

static void sizes(void **state)
{
    static const int size[][4] = {
        /* width, height, and what PySceneDetect makes of them */
        {1920, 1080, 256, 144}, {1080, 1920, 144, 256}, {256, 144, 256, 144},
        {257, 1, 256, 1},       {16384, 16, 256, 1},    {1, 1, 1, 1},
        {333, 187, 256, 144},   {720, 576, 256, 205},   {500, 257, 256, 132},
    };

    for (int i = 0; i < WN_LEN(size); i++) {
        int32_t w, h;
        wn_detect_size(size[i][0], size[i][1], &w, &h);
        assert_int_equal(w, size[i][2]);
        assert_int_equal(h, size[i][3]);
    }
}

static void resizing(void **state)
{
    static const uint8_t row[] = {0, 0, 0, 100, 50, 0, 200, 100, 0, 255, 150, 0, 255, 200, 250};
    uint8_t out[3 * 3 * 2];

    assert_int_equal(wn_resize_linear(row, 15, 5, 1, out, 3, 2), WN_OK);
    static const uint8_t planes[] = { /* cv2.resize(..., (3, 2), INTER_LINEAR) */
        33, 200, 255, 33, 200, 255, 17, 100, 183, 17, 100, 183, 0, 0, 166, 0, 0, 166,
    };
    assert_memory_equal(out, planes, sizeof(planes));
    static const uint8_t plane[] = {0, 10, 20, 30, 40, 50, 60, 70, 80};
    assert_int_equal(wn_resize_area(plane, 3, 3, out, 2, 2), WN_OK);
    static const uint8_t want[] = {13, 27, 53, 67}; /* INTER_AREA */
    assert_memory_equal(out, want, 4);
}

static void canny(void **state)
{
    uint8_t lum[W * H], edges[W * H];

    memset(lum, 120, sizeof(lum));
    assert_int_equal(wn_edges(lum, W, H, 3, edges), WN_OK);
    for (int i = 0; i < W * H; i++)
        assert_int_equal(edges[i], 0);
    for (int i = 0; i < W * H; i++)
        lum[i] = i % W < W / 2 ? 60 : 180;
    assert_int_equal(wn_edges(lum, W, H, 3, edges), WN_OK);
    for (int i = 0; i < W * H; i++) { /* one column of ridge, a pixel to each side */
        const int x = i % W;
        assert_int_equal(edges[i], x >= W / 2 - 2 && x <= W / 2 ? 255 : 0);
    }
    assert_int_equal(wn_edges(lum, 1, 1, 0, edges), WN_OK);
    assert_int_equal(edges[0], 0);
}

/* Feeds gray pictures of these levels at 10 a second; cuts in the order found. */
static int cuts_of(const struct wn_detect_params *p, const int *level, int n, int64_t *cut)
{
    struct wn_detector *d = NULL;
    struct wn_detect_result r;
    uint8_t rgb[W * H * 3];
    int found = 0;

    assert_int_equal(wn_detector_create(&d, p), WN_OK);
    for (int i = 0; i < n; i++) {
        memset(rgb, level[i], sizeof(rgb));
        const int64_t settled = wn_detector_settled(d);
        assert_int_equal(wn_detector_feed(d, rgb, W, H, i / 10.0, &r), WN_OK);
        if (r.cut != WN_NO_CUT) {
            assert_true(r.cut >= settled); /* no cut comes where pictures were let go */
            cut[found++] = r.cut;
        }
    }
    wn_detector_destroy(&d);
    return found;
}

static struct wn_detect_params params(enum wn_detect_kind kind, int min_len)
{
    struct wn_detect_params p = wn_detect_defaults(kind);

    p.fps = 10;
    p.min_len = min_len;
    return p;
}

static void merge_and_suppress(void **state)
{
    int level[80];
    int64_t cut[80];
    struct wn_detect_params p = params(WN_DETECT_CONTENT, 10);

    for (int i = 0; i < 80; i++) /* changes at 20, 25, 30, 33 and 60 */
        level[i] = i < 20 ? 0 : i < 25 ? 100 : i < 30 ? 200 : i < 33 ? 20 : i < 60 ? 120 : 240;
    assert_int_equal(cuts_of(&p, level, 80, cut), 2);
    assert_int_equal(cut[0], 20);
    assert_int_equal(cut[1], 60); /* 25, 30 and 33 lie too near: nothing since 25 lasted min_len */
    p.suppress = true;
    assert_int_equal(cuts_of(&p, level, 80, cut), 3);
    assert_int_equal(cut[1], 30);
    assert_int_equal(cut[2], 60);
    p.min_len = 0;
    assert_int_equal(cuts_of(&p, level, 80, cut), 5);
    assert_int_equal(cut[3], 33);
}

static void merged_cuts_come_late(void **state)
{
    int level[60];
    int64_t cut[60];
    const struct wn_detect_params p = params(WN_DETECT_CONTENT, 5);

    for (int i = 0; i < 60; i++) /* a change each third frame from 20 to 41, then a small one */
        level[i] = i < 20 ? 0 : i < 42 ? 100 + 100 * ((i - 20) / 3 % 2) : 250;
    assert_int_equal(cuts_of(&p, level, 60, cut), 2);
    assert_int_equal(cut[0], 20);
    assert_int_equal(cut[1], 41);
}

static void fades(void **state)
{
    int level[60];
    int64_t cut[60];
    struct wn_detect_params p = params(WN_DETECT_FADE, 10);

    for (int i = 0; i < 60; i++)
        level[i] = i < 20 || (i >= 30 && i < 50) ? 80 : 0;
    assert_int_equal(cuts_of(&p, level, 60, cut), 1);
    assert_int_equal(cut[0], 25);
    p.bias = 1;
    assert_int_equal(cuts_of(&p, level, 60, cut), 1);
    assert_int_equal(cut[0], 30);
}

static void adaptive_follows_its_neighbours(void **state)
{
    int level[60];
    int64_t cut[60];
    const struct wn_detect_params p = params(WN_DETECT_ADAPTIVE, 10);

    for (int i = 0; i < 60; i++) /* a steady slope, and a step at 30 */
        level[i] = 2 * i + (i >= 30 ? 100 : 0);
    assert_int_equal(cuts_of(&p, level, 60, cut), 1);
    assert_int_equal(cut[0], 30);
}

/* A detector never takes back what it said is settled, on any pictures. */
static void settled_holds(void **state)
{
    uint32_t seed = 1;
    int64_t cut[400];
    int level[400], found = 0;

    for (int round = 0; round < 40; round++) {
        for (int i = 0, v = 0; i < 400; i++) {
            seed = seed * 1664525u + 1013904223u;
            if (seed >> 24 < 30)
                v = (int)(seed >> 8 & 255);
            level[i] = v;
        }
        for (int kind = WN_DETECT_CONTENT; kind <= WN_DETECT_SCDET; kind++) {
            struct wn_detect_params p = params((enum wn_detect_kind)kind, 1 + round % 20);
            p.size = 4;
            found += cuts_of(&p, level, 400, cut);
        }
    }
    assert_in_range(found, 1000, 100000);
}

static void size_stays(void **state)
{
    const struct wn_detect_params p = params(WN_DETECT_CONTENT, 10);
    uint8_t rgb[W * H * 3] = {0};
    struct wn_detector *d = NULL;
    struct wn_detect_result r;

    assert_int_equal(wn_detector_create(&d, &p), WN_OK);
    assert_int_equal(wn_detector_feed(d, rgb, W, H, 0, &r), WN_OK);
    assert_int_equal(wn_detector_feed(d, rgb, H, W, 1, &r), WN_ERR_ARG);
    wn_detector_destroy(&d);
    wn_detector_destroy(&d);
}

/* ---- lists ---- */

static void paint_three(int i, int x, int y, uint8_t rgb[3])
{
    rgb[0] = i < 30 ? 250 : 10;
    rgb[1] = i >= 30 && i < 50 ? 90 : 20;
    rgb[2] = i >= 50 ? 250 : 0;
}

static void check_list(const struct wn_decoder_params *p, const char *chain, int n,
                       const int *start)
{
    struct wn_instance *fallback = NULL;
    struct wn_scene *scene = NULL;
    struct wn_chain *other = NULL;
    const struct wn_clip clip = {0};
    struct opened o;
    int got = 0;

    assert_int_equal(open_decoder(&o, p, chain), 0);
    assert_int_equal(wn_chain_parse(&other, "scene", &clip, &o.log), 0);
    fallback = other->item[0];
    assert_int_equal(wn_decoder_scenes(o.decoder, fallback, &scene, &got), WN_OK);
    assert_int_equal(got, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(scene[i].start_frame, start[i]);
        assert_int_equal(scene[i].end_frame, start[i + 1]);
        assert_float_equal(scene[i].start, start[i] / 10.0, 1e-6);
        assert_float_equal(scene[i].end, start[i + 1] / 10.0, 1e-6);
        assert_true(i ? scene[i].score > 27 : scene[i].score <= 0);
    }
    free(scene);
    wn_chain_destroy(&other);
    close_decoder(&o);
}

static void lists(void **state)
{
    struct wn_instance *fallback = NULL;
    struct wn_scene *scene = NULL;
    struct seen s[4];
    struct opened o;
    int n;

    MAKE(.path = "three.mkv", .width = 320, .height = 200, .n = 80, .paint = paint_three);
    const struct wn_decoder_params p = {.url = "three.mkv"};
    check_list(&p, "", 3, (int[]){0, 30, 50, 80});
    check_list(&p, "scene,fps=1,pick=1", 3, (int[]){0, 30, 50, 80});
    check_list(&p, "scene=threshold=1000,fps=1", 1, (int[]){0, 80});
    check_list(&(struct wn_decoder_params){.url = "three.mkv", .start = 1, .end = 7}, "fps=1", 3,
               (int[]){10, 30, 50, 70});
    assert_int_equal(open_decoder(&o, &p, ""), 0);
    assert_int_equal(read_all(&o, s, 4), 80);
    assert_int_equal(wn_decoder_scenes(o.decoder, fallback, &scene, &n), WN_ERR_ARG); /* too late */
    close_decoder(&o);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hsv_as_opencv),
        cmocka_unit_test(hsv_of_many),
        cmocka_unit_test(resizing_a_large_picture),
        cmocka_unit_test(pairs_of_a_row),
        cmocka_unit_test(small_pictures),
        cmocka_unit_test(sizes),
        cmocka_unit_test(resizing),
        cmocka_unit_test(canny),
        cmocka_unit_test(merge_and_suppress),
        cmocka_unit_test(merged_cuts_come_late),
        cmocka_unit_test(fades),
        cmocka_unit_test(adaptive_follows_its_neighbours),
        cmocka_unit_test(settled_holds),
        cmocka_unit_test(size_stays),
        cmocka_unit_test(lists),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
