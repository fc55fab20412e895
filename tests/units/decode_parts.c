/* SPDX-License-Identifier: MIT */
/* Rules that files seldom show: the clock's, and how a run is thinned out. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "decode/clock.h"
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
    assert_int_equal(wn_thin_begin(&thin, n), WN_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks),
        cmocka_unit_test(clocks_never_fall),
        cmocka_unit_test(thinning),
        cmocka_unit_test(the_best_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
