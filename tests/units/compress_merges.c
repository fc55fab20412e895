/* SPDX-License-Identifier: MIT */
/* Filters that merge rows pair by pair: what is left, what it stands for, and the edges that the
 * authors' outputs leave out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compress/match.h"
#include "tests/units/compress_left.h"

static void refuses(const struct make *m, const char *chain, const char *words)
{
    struct wn_rows *rows = make_rows(m);

    assert_true(run_chain(&rows, chain, m->cls, cpu, &log_) < 0);
    if (!strstr(log_.last_error, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", chain, log_.last_error, words);
}

static const struct make clip = {
    .seed = 3, .n_frames = 5, .grid_h = 4, .grid_w = 6, .dim = 24, .attn = true, .keys = true,
};
static const struct make clip_cls = {
    .seed = 4, .n_frames = 4, .grid_h = 3, .grid_w = 5, .dim = 16, .attn = true, .keys = true,
    .cls = true,
};
static const struct make one_row = {
    .seed = 5, .n_frames = 1, .grid_h = 1, .grid_w = 1, .dim = 8, .attn = true, .keys = true,
};
static const struct make same = {
    .seed = 6, .n_frames = 2, .grid_h = 2, .grid_w = 4, .dim = 8, .attn = true, .keys = true,
    .kind = EQUAL,
};

/* Every frame has `keep` of its rows left; a matching alone could halve it only. */
static void test_keep_is_met(void **state)
{
    static const char *const name[] = {"tome", "diffrate", "ficoco_v"};
    static const struct { const char *keep; int32_t of; } want[] = {
        {"0.5", 12}, {"0.9", 21}, {"0.3", 7}, {"0.1", 2}, {"1", 1}, {"7", 7}, {"1000", 24},
    };

    for (int f = 0; f < WN_LEN(name); f++) {
        for (int k = 0; k < WN_LEN(want); k++) {
            char chain[64];
            snprintf(chain, sizeof(chain), "%s=keep=%s", name[f], want[k].keep);
            leaves(&clip, chain, 5 * want[k].of);
        }
    }
    leaves(&clip, "tome=r=5", 5 * 19);
    leaves(&clip, "tome=r=1000", 5 * 12);
    leaves(&clip, "tome=r=1000:every=4", 5 * 6);
    leaves(&clip, "tome=every=6:keep=2", 5 * 4); /* fewer than six rows have no target */
    leaves(&clip, "ficoco_v=r=20", 5 * 4);
    leaves(&clip, "ficoco_v=r=24", 0);
    leaves(&clip, "diffrate=keep=0", 0);
}

/* Rows of clips count together. */
static void test_clips(void **state)
{
    leaves(&clip, "tempme=keep=0.5", 24 + 24 + 12);
    leaves(&clip, "tempme=keep=3:frames=3", 9 + 9);
    leaves(&clip, "tempme=across=0:within=0", 5 * 24);
    leaves(&clip, "tempme", 2 * (34 - 3) + (17 - 1));
    leaves(&clip, "tempme=frames=1:across=1:within=0", 5 * 12);
    leaves(&clip, "tempme=frames=64:across=0.5:within=0:order=paper", 60);
}

/* A special row is left alone, and no other row is in it. */
static void check_special(const struct wn_rows *rows, const char *chain, bool special)
{
    int32_t found = 0;

    for (int32_t r = 0; r < rows->n; r++) {
        int32_t pos[2];
        wn_rows_pos(rows, r, pos);
        if (pos[0] >= 0)
            continue;
        found++;
        if (rows->w.ptr && rows->w.ptr[r + 1] - rows->w.ptr[r] != 1)
            fail_msg("%s: a CLS row has %d rows", chain,
                     (int)(rows->w.ptr[r + 1] - rows->w.ptr[r]));
    }
    assert_int_equal(found, special ? rows->n_frames : 0);
}

/* Sizes are how many rows went in, weights of a row add up to 1, and nothing is lost. */
static void check_sizes(const struct make *m, const char *chain, bool nothing_lost)
{
    struct wn_rows *before = make_rows(m), *rows = left_of(m, chain);
    double all = 0;

    assert_non_null(rows->size);
    for (int32_t r = 0; r < rows->n; r++) {
        double weight = 0;
        for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++)
            weight += rows->w.weight[k];
        if (fabs(weight - 1) > 1e-5)
            fail_msg("%s: weights of row %d add up to %g", chain, (int)r, weight);
        all += rows->size[r];
    }
    if (nothing_lost && fabs(all - before->n) > 1e-3)
        fail_msg("%s: sizes add up to %g, not %d", chain, all, (int)before->n);
    check_special(rows, chain, m->cls);
    wn_rows_destroy(&before);
    wn_rows_destroy(&rows);
}

static void test_sizes(void **state)
{
    static const char *const whole[] = {
        "tome", "tome=keep=0.2", "tempme", "tempme=keep=0.3:frames=3",
        "tempme,tome=keep=0.3", "tome,tempme=frames=4", "ficoco_v", "tome,ficoco_v=keep=4",
        "ficoco_v=keep=0.5,tome", "diffrate=prune=1e9", "tome,diffrate=prune=1e9:keep=5",
    };
    static const char *const cut[] = {"diffrate=keep=3,tome", "tome=r=5,fastervlm=keep=5,tempme"};

    for (int i = 0; i < WN_LEN(whole); i++) {
        check_sizes(&clip, whole[i], true);
        check_sizes(&clip_cls, whole[i], true);
    }
    for (int i = 0; i < WN_LEN(cut); i++)
        check_sizes(&clip, cut[i], false);
}

/* Filters that know nothing of sizes add them up all the same. */
static void test_sizes_go_on(void **state)
{
    static const char *const chain[] = {"tome=r=6,dpc", "tome=r=6,pool=size=2",
                                        "tome=r=3,chatunivi=keep=5:second=0"};

    for (int i = 0; i < WN_LEN(chain); i++) {
        struct wn_rows *rows = left_of(&clip, chain[i]);
        double all = 0;
        for (int32_t r = 0; r < rows->n; r++)
            all += rows->size[r];
        if (fabs(all - 5 * 24) > 1e-3)
            fail_msg("%s: sizes add up to %g", chain[i], all);
        wn_rows_destroy(&rows);
    }
}

/* A row of three patches weighs three times one of one. */
static void test_weights_by_size(void **state)
{
    struct wn_rows *rows = left_of(&clip, "tome=keep=0.3");

    for (int32_t r = 0; r < rows->n; r++) {
        const int32_t n = rows->w.ptr[r + 1] - rows->w.ptr[r];
        assert_float_equal(rows->size[r], n, 1e-6);
        for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++)
            assert_float_equal(rows->w.weight[k], 1.0 / n, 1e-5);
    }
    wn_rows_destroy(&rows);
}

/* All rows equal: the first ones join the first target. */
static void test_ties(void **state)
{
    struct wn_rows *rows = left_of(&same, "tome=r=2");
    static const int32_t first[] = {1, 0, 2}; /* of the first row that is left */

    assert_int_equal(rows->n, 12);
    assert_int_equal(rows->cell[0], 1);
    assert_int_equal(rows->w.ptr[1], 3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(rows->w.idx[k], first[k]);
    assert_int_equal(rows->cell[1], 3);
    wn_rows_destroy(&rows);
}

static void test_few_rows(void **state)
{
    static const char *const chain[] = {"tome", "tome=keep=0", "tempme", "diffrate=keep=1",
                                        "ficoco_v=keep=1", "tome=order=paper:compat=released"};

    for (int i = 0; i < WN_LEN(chain); i++)
        leaves(&one_row, chain[i], 1);
    leaves(&one_row, "ficoco_v=keep=0", 0);
}

/* Rows of a clip stay in their frames; in the authors' order they stand in its first one. */
static void test_frames_of_clips(void **state)
{
    struct wn_rows *rows = left_of(&clip, "tempme=frames=2");
    assert_int_equal(rows->n_frames, 5);
    wn_rows_destroy(&rows);
    rows = left_of(&clip, "tempme=frames=2:order=paper");
    assert_int_equal(rows->n_frames, 3);
    assert_int_equal(rows->frames[1].index, 2);
    wn_rows_destroy(&rows);

    struct make mixed = clip;
    mixed.mixed = true;
    refuses(&mixed, "tempme=order=paper", "one size");
    rows = left_of(&mixed, "tempme=frames=2");
    wn_rows_destroy(&rows);
}

static void test_words(void **state)
{
    refuses(&clip, "diffrate=rates=65", "pairs of counts");
    refuses(&clip, "diffrate=rates=5/6", "pairs of counts");
    refuses(&clip, "diffrate=rates=65/60+", "pairs of counts");
    refuses(&clip, "tempme=joins=8/2+8/2", "pairs like");
    refuses(&clip, "tempme=joins=8/0", "pairs like");
    refuses(&clip, "tempme=joins=x", "pairs like");
    refuses(&clip, "ficoco_v=compat=released", "square pictures");
    struct make square = clip;
    square.grid_h = square.grid_w = 4;
    refuses(&square, "evs,ficoco_v=compat=released", "first filter");
}

/* As released: it goes on from frame to frame, so frames are not alike any more. */
static void test_released(void **state)
{
    struct make square = clip;
    square.grid_h = square.grid_w = 4;
    leaves(&square, "ficoco_v=compat=released:r=6", 5 * 10);
    leaves(&square, "ficoco_v=compat=released:r=14", 5 * 2);
    leaves(&clip, "diffrate=compat=released:keep=5", 5 * 5);
}

static void test_schedule(void **state)
{
    int32_t all = 0;

    for (int32_t l = 0; l < 24; l++) {
        assert_int_equal(wn_match_schedule(8, 0, l, 24), 8);
        all += wn_match_schedule(8, -1, l, 24);
    }
    assert_int_equal(wn_match_schedule(8, -1, 0, 24), 16);
    assert_int_equal(wn_match_schedule(8, -1, 23, 24), 0);
    assert_in_range(all, 24 * 8 - 24, 24 * 8);
    assert_int_equal(wn_match_schedule(8, 1, 0, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_is_met),
        cmocka_unit_test(test_clips),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sizes_go_on),
        cmocka_unit_test(test_weights_by_size),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_frames_of_clips),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_released),
        cmocka_unit_test(test_schedule),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
