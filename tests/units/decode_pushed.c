/* SPDX-License-Identifier: MIT */
/* Pictures that an app pushes. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define W 40
#define H 30

static const struct wn_decoder_params none = {.url = NULL};

static int push_number(struct opened *o, int i, double time)
{
    uint8_t rgb[W * H * 3];

    for (int k = 0; k < W * H; k++)
        paint_number(i, 0, 0, rgb + 3 * k);
    return wn_decoder_push(o->decoder, &(struct wn_image){
        .size = sizeof(struct wn_image), .format = WN_RGB24, .data = {rgb}, .stride = {W * 3},
        .width = W, .height = H, .time = time,
    });
}

static void through_filters(void **state)
{
    struct seen s[64];
    struct opened o;

    assert_int_equal(open_decoder(&o, &none, "fps=2"), 0);
    assert_int_equal(read_all(&o, s, 64), 0); /* WN_AGAIN */
    for (int i = 0; i < 20; i++)
        assert_int_equal(push_number(&o, i, i * 0.1), WN_OK);
    assert_int_equal(read_all(&o, s, 64), 4);
    for (int i = 20; i < 30; i++)
        assert_int_equal(push_number(&o, i, i * 0.1), WN_OK);
    assert_int_equal(wn_decoder_push(o.decoder, NULL), WN_OK);
    assert_int_equal(read_all(&o, s + 4, 60), 2);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(s[i].number, 5 * i);
        assert_int_equal(s[i].counted, 5 * i);
        assert_float_equal(s[i].time, 0.5 * i, 1e-12);
    }
    struct wn_frame *f = NULL;
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_EOF);
    assert_int_equal(push_number(&o, 31, 9), WN_ERR_ARG);
    struct wn_media media = {.size = sizeof(media)};
    wn_decoder_media(o.decoder, &media);
    assert_int_equal(media.width, W);
    assert_int_equal(media.height, H);
    assert_int_equal(media.frames_decoded, 30);
    assert_int_equal(media.frames_kept, 6);
    close_decoder(&o);
}

static void without_an_end_known(void **state)
{
    struct seen s[64];
    struct opened o;

    assert_int_equal(open_decoder(&o, &none, "scene,uniform=4"), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(push_number(&o, i, i / 25.0), WN_OK);
    assert_int_equal(read_all(&o, s, 64), 0);
    assert_int_equal(wn_decoder_push(o.decoder, NULL), WN_OK);
    assert_int_equal(read_all(&o, s, 64), 4);
    for (int i = 0; i < 4; i++)
        assert_in_range(s[i].number, 25 * i + 12 - 7, 25 * i + 12 + 7);
    close_decoder(&o);
}

static void times_never_fall(void **state)
{
    static const double time[] = {0, 1, 0.5, -3, 2};
    struct seen s[8];
    struct opened o;

    assert_int_equal(open_decoder(&o, &none, ""), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(push_number(&o, i, time[i]), WN_OK);
    assert_int_equal(read_all(&o, s, 8), 5);
    for (int i = 1; i < 5; i++)
        assert_true(s[i].time >= s[i - 1].time);
    assert_float_equal(s[4].time, 2, 1e-12);
    close_decoder(&o);
}

static void yuv(void **state)
{
    uint8_t y[W * H], u[W * H / 4], v[W * H / 4], uv[W * H / 2];
    const uint8_t red[] = {81, 90, 240}; /* BT.601, limited */
    struct wn_frame *f = NULL;
    struct opened o;

    memset(y, red[0], sizeof(y));
    memset(u, red[1], sizeof(u));
    memset(v, red[2], sizeof(v));
    for (int i = 0; i < W * H / 4; i++) {
        uv[2 * i] = red[1];
        uv[2 * i + 1] = red[2];
    }
    assert_int_equal(open_decoder(&o, &none, ""), 0);
    assert_int_equal(wn_decoder_push(o.decoder,
                                     &(struct wn_image){
                                         .format = WN_YUV420P,
                                         .data = {y, u, v},
                                         .stride = {W, W / 2, W / 2},
                                         .width = W,
                                         .height = H,
                                     }),
                     WN_OK);
    assert_int_equal(wn_decoder_push(o.decoder, &(struct wn_image){
        .format = WN_NV12, .data = {y, uv}, .stride = {W, W}, .width = W - 1, .height = H - 1,
    }), WN_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wn_decoder_next(o.decoder, &f), WN_OK);
        assert_int_equal(f->width, W - i);
        assert_in_range(f->rgb[0], 250, 255);
        assert_in_range(f->rgb[1], 0, 5);
        assert_in_range(f->rgb[2], 0, 5);
        wn_frame_unref(&f);
    }
    close_decoder(&o);
}

static void upside_down_rows(void **state)
{
    uint8_t rgb[W * H * 3];
    struct wn_frame *f = NULL;
    struct opened o;

    for (int y = 0; y < H; y++)
        memset(rgb + y * W * 3, y * 8, W * 3);
    assert_int_equal(open_decoder(&o, &none, ""), 0);
    assert_int_equal(wn_decoder_push(o.decoder,
                                     &(struct wn_image){
                                         .format = WN_RGB24,
                                         .data = {rgb + (H - 1) * W * 3},
                                         .stride = {-W * 3},
                                         .width = W,
                                         .height = H,
                                     }),
                     WN_OK);
    assert_int_equal(wn_decoder_next(o.decoder, &f), WN_OK);
    assert_int_equal(f->rgb[0], (H - 1) * 8);
    assert_int_equal(f->rgb[(size_t)(H - 1) * W * 3], 0);
    wn_frame_unref(&f);
    close_decoder(&o);
}

static void refused(void **state)
{
    static const uint8_t one[4 * 4 * 3];
    const struct wn_image good = {
        .format = WN_RGB24, .data = {one}, .stride = {12}, .width = 4, .height = 4};
    struct wn_image bad[8];
    struct seen s[4];
    struct opened o;

    for (int i = 0; i < WN_LEN(bad); i++)
        bad[i] = good;
    bad[0].width = 0;
    bad[1].height = -1;
    bad[2].data[0] = NULL;
    bad[3].stride[0] = 11;
    bad[4].time = NAN;
    bad[5].format = (enum wn_pixel_format)7;
    bad[6].format = WN_NV12; /* without its second plane */
    bad[7].width = bad[7].height = 1 << 20;
    assert_int_equal(open_decoder(&o, &none, ""), 0);
    for (int i = 0; i < WN_LEN(bad); i++)
        assert_int_equal(wn_decoder_push(o.decoder, &bad[i]), i == 7 ? WN_ERR_LIMIT : WN_ERR_ARG);
    assert_int_equal(wn_decoder_push(o.decoder, &good), WN_OK); /* nothing was lost */
    assert_int_equal(read_all(&o, s, 4), 1);
    close_decoder(&o);
    MAKE(.path = "file.mkv", .n = 1);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "file.mkv"}, ""), 0);
    assert_int_equal(wn_decoder_push(o.decoder, &good), WN_ERR_ARG);
    assert_int_equal(read_all(&o, s, 4), 1);
    close_decoder(&o);
}

static void *push_in_a_thread(void *arg)
{
    struct opened *o = arg;
    int err = WN_OK;

    for (int i = 0; i < 300 && !err; i++)
        err = push_number(o, i, i * 0.1);
    if (!err)
        err = wn_decoder_push(o->decoder, NULL);
    return err ? o : NULL;
}

static void pushed_and_pulled_at_once(void **state)
{
    struct wn_frame *f = NULL;
    struct opened o;
    pthread_t thread;
    void *failed;
    int n = 0, err = WN_AGAIN;

    assert_int_equal(open_decoder(&o, &none, "scene,fps=5"), 0);
    assert_int_equal(pthread_create(&thread, NULL, push_in_a_thread, &o), 0);
    while (err == WN_OK || err == WN_AGAIN) {
        struct wn_media media = {.size = sizeof(media)};
        wn_decoder_media(o.decoder, &media);
        err = wn_decoder_next(o.decoder, &f);
        if (err == WN_OK) {
            assert_int_equal(read_number(f), 2 * n);
            n++;
            wn_frame_unref(&f);
        }
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(err, WN_EOF);
    assert_int_equal(n, 150);
    close_decoder(&o);
}

static void only_so_many_wait(void **state)
{
    const int width = 4096, height = 4096;
    uint8_t *rgb = wn_calloc((size_t)width * (size_t)height, 3);
    struct opened o;
    int n = 0, err = WN_OK;

    assert_non_null(rgb);
    assert_int_equal(open_decoder(&o, &none, ""), 0);
    for (; n < 40 && !err; n++)
        err = wn_decoder_push(o.decoder, &(struct wn_image){
                                             .format = WN_RGB24,
                                             .data = {rgb},
                                             .stride = {width * 3},
                                             .width = width,
                                             .height = height,
                                         });
    assert_int_equal(err, WN_ERR_LIMIT);
    assert_in_range(n, 15, 30);
    close_decoder(&o);
    free(rgb);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_filters),
        cmocka_unit_test(without_an_end_known),
        cmocka_unit_test(times_never_fall),
        cmocka_unit_test(yuv),
        cmocka_unit_test(upside_down_rows),
        cmocka_unit_test(refused),
        cmocka_unit_test(pushed_and_pulled_at_once),
        cmocka_unit_test(only_so_many_wait),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
