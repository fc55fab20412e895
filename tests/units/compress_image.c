/* SPDX-License-Identifier: MIT */
/* Filters of images at the edges that the authors' outputs leave out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/units/compress_left.h"

static const struct make clip = {
    .seed = 1, .n_frames = 3, .grid_h = 4, .grid_w = 5, .dim = 24, .attn = true, .keys = true,
};
static const struct make dot = {
    .seed = 3, .n_frames = 1, .grid_h = 1, .grid_w = 1, .dim = 1, .attn = true, .keys = true,
};

static void counts(void **state)
{
    struct make m = clip;

    for (int kind = PLAIN; kind <= STILL; kind++) {
        m.kind = (enum data_kind)kind;
        leaves(&m, "vispruner=keep=0", 0);
        leaves(&m, "vispruner=keep=1", 3);
        leaves(&m, "vispruner=keep=7", 21);
        leaves(&m, "vispruner=keep=7:important=0", 21);
        leaves(&m, "vispruner=keep=13:important=1", 39);
        leaves(&m, "vispruner=keep=0.9:step=3", 54);
        leaves(&m, "vispruner=keep=20", 60);
        leaves(&m, "vispruner=keep=1e9", 60);
        leaves(&m, "sparsevlm_merge", 9);
        leaves(&m, "sparsevlm_merge=keep=0", 0);
        leaves(&m, "sparsevlm_merge=keep=6:noise=lot", 18);
        leaves(&m, "sparsevlm_merge=keep=0.999", 60);
        leaves(&m, "sparsevlm_merge=keep=1e9", 60);
        leaves(&m, "sparsevlm=keep=7", 24);
        leaves(&m, "sparsevlm=keep=7:recycle=0", 21);
        leaves(&m, "sparsevlm=keep=7:recycle=1", 27);
        leaves(&m, "sparsevlm=keep=0", 3);
        leaves(&m, "sparsevlm=keep=1e9", 60);
        leaves(&m, "prumerge=keep=3", 12);
        leaves(&m, "prumerge=keep=19", 60);
        leaves(&m, "prumerge=keep=1e9", 60);
        leaves(&m, "prumerge=keep=20:plus=1", 60);
    }
    leaves(&dot, "vispruner", 1);
    leaves(&dot, "sparsevlm_merge", 1);
    leaves(&dot, "sparsevlm", 1);
    leaves(&dot, "sparsevlm=keep=0", 1);
    leaves(&dot, "prumerge", 1);
    leaves(&dot, "prumerge=plus=1", 1);
    leaves(&dot, "prumerge=keep=1", 1);
}

/* Where nothing stands out, all rows become one, their mean by attention. */
static void prumerge_without_outliers(void **state)
{
    struct make m = clip;

    m.kind = EQUAL;
    struct wn_rows *before = make_rows(&m), *rows = left_of(&m, "prumerge=plus=1");
    assert_int_equal(rows->n, 3);
    for (int32_t r = 0; r < 3; r++) {
        assert_int_equal(rows->w.ptr[r + 1] - rows->w.ptr[r], 20);
        assert_true(fabsf(rows->data[r * 24] - before->data[0]) < 1e-6f);
        assert_int_equal(rows->cell[r], 0);
    }
    wn_rows_destroy(&before);
    wn_rows_destroy(&rows);
}

/* One row far above the others stays; it takes in what is most like it and the rest is one row. */
static void prumerge_takes_outliers(void **state)
{
    struct make m = clip;

    m.n_frames = 1;
    struct wn_rows *rows = make_rows(&m);
    for (int32_t i = 0; i < rows->n; i++)
        rows->logits[i] = i == 7 ? 3 : 0.001f * (float)i;
    assert_int_equal(run_chain(&rows, "prumerge=k=2", false, cpu, &log_), WN_OK);
    assert_int_equal(rows->n, 2);
    assert_int_equal(rows->cell[0], 7);
    assert_int_equal(rows->w.ptr[1], 3);
    assert_true(rows->w.weight[0] == 1);
    assert_true(rows->w.weight[1] > 0 && rows->w.weight[1] < 0.1f);
    assert_int_equal(rows->w.ptr[2] - rows->w.ptr[1], 19);
    for (int32_t k = 3; k < 22; k++)
        assert_int_not_equal(rows->w.idx[k], 7);
    wn_rows_destroy(&rows);
    /* PruMerge+: 20 rows, one stands out, so every sixth stays. */
    rows = make_rows(&m);
    for (int32_t i = 0; i < rows->n; i++)
        rows->logits[i] = i == 7 ? 3 : 0.001f * (float)i;
    assert_int_equal(run_chain(&rows, "prumerge=plus=1:order=paper", false, cpu, &log_), WN_OK);
    static const int32_t want[] = {7, 0, 6, 12, 18, 1};
    assert_int_equal(rows->n, 6);
    assert_memory_equal(rows->cell, want, sizeof(want));
    wn_rows_destroy(&rows);
}

/* A CLS row, last in each frame here, has its share of the attention and goes. */
static void cls_rows_go(void **state)
{
    static const char *const chain[] = {"vispruner=keep=1e9", "prumerge=keep=1e9"};
    struct make m = clip;

    m.cls = true;
    for (int i = 0; i < WN_LEN(chain); i++) {
        struct wn_rows *rows = left_of(&m, chain[i]);
        assert_int_equal(rows->n, 60);
        for (int32_t k = 0; k < rows->n; k++)
            assert_int_not_equal(rows->cell[k], 20);
        wn_rows_destroy(&rows);
    }
}

/* Attention falls from row to row. Of the list 0, 1, 2 ... the even places 0, 2, 4 ... are compared
 * with the odd ones: only rows 4 and 10 have a copy there. */
static void vispruner_drops_copies(void **state)
{
    struct make m = clip;

    m.n_frames = 1;
    struct wn_rows *rows = make_rows(&m);
    for (int32_t i = 0; i < rows->n; i++) {
        for (int32_t c = 0; c < rows->dim; c++)
            rows->data[i * rows->dim + c] = c == (i == 4 ? 7 : i == 10 ? 13 : i);
        for (int32_t k = 0; k < 8; k++)
            rows->attn[i * 8 + k] = 0.1f - 0.001f * (float)i;
    }
    assert_int_equal(run_chain(&rows, "vispruner=keep=18:important=0", false, cpu, &log_), WN_OK);
    assert_int_equal(rows->n, 18);
    for (int32_t k = 0; k < rows->n; k++)
        assert_true(rows->cell[k] != 4 && rows->cell[k] != 10);
    wn_rows_destroy(&rows);
}

static void lots_decide_between_equals(void **state)
{
    struct make m = clip;
    const char *what;

    struct wn_rows *a = left_of(&m, "sparsevlm_merge=noise=lot");
    struct wn_rows *b = left_of(&m, "sparsevlm_merge=noise=lot");
    assert_true(same_rows(a, b, &what));
    wn_rows_destroy(&a);
    wn_rows_destroy(&b);
    m.kind = EQUAL;
    a = left_of(&m, "sparsevlm_merge=keep=1:noise=lot");
    b = left_of(&m, "sparsevlm_merge=keep=1:noise=lot:seed=1");
    assert_int_equal(a->n, 3);
    assert_int_equal(a->w.ptr[1], 20);
    wn_rows_destroy(&a);
    wn_rows_destroy(&b);
}

/* ---- scores ---- */

static void refuses(const struct make *m, const char *chain, const char *words)
{
    struct wn_rows *rows = make_rows(m);

    assert_true(run_chain(&rows, chain, m->cls, cpu, &log_) < 0);
    if (!strstr(log_.last_error, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", chain, log_.last_error, words);
}

static void write_scores(const char *name, const float *v, size_t n)
{
    FILE *f = fopen(name, "wb");

    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, v + i, sizeof(u));
        for (int b = 0; b < 4; b++)
            fputc((int)(u >> 8 * b & 255), f);
    }
    assert_int_equal(fclose(f), 0);
}

static void scores_from_a_file(void **state)
{
    char name[64], chain[160];
    float v[60];

    snprintf(name, sizeof(name), "scores-%ld.f32", (long)getpid());
    for (int i = 0; i < 60; i++) /* frame f likes the rows from f on */
        v[i] = i % 20 < i / 20 ? -1 : -(float)(i % 20);
    write_scores(name, v, 60);
    snprintf(chain, sizeof(chain), "scores=file=%s:keep=2", name);
    struct wn_rows *rows = left_of(&clip, chain);
    assert_int_equal(rows->n, 6);
    static const int32_t want[] = {0, 1, 0, 1, 0, 1};
    assert_memory_equal(rows->cell, want, sizeof(want));
    assert_true(rows->score[0] == 0 && rows->score[2] == -1 && rows->score[5] == -1);
    wn_rows_destroy(&rows);
    write_scores(name, v + 40, 20); /* one frame's, for all */
    snprintf(chain, sizeof(chain), "scores=file=%s:keep=3,cdpruner=keep=2:relevance=score", name);
    leaves(&clip, chain, 6);
    snprintf(chain, sizeof(chain), "scores=file=%s", name);
    leaves(&clip, chain, 60);
    write_scores(name, v, 40); /* the third frame has none */
    refuses(&clip, chain, "or frame 2 has none");
    write_scores(name, v, 7);
    refuses(&clip, chain, "not of frames of 20 rows");
    v[3] = NAN;
    write_scores(name, v, 20);
    refuses(&clip, chain, "number 3 is not finite");
    write_scores(name, v, 0);
    refuses(&clip, chain, "0 bytes");
    unlink(name);
    refuses(&clip, chain, "no such file");
    refuses(&clip, "scores=file=.", "no such file");
    refuses(&clip, "scores", "scores has no scores");
}

/* Relevance decides among rows that differ alike. */
static void cdpruner_weighs_by_scores(void **state)
{
    struct make m = clip;

    m.n_frames = 1;
    struct wn_rows *rows = make_rows(&m);
    rows->score = calloc((size_t)rows->n, sizeof(*rows->score));
    for (int32_t i = 0; i < rows->n; i++) {
        rows->score[i] = i == 3 || i == 11 || i == 17 ? 2 : 0.1f;
        for (int32_t c = 0; c < rows->dim; c++)
            rows->data[i * rows->dim + c] = c == i;
    }
    assert_int_equal(run_chain(&rows, "cdpruner=keep=3:relevance=score", false, cpu, &log_), WN_OK);
    static const int32_t want[] = {3, 11, 17};
    assert_int_equal(rows->n, 3);
    assert_memory_equal(rows->cell, want, sizeof(want));
    wn_rows_destroy(&rows);
}

/* ---- repeat_cls ---- */

static void repeated_patterns_leave_one_row(void **state)
{
    struct make m = clip;

    m.kind = EQUAL;
    leaves(&m, "repeat_cls", 3);
    leaves(&m, "repeat_cls=tau=1.5", 60); /* nothing is as alike as that */
    m.kind = ZERO;
    leaves(&m, "repeat_cls", 3);
    m.kind = PLAIN;
    leaves(&m, "repeat_cls=tau=-1", 3);
    leaves(&dot, "repeat_cls", 1);
    /* 12 of 20 keys are copies; the best 9 of all 20 by attention stay. */
    m.n_frames = 1;
    struct wn_rows *rows = make_rows(&m);
    for (int32_t i = 0; i < rows->n; i++) {
        for (int32_t c = 0; c < 32; c++)
            rows->keys[i * 32 + c] = i < 12 ? 1 : c % 8 == i - 12 ? 1 : 0;
        for (int32_t k = 0; k < 8; k++)
            rows->attn[i * 8 + k] = 0.001f * (float)i;
    }
    assert_int_equal(run_chain(&rows, "repeat_cls=k=3", false, cpu, &log_), WN_OK);
    assert_int_equal(rows->n, 9);
    for (int32_t i = 0; i < rows->n; i++)
        assert_int_equal(rows->cell[i], 11 + i);
    wn_rows_destroy(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(prumerge_without_outliers),
        cmocka_unit_test(prumerge_takes_outliers),
        cmocka_unit_test(cls_rows_go),
        cmocka_unit_test(vispruner_drops_copies),
        cmocka_unit_test(lots_decide_between_equals),
        cmocka_unit_test(scores_from_a_file),
        cmocka_unit_test(cdpruner_weighs_by_scores),
        cmocka_unit_test(repeated_patterns_leave_one_row),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
