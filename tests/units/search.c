/* SPDX-License-Identifier: MIT */
/* A search without a model: its texts, how a budget is shared out, and where an answer is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/search.h"

/* ---- what stands in for the session ---- */

#define LABEL 3 /* cells of a frame's label */

int64_t wn_source_frame_cells(void *arg, const struct wn_row_frame *frame)
{
    (void)arg;
    (void)frame;
    return LABEL;
}

int wn_source_make_budget(struct wn_source *src, struct wn_budget **out, int64_t cells,
                          int32_t least)
{
    return wn_budget_create(out, &(struct wn_budget_params){
        .cells = cells, .floor = least, .frame_cells = wn_source_frame_cells, .log = &src->s->log});
}

static struct wn_segment *segment_of(struct wn_rows *rows)
{
    struct wn_segment *seg = NULL;

    assert_int_equal(wn_segment_create(&seg, rows), 0);
    seg->rows = rows;
    return seg;
}

int wn_refilter_run(struct wn_refilter *r, const struct wn_segment *seg, struct wn_segment **out)
{
    (void)r;
    *out = segment_of(wn_rows_copy(seg->rows));
    return WN_OK;
}

int wn_asked_make(struct wn_asked *a, struct wn_seek *k, struct wn_segment *const *segs, int n,
                  const char *lead, const char *question)
{
    (void)k;
    (void)lead;
    *a = (struct wn_asked){.prompt = {.question = question, .n_segments = n}};
    if (n)
        a->rows = (struct wn_rows **)&segs[0]->rows;
    return WN_OK;
}

void wn_asked_finish(struct wn_asked *a)
{
    (void)a;
}

int wn_seek_final(struct wn_seek *k, const char *notes, const char *timed, const char *question,
                  char **out)
{
    (void)k;
    (void)timed;
    (void)question;
    *out = wn_strdup(notes);
    return WN_OK;
}

static int n_likely;

/* The first value of a segment's first row is what it says; of a note its last letter's. */
int wn_seek_likely(struct wn_seek *k, const struct wn_prompt *prompt,
                   const struct wn_answer_stats *said, double *p)
{
    const struct wn_asked *a = (const struct wn_asked *)prompt; /* its first member */

    (void)k;
    n_likely++;
    *p = !said->n_said ? 0 : prompt->n_segments ? a->rows[0]->data[0]
         : (prompt->question[strlen(prompt->question) - 1] - '0') / 10.0;
    return WN_OK;
}

/* ---- texts ---- */

static void test_fill(void **state)
{
    const char *const pairs[] = {"question", "who? {notes} {media}", "notes", "1: {question}",
                                 NULL};
    char *lead, *rest;
    char *text = wn_words_fill("{notes}, {question} {other} {", pairs);

    (void)state;
    assert_string_equal(text, "1: {question}, who? {notes} {media} {other} {");
    free(text);
    assert_int_equal(wn_words_around("See {media} note: {question}", pairs, &lead, &rest), 0);
    assert_string_equal(lead, "See"); /* {media} in the question is text */
    assert_string_equal(rest, "note: who? {notes} {media}");
    free(lead);
    free(rest);
    assert_int_equal(wn_words_around("{media}\n{question}", pairs, &lead, &rest), 0);
    assert_string_equal(lead, "");
    assert_string_equal(rest, "\nwho? {notes} {media}");
    free(lead);
    free(rest);
    assert_int_equal(wn_words_around("no place", pairs, &lead, &rest), 0);
    assert_string_equal(lead, "");
    assert_string_equal(rest, "no place");
    free(lead);
    free(rest);
}

static void test_trim(void **state)
{
    char text[] = " \n a  b\t\nc \r", none[] = " \n";

    (void)state;
    wn_words_trim(text);
    assert_string_equal(text, "a b c");
    wn_words_trim(none);
    assert_string_equal(none, "");
}

static void test_nothing(void **state)
{
    (void)state;
    assert_true(wn_words_nothing("Nothing.", "nothing"));
    assert_true(wn_words_nothing("", "nothing"));
    assert_true(wn_words_nothing(" ... ", "nothing"));
    assert_true(wn_words_nothing("none", "nothing|none"));
    assert_true(wn_words_nothing("no thing", "nothing"));
    assert_false(wn_words_nothing("nothing but rain", "nothing"));
    assert_false(wn_words_nothing("noth", "nothing"));
    assert_false(wn_words_nothing("the ring is red", "nothing||none"));
}

static void test_questions(void **state)
{
    char *list[3] = {NULL};

    (void)state;
    assert_int_equal(wn_words_questions("1. who is  there?\n- \"what\" falls?\nnone\n2) when?\nx?",
                                        list, 3), 3);
    assert_string_equal(list[0], "who is there?");
    assert_string_equal(list[1], "what\" falls?");
    assert_string_equal(list[2], "when?");
    for (int i = 0; i < 3; i++)
        free(list[i]);
    assert_int_equal(wn_words_questions("in which scene is the ring? in which scene is the cross?",
                                        list, 3), 2);
    assert_string_equal(list[1], "in which scene is the cross?");
    free(list[0]);
    free(list[1]);
    assert_int_equal(wn_words_questions("??? \n? describe the video.", list, 3), 0);
}

static void test_join(void **state)
{
    char *text = NULL;

    (void)state;
    assert_int_equal(wn_words_join(&text, " ", "a"), 0);
    assert_int_equal(wn_words_join(&text, ", ", "b"), 0);
    assert_string_equal(text, "a, b");
    free(text);
}

/* ---- shares ---- */

struct fixture {
    struct wn_session session;
    struct wn_source src;
    struct wn_seek k;
};

static struct wn_rows *made_rows(int32_t n_frames, int32_t each, float says)
{
    struct wn_rows *rows = wn_rows_create(n_frames * each, 2, n_frames);

    for (int32_t i = 0; i < rows->n; i++) {
        rows->data[2 * i] = says;
        rows->cell[i] = i % each;
    }
    for (int32_t f = 0; f < n_frames; f++) {
        struct wn_layout *layout = wn_calloc(1, sizeof(*layout));
        atomic_init(&layout->refs, 1);
        layout->n_rows = each;
        rows->frames[f] = (struct wn_row_frame){.index = f, .time = f, .layout = layout};
        rows->frame_ptr[f + 1] = (f + 1) * each;
    }
    return rows;
}

static void add(struct fixture *x, double relevance, int32_t n_frames, int32_t each, float says)
{
    struct wn_segment *seg = segment_of(made_rows(n_frames, each, says));
    struct wn_look *looks = wn_regrow(x->k.looks, (size_t)x->k.n + 1, sizeof(*looks));

    looks[x->k.n] = (struct wn_look){.part = {.index = x->k.n, .relevance = relevance,
                                              .start = x->k.n, .end = x->k.n + 1}};
    x->k.looks = looks;
    x->k.n++;
    wn_seek_hold(&x->k, seg);
    wn_segment_unref(&seg);
}

static int open_seek(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));

    wn_log_init(&x->session.log);
    x->src.s = &x->session;
    x->k = (struct wn_seek){.src = &x->src, .s = &x->session, .tokens = 100};
    *state = x;
    return 0;
}

static int close_seek(void **state)
{
    struct fixture *x = *state;

    for (int32_t i = 0; i < x->k.n; i++) {
        wn_segment_unref(&x->k.looks[i].wide);
        wn_segment_unref(&x->k.looks[i].shown);
    }
    free(x->k.looks);
    wn_log_finish(&x->session.log);
    free(x);
    return 0;
}

static int64_t shown_cells(const struct fixture *x)
{
    int64_t cells = 0;

    for (int32_t i = 0; i < x->k.n; i++)
        cells += x->k.looks[i].shown ? wn_seek_cells(&x->k, x->k.looks[i].shown) : 0;
    return cells;
}

/* Twice as relevant is four times as much; under a quarter of the best is nothing. */
static void test_shares(void **state)
{
    struct fixture *x = *state;

    add(x, 0.8, 2, 44, 0);
    add(x, 0.1, 2, 44, 0);
    add(x, 0.4, 2, 44, 0);
    for (int32_t i = 0; i < 3; i++)
        assert_true(i == 1 ? !x->k.looks[i].wide : x->k.looks[i].wide != NULL); /* 2 budgets */
    assert_int_equal(wn_seek_share(&x->k), 0);
    assert_null(x->k.looks[1].shown);
    assert_int_equal(x->k.looks[0].part.cells, 80);
    assert_int_equal(x->k.looks[2].part.cells, 20);
    assert_int_equal(shown_cells(x), 100);
    assert_null(x->k.looks[0].wide); /* what was held is gone */
}

/* None gets more than it has, and what that leaves goes to the others. */
static void test_little(void **state)
{
    struct fixture *x = *state;

    add(x, 1, 1, 10, 0);
    add(x, 0.5, 2, 60, 0);
    assert_int_equal(wn_seek_share(&x->k), 0);
    assert_int_equal(x->k.looks[0].part.cells, 13);
    assert_int_equal(x->k.looks[1].part.cells, 87);
}

/* Where all fits all is shown; where nothing is relevant all are alike. */
static void test_all(void **state)
{
    struct fixture *x = *state;

    for (int i = 0; i < 3; i++)
        add(x, 0, 1, 10, 0);
    assert_int_equal(wn_seek_share(&x->k), 0);
    assert_int_equal(shown_cells(x), 39);
}

/* A share that holds no frame goes to the others; one segment is always shown. */
static void test_small(void **state)
{
    struct fixture *x = *state;

    x->k.tokens = 12;
    for (int i = 0; i < 4; i++)
        add(x, 0.9 - 0.1 * i, 1, 3, 0);
    assert_int_equal(wn_seek_share(&x->k), 0);
    assert_true(x->k.looks[0].shown != NULL);
    assert_true(shown_cells(x) > 0 && shown_cells(x) <= 12);
}

/* However many segments come, about two budgets of rows are held, of the most relevant ones. */
static void test_held(void **state)
{
    struct fixture *x = *state;

    for (int i = 0; i < 50; i++) {
        int64_t cells = 0;
        int held = 0;
        add(x, (double)(i * 37 % 50) / 50, 1, 20, 0);
        for (int32_t j = 0; j < x->k.n; j++) {
            cells += x->k.looks[j].wide ? 23 : 0;
            held += x->k.looks[j].wide != NULL;
        }
        assert_true(cells <= 2 * x->k.tokens);
        assert_int_equal(held, WN_MIN(i + 1, 8));
    }
    for (int32_t j = 0; j < 50; j++)
        assert_true((x->k.looks[j].wide != NULL) == (j * 37 % 50 >= 42));
    add(x, 0.1, 30, 20, 0); /* longer than all that may be held, and not relevant */
    assert_null(x->k.looks[50].wide);
}

/* ---- where it was found ---- */

static void show_all(struct fixture *x)
{
    for (int32_t i = 0; i < x->k.n; i++) {
        x->k.looks[i].shown = x->k.looks[i].wide;
        x->k.looks[i].wide = NULL;
    }
}

static void test_found(void **state)
{
    const float says[] = {0.9f, 0.1f, 0.8f, 0.7f, 0.9f, 0.9f};
    const double relevance[] = {0.2, 0.9, 0.9, 0.8, 0.7, 0.4};
    const struct wn_answer_stats said = {.n_said = 1};
    struct wn_search out = {0};
    struct fixture *x = *state;

    x->k.tokens = 1000;
    for (int i = 0; i < 6; i++)
        add(x, relevance[i], 1, 4, says[i]);
    show_all(x);
    assert_int_equal(wn_seek_find(&x->k, "who?", &said), 0);
    wn_seek_settle(&x->k, &out);
    for (int i = 0; i < 6; i++) /* the first is not relevant, the last not enough beside the best */
        assert_int_equal(x->k.looks[i].part.found, i >= 2 && i <= 4);
    assert_true(out.start == 2 && out.end == 5);
}

/* The more certain segment has the time, and a neighbour that is far less so does not stretch
 * it. */
static void test_certain(void **state)
{
    const double relevance[] = {0.9, 0.999, 0.995, 0.8, 0.6};
    const struct wn_answer_stats said = {.n_said = 1};
    struct wn_search out = {0};
    struct fixture *x = *state;

    x->k.tokens = 1000;
    for (int i = 0; i < 5; i++)
        add(x, relevance[i], 1, 4, i == 0 ? 1.0f : 0.9f);
    show_all(x);
    assert_int_equal(wn_seek_find(&x->k, "who?", &said), 0);
    wn_seek_settle(&x->k, &out);
    assert_true(out.start == 1 && out.end == 3);
    for (int i = 0; i < 5; i++)
        assert_true(x->k.looks[i].part.found);
}

/* Relevance alone finds nothing, nor does an answer of no words. */
static void test_nowhere(void **state)
{
    const struct wn_answer_stats said = {.n_said = 1}, unsaid = {.n_said = 0};
    struct wn_search out = {0};
    struct fixture *x = *state;

    add(x, 0.2, 1, 4, 1);
    show_all(x);
    assert_int_equal(wn_seek_find(&x->k, "who?", &said), 0);
    wn_seek_settle(&x->k, &out);
    assert_true(out.end == 0 && !x->k.looks[0].part.found);
    x->k.looks[0].part.relevance = 1;
    assert_int_equal(wn_seek_find(&x->k, "who?", &unsaid), 0);
    wn_seek_settle(&x->k, &out);
    assert_true(out.end == 0);
}

/* Notes are asked as segments are; a hundred of them cost no hundred prompts. */
static void test_notes(void **state)
{
    const struct wn_answer_stats said = {.n_said = 2};
    struct wn_search out = {0};
    struct fixture *x = *state;

    x->k.looks = calloc(100, sizeof(*x->k.looks));
    x->k.n = 100;
    for (int32_t i = 0; i < 100; i++)
        x->k.looks[i].part = (struct wn_search_part){
            .index = i, .relevance = i == 40 ? 1 : 0.6, .cells = i != 41, .start = i, .end = i + 1,
            .note = i == 40 ? "it is 9" : "it is 2"};
    n_likely = 0;
    assert_int_equal(wn_seek_find(&x->k, "which?", &said), 0);
    wn_seek_settle(&x->k, &out);
    assert_true(n_likely > 1 && n_likely < 50);
    assert_true(out.start == 40 && out.end == 41);
    assert_true(x->k.looks[41].part.support == 0); /* it was not in the prompt */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_join),
        cmocka_unit_test_setup_teardown(test_shares, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_little, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_all, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_small, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_held, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_found, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_certain, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_nowhere, open_seek, close_seek),
        cmocka_unit_test_setup_teardown(test_notes, open_seek, close_seek),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
