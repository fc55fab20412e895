/* SPDX-License-Identifier: MIT */
/* A search through winnow.h alone:
 *     search_calls MODEL MMPROJ VIDEO */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/winnow.h"

/* Wordings that do not depend on what the model was trained with. */
#define PLAIN .note = "{media}{question}", .final = "notes: {notes} {question}",                   \
    .split = "split: {question}", .nothing = "none"
#define QUESTION "what digit is written?"

static const char *video;
static struct wn_session *session;

static struct wn_source *open_source(const struct wn_source_params *params)
{
    struct wn_source *src = NULL;

    assert_int_equal(wn_source_open(&src, session, video, params), WN_OK);
    return src;
}

struct heard {
    int parts, stop_at, cancel_at;
    double end;
    size_t text;
};

static int hear_part(void *opaque, const struct wn_search_part *part)
{
    struct heard *heard = opaque;

    assert_int_equal(part->index, heard->parts);
    assert_true(part->start == heard->end && part->end > part->start);
    assert_true(part->relevance >= 0 && part->relevance <= 1);
    heard->end = part->end;
    heard->parts++;
    if (heard->parts == heard->cancel_at)
        wn_cancel(session);
    return heard->parts == heard->stop_at;
}

static int hear_text(void *opaque, const char *utf8, size_t len)
{
    struct heard *heard = opaque;

    (void)utf8;
    heard->text += len;
    return 0;
}

/* The answer alone is streamed, of all that the model writes. */
static void each_strategy_answers(void **state)
{
    for (int strategy = WN_BY_BUDGET; strategy <= WN_BY_SPLIT; strategy++) {
        struct heard heard = {0};
        struct wn_ask_stats stats = {.size = sizeof(stats)};
        struct wn_source *src = open_source(wn_source_params(.search = 1, .tokens = 300));
        struct wn_search *search = NULL;

        assert_int_equal(wn_source_search(src, QUESTION, wn_search_params(
            .strategy = strategy, .on_part = hear_part, .opaque = &heard,
            .ask = wn_ask_params(.on_text = hear_text, .opaque = &heard, .stats = &stats), PLAIN),
            &search), WN_OK);
        assert_int_equal(search->n_parts, heard.parts);
        assert_true(heard.parts > 0 && search->most_cells > 0 && search->most_cells <= 300);
        assert_int_equal(heard.text, strlen(search->answer));
        assert_true(stats.prompt_cells > 0);
        assert_true(search->prompts > heard.parts);
        for (int32_t i = 0; i < search->n_subs; i++)
            assert_true(search->subs[i].question && search->subs[i].answer);
        wn_search_free(&search);
        assert_null(search);
        wn_search_free(&search);
        wn_source_close(&src);
    }
    (void)state;
}

static void a_caller_may_stop_it(void **state)
{
    struct heard heard = {.stop_at = 2};
    struct wn_source *src = open_source(wn_source_params(.search = 1));
    struct wn_search *search = NULL;

    assert_int_equal(wn_source_search(src, QUESTION, wn_search_params(
        .on_part = hear_part, .opaque = &heard, PLAIN), &search), WN_ERR_ABORTED);
    assert_null(search);
    assert_int_equal(heard.parts, 2);
    wn_source_close(&src);

    heard = (struct heard){.cancel_at = 1};
    src = open_source(wn_source_params(.search = 1));
    assert_int_equal(wn_source_search(src, QUESTION, wn_search_params(
        .on_part = hear_part, .opaque = &heard, PLAIN), &search), WN_ERR_ABORTED);
    assert_int_equal(heard.parts, 1);
    wn_source_close(&src);
    wn_resume(session);
    (void)state;
}

static void mistakes_get_a_sentence(void **state)
{
    struct wn_source *src = open_source(NULL);
    struct wn_search *search = NULL;
    struct wn_segment *seg = NULL;

    assert_int_equal(wn_source_search(src, QUESTION, NULL, &search), WN_ERR_ARG);
    assert_non_null(strstr(wn_errmsg(session), "opened for it"));
    wn_source_close(&src);
    src = open_source(wn_source_params(.search = 1, .filters = "scene,fps=1"));
    assert_int_equal(wn_source_search(src, NULL, NULL, &search), WN_ERR_ARG);
    assert_int_equal(wn_source_search(src, QUESTION, wn_search_params(.strategy = 7), &search),
                     WN_ERR_ARG);
    assert_non_null(strstr(wn_errmsg(session), "strategy"));
    assert_int_equal(wn_source_pull(src, &seg), WN_OK);
    wn_segment_unref(&seg);
    assert_int_equal(wn_source_search(src, QUESTION, NULL, &search), WN_ERR_ARG);
    wn_source_close(&src);
    (void)state;
}

/* Frames that an app pushes, all before the question. */
static void pushed_frames_are_searched(void **state)
{
    const int side = 64;
    uint8_t *rgb = calloc((size_t)(side * side), 3);
    struct wn_source *src = NULL;
    struct wn_search *search = NULL;

    assert_int_equal(wn_source_open(&src, session, NULL, wn_source_params(
        .search = 1, .filters = "fps=1")), WN_OK);
    assert_int_equal(wn_source_search(src, QUESTION, wn_search_params(PLAIN), &search), WN_ERR_ARG);
    wn_source_close(&src);
    assert_int_equal(wn_source_open(&src, session, NULL, wn_source_params(
        .search = 1, .filters = "fps=1", .max_segment = 2)), WN_OK);
    for (int i = 0; i < 6; i++) {
        memset(rgb, 40 * i, (size_t)(side * side * 3));
        assert_int_equal(wn_source_push(src, &(struct wn_image){
            .size = sizeof(struct wn_image), .format = WN_RGB24, .data = {rgb},
            .stride = {3 * side}, .width = side, .height = side, .time = i}), WN_OK);
    }
    assert_int_equal(wn_source_push(src, NULL), WN_OK);
    assert_int_equal(wn_source_search(src, QUESTION, wn_search_params(PLAIN), &search), WN_OK);
    assert_int_equal(search->n_parts, 3);
    wn_search_free(&search);
    wn_source_close(&src);
    free(rgb);
    (void)state;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_strategy_answers),
        cmocka_unit_test(a_caller_may_stop_it),
        cmocka_unit_test(mistakes_get_a_sentence),
        cmocka_unit_test(pushed_frames_are_searched),
    };

    if (argc != 4)
        return 77;
    video = argv[3];
    if (wn_open(&session, wn_params(.model = argv[1], .mmproj = argv[2], .no_gpu_model = 1,
                                    .device = "cpu")))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wn_close(&session);
    return failed;
}
