/* SPDX-License-Identifier: MIT */
/* Filters over several frames, and grids, at the edges that the authors' outputs leave out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/units/compress_left.h"

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

/* Windows overlap where sizes do not divide; the row without a place stays at the end. */
static void pool_makes_grids(void **state)
{
    struct wn_rows *before = make_rows(&clip), *rows = left_of(&clip, "pool=rows=3:columns=2");
    const float *x = before->data;

    assert_int_equal(rows->n, 6 * 6);
    const double window = (x[0] + x[24] + x[2 * 24] + x[5 * 24] + x[6 * 24] + x[7 * 24]) / 6.0;
    assert_true(fabs(rows->data[0] - window) < 1e-6);
    assert_int_equal(rows->cell[1], 2);
    assert_int_equal(rows->cell[2], 5);
    wn_rows_destroy(&before);
    wn_rows_destroy(&rows);
    leaves(&clip, "pool=rows=100", 60000);
    leaves(&clip, "stride=keep=3,pool=rows=4:columns=5", 18);
    leaves(&clip, "stride=keep=0,pool=rows=4", 0);
    leaves(&clip, "videogpt_plus=context=2:video=1", 30);
    leaves(&with_cls, "videogpt_plus=context=2:video=0", 10);
    leaves(&dot, "pool=rows=1", 1);
    leaves(&dot, "videogpt_plus", 144 + 64);
    rows = left_of(&with_cls, "pool=rows=4:columns=5");
    before = make_rows(&with_cls);
    assert_memory_equal(rows->data, before->data, (size_t)(rows->n * rows->dim) * 4);
    assert_memory_equal(rows->cell, before->cell, (size_t)rows->n * 4);
    wn_rows_destroy(&before);
    wn_rows_destroy(&rows);
}

/* Equal rows are one part; a threshold that nothing reaches leaves every row its own. */
static void scissor_counts(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    leaves(&m, "llava_scissor=tau=1.5", 120);
    leaves(&m, "llava_scissor=tau=-1.5", 1);
    leaves(&m, "llava_scissor=tau=-1.5:per=frame", 6);
    leaves(&dot, "llava_scissor", 1);
    leaves(&m, "stride=keep=0,llava_scissor", 0);
    m.kind = EQUAL;
    rows = left_of(&m, "llava_scissor");
    assert_int_equal(rows->n, 1);
    assert_int_equal(rows->cell[0], 0);
    assert_int_equal(rows->w.ptr[1], 120);
    wn_rows_destroy(&rows);
    m.kind = ZERO; /* no direction: like nothing, and the first part is as close as any */
    leaves(&m, "llava_scissor", 120);
    m.kind = clip.kind;
    m.n_frames = 1;
    leaves(&m, "llava_scissor=tau=-1.5:per=frame", 1);
}

/* 4 x 5 places are 2 x 3 squares. */
static void sttm_merges_squares(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    leaves(&m, "sttm=threshold=2:temporal=2:root=0", 120);
    leaves(&m, "sttm=threshold=-2:temporal=2:root=0", 36);
    leaves(&m, "sttm=threshold=-2:temporal=2", 120); /* nothing is above the rows */
    leaves(&m, "sttm=threshold=-2:temporal=-2:root=0", 6);
    leaves(&m, "sttm=threshold=-2:temporal=-2:root=16:slow=1", 20);
    leaves(&m, "stride=keep=0,sttm", 0);
    leaves(&dot, "sttm=root=0", 1);
    m.mixed = true; /* each frame begins anew: 6 squares, and 6 of a 5 x 4 grid */
    leaves(&m, "sttm=threshold=-2:temporal=-2:root=0", 36);
    m.mixed = false;
    m.kind = EQUAL;
    leaves(&m, "sttm=root=0", 6);
    leaves(&m, "sttm=root=0:compat=released", 6);
    m.kind = ZERO;
    leaves(&m, "sttm=root=0", 120);
    m = with_cls; /* the CLS row stays, last */
    m.kind = EQUAL;
    rows = left_of(&m, "sttm=root=0:temporal=2");
    assert_int_equal(rows->n, 2 * 7);
    assert_int_equal(rows->cell[6], 20);
    wn_rows_destroy(&rows);
    rows = make_rows(&clip);
    assert_true(run_chain(&rows, "sttm=head_dim=7", false, cpu, &log_) < 0);
    assert_non_null(strstr(log_.last_error, "heads of 7 do not divide rows of 24"));
}

/* One window of equal frames: 20 rows and nothing else, of which the saving leaves 20. */
static void holitom_saves_what_stays_the_same(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    leaves(&m, "holitom=tau=2:keep=0.25", 30); /* no window: each frame prunes */
    leaves(&m, "holitom=tau=2:keep=1e9", 120);
    leaves(&m, "holitom=tau=-2:keep=1e9", 20);
    leaves(&m, "holitom=tau=-2:keep=0.1:beta=0", 12);
    leaves(&m, "holitom=tau=-2:keep=0.1:window=1", 12);
    leaves(&m, "stride=keep=0,holitom", 0);
    leaves(&dot, "holitom", 1);
    m.kind = EQUAL;
    /* Frames of 9 + 4 + 2 rows at 9 places, of which one each goes on. */
    leaves(&m, "chatunivi=keep=9:second=4:third=2,holitom=tau=-2:keep=1e9", 9 + 6 * 6);
    rows = left_of(&m, "holitom=keep=0.5");
    assert_int_equal(rows->n, 20);
    assert_int_equal(rows->n_frames, 1);
    assert_int_equal(rows->w.ptr[20], 120);
    wn_rows_destroy(&rows);
    m.kind = ZERO;
    leaves(&m, "holitom=keep=0.5", 60);
    m.kind = clip.kind;
    m.mixed = true; /* no frame has the grid of the one before: no windows */
    leaves(&m, "holitom=tau=-2:keep=1e9", 120);
    m.mixed = false;
    m.n_frames = 1;
    leaves(&m, "holitom=keep=0.5", 10);
    m = with_cls; /* behind rows of which none stays there is no newline, and no CLS row */
    leaves(&m, "holitom=tau=2:keep=0", 0);
    leaves(&m, "holitom=tau=2:keep=0.5", 22);
}

/* Of 10 rows of a frame 6 stay for their attention; the other 4 of each frame tell a segment. */
static void fastvid_shares_in_segments(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    leaves(&m, "fastvid=keep=10:segments=6", 60);
    rows = left_of(&m, "fastvid=keep=10:segments=1:tau=-2:step=6");
    assert_int_equal(rows->n, 6 * 6 + 14); /* as many as the last frame has */
    assert_int_equal(rows->frame_ptr[1], 6);
    assert_int_equal(rows->frame_ptr[6] - rows->frame_ptr[5], 20);
    wn_rows_destroy(&rows);
    rows = left_of(&m, "fastvid=keep=10:segments=1:tau=-2:step=4");
    assert_int_equal(rows->frame_ptr[2] - rows->frame_ptr[1], 6 + 12);
    assert_int_equal(rows->n, 6 * 6 + 2 * 12);
    wn_rows_destroy(&rows);
    leaves(&m, "fastvid=keep=1e9:context=0", 120);
    leaves(&m, "fastvid=keep=0", 0);
    leaves(&m, "fastvid=keep=5:context=1:segments=6", 30);
    leaves(&m, "stride=keep=0,fastvid", 0);
    leaves(&dot, "fastvid=keep=1", 1);
    leaves(&dot, "fastvid=keep=1:context=1", 1);
    leaves(&with_cls, "fastvid=keep=1e9:context=0", 40); /* without the CLS rows */
    m.kind = EQUAL; /* one segment: frames are alike, and so many cuts are asked for */
    leaves(&m, "fastvid=keep=10:segments=1", 6 * 6 + 2 * 12);
    m.kind = ZERO;
    leaves(&m, "fastvid=keep=10:segments=1", 60);
    m.received = true; /* without a vector a frame: the means of their rows */
    m.kind = EQUAL;
    leaves(&m, "fastvid=keep=10:segments=1", 6 * 6 + 2 * 12);
}

/* Frames share evenly in what stays; one that was made of others is whole. */
static void ts_llava_samples(void **state)
{
    struct wn_rows *rows = make_rows(&clip);

    leaves(&clip, "ts_llava=keep=0", 0);
    leaves(&clip, "ts_llava=keep=1", 1);
    leaves(&clip, "ts_llava=keep=0.5", 60);
    leaves(&clip, "ts_llava=keep=1e9", 120);
    leaves(&dot, "ts_llava=keep=1", 1);
    leaves(&clip, "stride=keep=0,ts_llava", 0);
    leaves(&clip, "longvu=threshold=0.2,ts_llava=keep=5", 5); /* rows that the device counts */
    rows->frames[5].number = WN_FRAME_MADE;
    assert_int_equal(run_chain(&rows, "ts_llava=keep=3", false, cpu, &log_), WN_OK);
    assert_int_equal(rows->n, 23);
    assert_int_equal(rows->w.idx[0], 0);
    assert_int_equal(rows->w.idx[1], 50); /* 49.5, the even one */
    assert_int_equal(rows->w.idx[2], 99);
    wn_rows_destroy(&rows);
}

/* Budgets are met; what repeats gets nothing but what key frames cannot hold. */
static void kffocus_like_meets_its_budget(void **state)
{
    struct make m = clip;
    struct wn_rows *rows;

    for (int kind = PLAIN; kind <= STILL; kind++) {
        m.kind = (enum data_kind)kind;
        leaves(&m, "kffocus_like", 30);
        leaves(&m, "kffocus_like=keep=0", 0);
        leaves(&m, "kffocus_like=keep=119:keys=1:other=0", 119);
        leaves(&m, "kffocus_like=keep=1e9", 120);
    }
    leaves(&dot, "kffocus_like=keep=1", 1);
    leaves(&m, "stride=keep=0,kffocus_like", 0);
    m.kind = EQUAL;
    rows = left_of(&m, "kffocus_like=keep=18:keys=1");
    assert_int_equal(rows->n_frames, 1); /* the first frame has it all */
    assert_int_equal(rows->n, 18);
    wn_rows_destroy(&rows);
    rows = left_of(&m, "kffocus_like=keep=25:keys=1");
    assert_int_equal(rows->frame_ptr[1], 20);
    wn_rows_destroy(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_makes_grids),
        cmocka_unit_test(scissor_counts),
        cmocka_unit_test(ts_llava_samples),
        cmocka_unit_test(kffocus_like_meets_its_budget),
        cmocka_unit_test(fastvid_shares_in_segments),
        cmocka_unit_test(holitom_saves_what_stays_the_same),
        cmocka_unit_test(sttm_merges_squares),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
