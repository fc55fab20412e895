/* SPDX-License-Identifier: MIT */
/* Rules that files seldom show: the clock's, how a run is thinned out, colours and turns. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/clock.h"
#include "decode/convert.h"
#include "decode/run.h"
#include "decode/thin.h"

#define NONE INT64_MIN

static void check_clock(int64_t start, const int64_t *pts, const double *want, int n)
{
    struct wn_clock clock = {.base = {1, 1000}, .start = start, .frame = 0.1};
    AVFrame *frame = av_frame_alloc();

    for (int i = 0; i < n; i++) {
        frame->best_effort_timestamp = pts[i] == NONE ? AV_NOPTS_VALUE : pts[i];
        const double t = wn_clock_time(&clock, frame);
        if (fabs(t - want[i]) > 1e-9)
            fail_msg("frame %d at %g, not %g", i, t, want[i]);
    }
    av_frame_free(&frame);
}

static void clocks(void **state)
{
    check_clock(500, (int64_t[]){500, 600, 700}, (double[]){0, 0.1, 0.2}, 3);
    check_clock(500, (int64_t[]){600, 700}, (double[]){0.1, 0.2}, 2);
    check_clock(500, (int64_t[]){400, 700}, (double[]){0, 0.3}, 2);          /* the header lied */
    check_clock(NONE, (int64_t[]){400, 700}, (double[]){0, 0.3}, 2);
    check_clock(0, (int64_t[]){0, 100, 0, 100, 3600000}, (double[]){0, 0.1, 0.2, 0.3, 3600.2}, 5);
    check_clock(0, (int64_t[]){0, -40, -80, -120}, (double[]){0, 0.1, 0.2, 0.3}, 4);
    check_clock(0, (int64_t[]){0, 0, 0, 0}, (double[]){0, 0.1, 0.2, 0.3}, 4);
    check_clock(0, (int64_t[]){0, 100, 100, 300}, (double[]){0, 0.1, 0.2, 0.3}, 4); /* no drift */
    check_clock(0, (int64_t[]){NONE, NONE, NONE}, (double[]){0, 0.1, 0.2}, 3);
    check_clock(0, (int64_t[]){0, NONE, 500}, (double[]){0, 0.1, 0.5}, 3);
}

static void clocks_never_fall(void **state)
{
    struct wn_clock clock = {.base = {1, 1000}, .start = 0, .frame = 0.04};
    AVFrame *frame = av_frame_alloc();
    uint64_t seed = 7;
    double last = 0;

    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        frame->best_effort_timestamp = seed >> 60 == 0 ? AV_NOPTS_VALUE
                                     : seed >> 60 == 1 ? (int64_t)seed : (int64_t)(seed >> 50);
        const double t = wn_clock_time(&clock, frame);
        assert_true(isfinite(t) && t >= last);
        last = t;
    }
    av_frame_free(&frame);
}

/* ---- thinning ---- */

static int64_t chosen[64];
static int n_chosen;

static int remember(void *state, struct wn_picture *p, struct wn_frame_run *run)
{
    chosen[n_chosen++ % 64] = p->number;
    wn_picture_free(&p);
    return WN_OK;
}

static void thin_out(int count, int n, bool best, int64_t best_at)
{
    static const struct wn_frame_ops ops = {.picture = remember};
    struct wn_frame_run last = {.ops = &ops}, run = {.next = &last};
    struct wn_thin thin = {0};

    n_chosen = 0;
    assert_int_equal(wn_thin_begin(&thin, n, NULL), WN_OK);
    for (int i = 0; i < count; i++) {
        struct wn_picture *p = NULL;
        assert_int_equal(wn_picture_create(&p), WN_OK);
        p->number = i;
        wn_thin_add(&thin, p, best && i == best_at);
        assert_true(thin.n <= WN_MAX(2 * n, 16));
    }
    assert_int_equal(wn_thin_choose(&thin, n, best, &run), WN_OK);
    assert_int_equal(thin.n, 0);
    wn_thin_end(&thin);
}

static void thinning(void **state)
{
    for (int n = 1; n <= 20; n++) {
        for (int count = 0; count < 300; count++) {
            thin_out(count, n, false, 0);
            const int kept = WN_MIN(n, count);
            assert_int_equal(n_chosen, kept);
            for (int i = 0; i < kept; i++) {
                const double part = (double)count / kept, middle = (i + 0.5) * part - 0.5;
                assert_true(!i || chosen[i] > chosen[i - 1]);
                if (fabs((double)chosen[i] - middle) > part)
                    fail_msg("%d of %d: picture %d is %d, not near %g", n, count, i, (int)chosen[i],
                             middle);
            }
        }
    }
    thin_out(9, 1, false, 0);
    assert_int_equal(chosen[0], 4);
}

static void the_best_are_kept(void **state)
{
    for (int at = 0; at < 200; at++) {
        bool found = false;
        thin_out(200, 3, true, at);
        assert_int_equal(n_chosen, 3);
        for (int i = 0; i < 3; i++)
            found |= chosen[i] == at;
        if (!found)
            fail_msg("picture %d, the best, was dropped", at);
    }
}

/* ---- colours and turns ---- */

static void one_colour(AVFrame *f, int y, int u, int v)
{
    const int value[3] = {y, u, v};

    f->format = AV_PIX_FMT_YUV444P;
    f->width = 16;
    f->height = 8;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    for (int k = 0; k < 3; k++)
        memset(f->data[k], value[k], (size_t)f->linesize[k] * 8);
}

static void check_colour(enum AVColorSpace space, enum AVColorRange range, const int *yuv,
                         const int *rgb)
{
    struct wn_converter convert = {0};
    struct wn_picture *p = NULL;
    struct wn_frame *out = NULL;

    assert_int_equal(wn_picture_create(&p), WN_OK);
    one_colour(p->frame, yuv[0], yuv[1], yuv[2]);
    p->frame->colorspace = space;
    p->frame->color_range = range;
    wn_shape_size(&p->shape, 16, 8, (AVRational){0, 1});
    assert_int_equal(wn_convert(&convert, p, &out, NULL), WN_OK);
    for (int k = 0; k < 3; k++)
        assert_in_range(out->rgb[k] + 10, rgb[k] + 8, rgb[k] + 12);
    wn_frame_unref(&out);
    wn_picture_free(&p);
    wn_convert_finish(&convert);
}

static void colours(void **state)
{
    const enum AVColorSpace none = AVCOL_SPC_UNSPECIFIED, hd = AVCOL_SPC_BT709;
    const enum AVColorRange open = AVCOL_RANGE_UNSPECIFIED, tv = AVCOL_RANGE_MPEG;
    const enum AVColorRange full = AVCOL_RANGE_JPEG;

    check_colour(none, open, (int[]){81, 90, 240}, (int[]){254, 0, 0}); /* BT.601 red */
    check_colour(AVCOL_SPC_SMPTE170M, tv, (int[]){81, 90, 240}, (int[]){254, 0, 0});
    check_colour(hd, tv, (int[]){63, 102, 240}, (int[]){255, 0, 0});
    check_colour(AVCOL_SPC_BT2020_NCL, tv, (int[]){74, 97, 240}, (int[]){255, 0, 0});
    check_colour(none, full, (int[]){76, 85, 255}, (int[]){254, 0, 0});
    check_colour(none, tv, (int[]){16, 128, 128}, (int[]){0, 0, 0});
    check_colour(none, tv, (int[]){235, 128, 128}, (int[]){255, 255, 255});
    check_colour(none, full, (int[]){16, 128, 128}, (int[]){16, 16, 16});
}

/* A picture of 3 x 2 whose pixels are 0 to 5, stored row by row. */
static void check_exif(int orientation, int width, const int *want)
{
    struct wn_converter convert = {0};
    struct wn_picture *p = NULL;
    struct wn_frame *out = NULL;

    assert_int_equal(wn_picture_create(&p), WN_OK);
    p->frame->format = AV_PIX_FMT_RGB24;
    p->frame->width = 3;
    p->frame->height = 2;
    assert_int_equal(av_frame_get_buffer(p->frame, 0), 0);
    for (int i = 0; i < 6; i++)
        memset(p->frame->data[0] + i / 3 * p->frame->linesize[0] + i % 3 * 3, i, 3);
    wn_shape_exif(&p->shape, orientation);
    wn_shape_size(&p->shape, 3, 2, (AVRational){1, 1});
    assert_int_equal(wn_convert(&convert, p, &out, NULL), WN_OK);
    assert_int_equal(out->width, width);
    for (int i = 0; i < 6; i++)
        if (out->rgb[3 * i] != want[i])
            fail_msg("orientation %d: pixel %d is %d", orientation, i, out->rgb[3 * i]);
    wn_frame_unref(&out);
    wn_picture_free(&p);
    wn_convert_finish(&convert);
}

static void exif(void **state)
{
    check_exif(0, 3, (int[]){0, 1, 2, 3, 4, 5});
    check_exif(1, 3, (int[]){0, 1, 2, 3, 4, 5});
    check_exif(2, 3, (int[]){2, 1, 0, 5, 4, 3});
    check_exif(3, 3, (int[]){5, 4, 3, 2, 1, 0});
    check_exif(4, 3, (int[]){3, 4, 5, 0, 1, 2});
    check_exif(5, 2, (int[]){0, 3, 1, 4, 2, 5});
    check_exif(6, 2, (int[]){3, 0, 4, 1, 5, 2});
    check_exif(7, 2, (int[]){5, 2, 4, 1, 3, 0});
    check_exif(8, 2, (int[]){2, 5, 1, 4, 0, 3});
    check_exif(99, 3, (int[]){0, 1, 2, 3, 4, 5});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks),
        cmocka_unit_test(clocks_never_fall),
        cmocka_unit_test(thinning),
        cmocka_unit_test(the_best_are_kept),
        cmocka_unit_test(colours),
        cmocka_unit_test(exif),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
