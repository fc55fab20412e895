/* SPDX-License-Identifier: MIT */
/* What each filter keeps, at the edges that the authors' outputs leave out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/units/compress_left.h"

static void refuses(const struct make *m, const char *chain, const char *words)
{
    struct wn_rows *rows = make_rows(m);

    assert_true(run_chain(&rows, chain, m->cls, cpu, &log_) < 0);
    assert_null(rows);
    if (!strstr(log_.last_error, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", chain, log_.last_error, words);
}

static const struct make clip = {
    .seed = 1, .n_frames = 6, .grid_h = 4, .grid_w = 5, .dim = 24, .attn = true, .keys = true,
};
static const struct make with_cls = {
    .seed = 2, .n_frames = 2, .grid_h = 4, .grid_w = 5, .dim = 24, .attn = true, .keys = true,
    .cls = true,
};
static const struct make dot = {
    .seed = 3, .n_frames = 1, .grid_h = 1, .grid_w = 1, .dim = 1, .attn = true, .keys = true,
};

static void counts(void **state)
{
    static const char *const scoring[] = {"vtc_cls", "fastervlm", "random", "stride", "divprune",
                                          "cdpruner"};
    char chain[64];

    for (int i = 0; i < WN_LEN(scoring); i++) {
        snprintf(chain, sizeof(chain), "%s=keep=0", scoring[i]);
        leaves(&clip, chain, 0);
        snprintf(chain, sizeof(chain), "%s=keep=1", scoring[i]);
        leaves(&clip, chain, 6);
        snprintf(chain, sizeof(chain), "%s=keep=0.97", scoring[i]);
        leaves(&clip, chain, 6 * 19);
        snprintf(chain, sizeof(chain), "%s=keep=20", scoring[i]);
        leaves(&clip, chain, 120);
        snprintf(chain, sizeof(chain), "%s=keep=1000", scoring[i]);
        leaves(&clip, chain, 120);
        snprintf(chain, sizeof(chain), "%s=keep=1", scoring[i]);
        leaves(&dot, chain, 1);
    }
    leaves(&clip, "vtc_cls=keep=7:per=segment", 7);
    leaves(&clip, "random=keep=0.5:per=segment", 60);
    leaves(&clip, "visionzip=keep=4:merge=3", 42);
    leaves(&clip, "visionzip=keep=0:merge=0", 0);
    leaves(&clip, "visionzip=keep=18:merge=10", 120);
    leaves(&clip, "visionzip=dominant=100", 120);
    leaves(&dot, "visionzip", 1);
    leaves(&clip, "pool=stride=3", 6 * 6);
    leaves(&clip, "pool=stride=21", 0);
    leaves(&clip, "pool=size=2", 6 * 6);
    leaves(&clip, "pool=size=100", 6);
    leaves(&dot, "pool=size=3", 1);
}

/* Keeping everything gives back every value in its place. */
static void keeping_all_changes_nothing(void **state)
{
    static const char *const chain[] = {"vtc_cls=keep=1e9", "stride=keep=1e9", "evs=keep=1e9",
                                        "dycoke=keep=1e9", "dycoke=ratio=0:order=spatial",
                                        "pool=stride=1", "pool=size=1"};

    for (int i = 0; i < WN_LEN(chain); i++) {
        struct wn_rows *before = make_rows(&clip), *after = left_of(&clip, chain[i]);
        assert_int_equal(after->n, before->n);
        assert_memory_equal(after->cell, before->cell, (size_t)before->n * 4);
        assert_memory_equal(after->data, before->data, (size_t)(before->n * before->dim) * 4);
        assert_null(after->attn);
        assert_null(after->keys);
        wn_rows_destroy(&before);
        wn_rows_destroy(&after);
    }
}

static void ties_go_to_the_lower_row(void **state)
{
    struct make m = clip;

    m.kind = EQUAL;
    struct wn_rows *rows = left_of(&m, "vtc_cls=keep=3");
    for (int32_t i = 0; i < rows->n; i++)
        assert_int_equal(rows->cell[i], i % 3);
    wn_rows_destroy(&rows);
    rows = left_of(&m, "dycoke=keep=2:order=paper");
    assert_int_equal(rows->frame_ptr[2] - rows->frame_ptr[1], 2);
    assert_int_equal(rows->cell[rows->frame_ptr[1]], 0);
    assert_int_equal(rows->cell[rows->frame_ptr[1] + 1], 1);
    wn_rows_destroy(&rows);
    rows = left_of(&m, "evs=keep=23");
    assert_int_equal(rows->n_frames, 2);
    assert_int_equal(rows->cell[22], 2);
    wn_rows_destroy(&rows);
}

/* The CLS row stands last in each frame here. */
static void cls_row(void **state)
{
    struct wn_rows *rows = left_of(&with_cls, "vtc_cls=keep=20");

    for (int32_t i = 0; i < rows->n; i++)
        assert_int_not_equal(rows->cell[i], 20);
    wn_rows_destroy(&rows);
    rows = left_of(&with_cls, "visionzip=keep=3:merge=2");
    assert_int_equal(rows->n, 10);
    assert_int_equal(rows->cell[2], 20);
    assert_int_equal(rows->cell[5 + 2], 20);
    wn_rows_destroy(&rows);
    rows = left_of(&with_cls, "pool=size=2");
    assert_int_equal(rows->n, 2 * 7);
    assert_int_equal(rows->cell[6], 20);
    wn_rows_destroy(&rows);
}

static void visionzip_adds_the_mean_of_those_who_join(void **state)
{
    struct wn_rows *before = make_rows(&clip), *rows = left_of(&clip, "visionzip=keep=4:merge=2");

    assert_int_equal(rows->frame_ptr[1], 6);
    int32_t joined = 0;
    for (int32_t r = 4; r < 6; r++) {
        const int32_t from = rows->w.ptr[r], c = rows->w.ptr[r + 1] - from - 1;
        joined += c;
        assert_true(rows->w.weight[from] == 1.0f);
        for (int32_t k = from + 1; k < from + 1 + c; k++)
            assert_true(rows->w.weight[k] == 1.0f / (float)c);
    }
    assert_int_equal(joined, 20 - 4 - 2);
    wn_rows_destroy(&before);
    wn_rows_destroy(&rows);
}

static void visionzip_without_keys_compares_rows(void **state)
{
    struct make m = clip;

    m.keys = false;
    leaves(&m, "visionzip=keep=4:merge=3", 42);
}

static void attention_is_asked_for(void **state)
{
    struct make m = clip;

    m.attn = false;
    refuses(&m, "vtc_cls", "vtc_cls needs attention");
    refuses(&m, "visionzip", "visionzip needs attention");
    refuses(&clip, "vtc_cls=layer=0", "CLS attention of layers 0 to 4");
    m.attn = m.received = true; /* whatever layer was asked for: the one that stands in */
    leaves(&m, "vtc_cls=layer=0:keep=2", 12);
    leaves(&m, "fastervlm=keep=2", 12);
}

static void dycoke_frames(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    m.n_frames = 4; /* too short for it */
    leaves(&m, "dycoke=keep=0.3", 80);
    m.n_frames = 1;
    leaves(&m, "dycoke=keep=0.3", 20);
    m.n_frames = 5; /* the odd last one stays whole; frame 2 is compared with frame 0 */
    leaves(&m, "dycoke=keep=0.3", 20 + 3 * 6 + 20);
    leaves(&m, "dycoke=keep=0.3:compat=released", 20 + 3 * 6);
    m.n_frames = 8;
    leaves(&m, "dycoke=keep=5", 5 * 5 + 3 * 20);
    leaves(&m, "dycoke=ratio=0.7", 5 * 6 + 3 * 20);
    leaves(&m, "dycoke=ratio=1", 3 * 20);
    leaves(&m, "dycoke=keep=0", 3 * 20);
    rows = left_of(&m, "dycoke=keep=0.5");
    for (int32_t f = 0; f < rows->n_frames; f++) { /* in order of place, by default */
        for (int32_t i = rows->frame_ptr[f] + 1; i < rows->frame_ptr[f + 1]; i++)
            assert_true(rows->cell[i] > rows->cell[i - 1]);
    }
    assert_null(rows->score);
    wn_rows_destroy(&rows);
}

static void evs_keeps_the_first_frame(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    leaves(&m, "evs=q=0.99", 20);
    leaves(&m, "evs=keep=0", 20);
    leaves(&m, "evs=q=0.5", 60);
    leaves(&m, "evs=keep=33", 33);
    leaves(&m, "evs=rate=0", 120);
    m.n_frames = 1;
    leaves(&m, "evs=q=0.9", 20);
    m.n_frames = 6;
    m.kind = STILL;
    rows = left_of(&m, "evs=keep=0.3");
    assert_int_equal(rows->frame_ptr[1], 20);
    for (int32_t i = 0; i < 20; i++)
        assert_true(rows->score[i] == 255);
    wn_rows_destroy(&rows);
}

/* Frames that lost all rows are gone, the others keep their numbers and times. */
static void empty_frames_go(void **state)
{
    struct wn_rows *rows = left_of(&clip, "random=keep=2:per=segment,stride=keep=1");

    assert_true(rows->n_frames <= 2);
    for (int32_t f = 0; f < rows->n_frames; f++) {
        assert_true(rows->frame_ptr[f + 1] > rows->frame_ptr[f]);
        assert_true(rows->frames[f].time == rows->frames[f].index * 0.5);
    }
    wn_rows_destroy(&rows);
}

static void pool_averages_squares(void **state)
{
    struct wn_rows *before = make_rows(&clip), *rows = left_of(&clip, "pool=size=2");
    const float *x = before->data;

    /* The grid is 4 x 5: the last square of a row of squares is one column wide. */
    const double square = (x[0] + x[24] + x[5 * 24] + x[6 * 24]) / 4.0;
    const double narrow = (x[4 * 24] + x[9 * 24]) / 2.0;
    assert_true(fabs(rows->data[0] - square) < 1e-6);
    assert_true(fabs(rows->data[2 * 24] - narrow) < 1e-6);
    assert_int_equal(rows->cell[1], 2);
    assert_int_equal(rows->cell[3], 10);
    wn_rows_destroy(&before);
    wn_rows_destroy(&rows);
}

/* Rows that are all the same can be taken once each. */
static void greedy_searches_take_no_row_twice(void **state)
{
    static const char *const chain[] = {"divprune=keep=20:order=paper",
                                        "cdpruner=keep=20:order=paper"};
    struct make m = clip;

    for (int i = 0; i < 2 * WN_LEN(chain); i++) {
        bool seen[120] = {false};
        m.kind = i < WN_LEN(chain) ? EQUAL : ZERO;
        struct wn_rows *rows = left_of(&m, chain[i % WN_LEN(chain)]);
        assert_int_equal(rows->n, 120);
        for (int32_t k = 0; k < rows->n; k++) {
            assert_false(seen[rows->w.idx[k]]);
            seen[rows->w.idx[k]] = true;
        }
        wn_rows_destroy(&rows);
    }
}

/* What was taken first has the highest score; orthogonal rows are taken before copies. */
static void greedy_searches_prefer_what_is_new(void **state)
{
    static const char *const chain[] = {"divprune=keep=4", "cdpruner=keep=4"};
    struct make m = clip;

    m.n_frames = 1;
    for (int i = 0; i < WN_LEN(chain); i++) {
        struct wn_rows *rows = make_rows(&m);
        for (int32_t k = 0; k < rows->n * rows->dim; k++)
            rows->data[k] = k % rows->dim == k / rows->dim % 4 * 5 ? 2.0f : 0.0f;
        assert_int_equal(run_chain(&rows, chain[i], false, cpu, &log_), WN_OK);
        assert_int_equal(rows->n, 4);
        for (int32_t k = 0; k < 4; k++) {
            for (int32_t j = 0; j < k; j++)
                assert_int_not_equal(rows->cell[k] % 4, rows->cell[j] % 4);
            assert_true(rows->score[k] <= 0 && rows->score[k] > -4);
        }
        wn_rows_destroy(&rows);
    }
}

/* Equal frames are one window, equal places in it one row; 20 of these are merged to 10. */
static void prunevid_merges_windows(void **state)
{
    struct make m = clip;

    m.kind = EQUAL;
    struct wn_rows *rows = left_of(&m, "prunevid");
    assert_int_equal(rows->n, 10);
    assert_int_equal(rows->n_frames, 1);
    assert_int_equal(rows->w.ptr[10], 120); /* every row went in */
    wn_rows_destroy(&rows);
    leaves(&m, "prunevid=keep=1e9", 20);
    m.kind = ZERO; /* without a direction nothing stays the same */
    leaves(&m, "prunevid", 60);
    m.n_frames = 1;
    leaves(&m, "prunevid", 10);
    leaves(&dot, "prunevid", 1);
}

static void clusters_are_counted(void **state)
{
    struct make m = clip;

    for (int kind = 0; kind < 2; kind++) {
        m.kind = kind ? EQUAL : clip.kind;
        leaves(&m, "dpc=keep=3", 18);
        leaves(&m, "dpc=keep=0", 0);
        leaves(&m, "dpc=keep=1e9:k=16", 120);
        leaves(&m, "chatunivi=keep=8:second=4:third=2", 84);
        leaves(&m, "chatunivi=keep=0.5:second=0", 60);
        leaves(&m, "chatunivi=keep=50:second=60:third=70", 360);
    }
    leaves(&dot, "dpc=keep=1,chatunivi", 3);
}

static void places_over_time(void **state)
{
    struct make m = clip;

    leaves(&m, "malmm=length=2", 40);
    leaves(&m, "malmm=length=6", 120);
    leaves(&m, "malmm=length=1", 20);
    leaves(&m, "longvu=threshold=2", 120);
    leaves(&m, "longvu=threshold=2:most=33", 33);
    leaves(&m, "longvu=threshold=2:chunk=2:most=33", 33);
    leaves(&m, "longvu=threshold=-2:chunk=3", 40);
    m.kind = EQUAL;
    leaves(&m, "malmm=length=3", 60);
    leaves(&m, "longvu", 20);
    leaves(&m, "dcode=keep=9", 6);
    leaves(&m, "dcode=keep=9:merge=max:compat=released", 6);
    m.kind = ZERO; /* not alike: they have no direction */
    leaves(&m, "dcode=keep=9", 54);
    leaves(&m, "longvu", 120);
    leaves(&dot, "malmm=length=1,longvu,dcode", 1);
}

static void random_is_a_lot(void **state)
{
    struct wn_rows *a = left_of(&clip, "random=keep=0.5"), *b = left_of(&clip, "random=keep=0.5");
    struct wn_rows *c = left_of(&clip, "random=keep=0.5:seed=1");
    const char *what;

    assert_true(same_rows(a, b, &what));
    assert_false(same_rows(a, c, &what));
    wn_rows_destroy(&a);
    wn_rows_destroy(&b);
    wn_rows_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(keeping_all_changes_nothing),
        cmocka_unit_test(ties_go_to_the_lower_row),
        cmocka_unit_test(cls_row),
        cmocka_unit_test(visionzip_adds_the_mean_of_those_who_join),
        cmocka_unit_test(visionzip_without_keys_compares_rows),
        cmocka_unit_test(attention_is_asked_for),
        cmocka_unit_test(dycoke_frames),
        cmocka_unit_test(evs_keeps_the_first_frame),
        cmocka_unit_test(empty_frames_go),
        cmocka_unit_test(pool_averages_squares),
        cmocka_unit_test(greedy_searches_take_no_row_twice),
        cmocka_unit_test(greedy_searches_prefer_what_is_new),
        cmocka_unit_test(prunevid_merges_windows),
        cmocka_unit_test(clusters_are_counted),
        cmocka_unit_test(places_over_time),
        cmocka_unit_test(random_is_a_lot),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
