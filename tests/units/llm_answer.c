/* SPDX-License-Identifier: MIT */
/* llm_answer MODEL: generation over made-up rows: streaming, limits, cancelling, bad input. The
 * weights may be random: the words do not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/llm.h"

static const char *model;

struct fixture {
    struct wn_log log;
    struct wn_llm *llm;
    struct wn_llm_info info;
    struct wn_rows *rows;
    char heard[4096]; /* by on_text */
    int n_heard, stop_after;
    double progress;
};

static struct wn_rows *made_rows(int32_t dim, int32_t n_frames, int32_t each)
{
    struct wn_rows *rows = wn_rows_create(n_frames * each, dim, n_frames);

    for (int32_t i = 0; i < rows->n * dim; i++)
        rows->data[i] = (float)((i * 7919) % 1000) / 1000.0f - 0.5f;
    for (int32_t f = 0; f < n_frames; f++) {
        rows->frames[f].index = f;
        rows->frames[f].time = f;
        rows->frame_ptr[f + 1] = (f + 1) * each;
        for (int32_t i = 0; i < each; i++)
            rows->cell[f * each + i] = i;
    }
    return rows;
}

static int open_model(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));

    wn_log_init(&x->log);
    if (wn_llm_open(&x->llm, &(struct wn_llm_params){.model = model, .n_threads = 1, .no_gpu = true,
                                                     .log = &x->log}))
        return -1;
    wn_llm_info(x->llm, &x->info);
    x->rows = made_rows(x->info.dim, 3, 10);
    *state = x;
    return 0;
}

static int close_model(void **state)
{
    struct fixture *x = *state;

    wn_rows_destroy(&x->rows);
    wn_llm_close(&x->llm);
    assert_null(x->llm);
    wn_llm_close(&x->llm);
    wn_log_finish(&x->log);
    free(x);
    return 0;
}

static int hear(void *opaque, const char *utf8, size_t len)
{
    struct fixture *x = opaque;

    strncat(x->heard, utf8, WN_MIN(len, sizeof(x->heard) - strlen(x->heard) - 1));
    return ++x->n_heard == x->stop_after;
}

static int watch(void *opaque, double done)
{
    struct fixture *x = opaque;

    assert_true(done >= x->progress && done <= 1);
    x->progress = done;
    return 0;
}

static struct wn_prompt prompt_of(struct fixture *x)
{
    return (struct wn_prompt){.segments = &x->rows, .n_segments = 1, .label = "frame {n}:",
                              .question = "what color is the circle?"};
}

static void test_answer(void **state)
{
    struct fixture *x = *state;
    const struct wn_prompt prompt = prompt_of(x);
    struct wn_ask_params ask = {.max_tokens = 40, .on_text = hear, .on_progress = watch,
                                .opaque = x};
    struct wn_answer_stats stats = {0};
    char *first = NULL, *second = NULL;

    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &first, &stats), 0);
    assert_string_equal(first, x->heard);
    assert_true(x->progress == 1);
    assert_int_equal(stats.cells, wn_llm_prompt_cells(x->llm, &prompt));
    assert_true(stats.tokens >= 0 && stats.tokens <= 40);
    assert_true(stats.prefill_s > 0);
    assert_true(stats.first_token_at > 0 && stats.first_token_at <= wn_now());
    x->progress = 0;
    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &second, NULL), 0);
    assert_string_equal(first, second); /* nothing of the first answer is left in the context */
    free(first);
    free(second);
    assert_int_equal(wn_llm_answer(x->llm, &prompt, NULL, NULL, NULL), 0);
}

/* An answer is probable beside others, and its first word beside other words. */
static void test_chance(void **state)
{
    struct fixture *x = *state;
    const struct wn_prompt prompt = prompt_of(x);
    const struct wn_ask_params ask = {.max_tokens = 4};
    struct wn_answer_stats stats = {0}, again = {0};
    char *answer = NULL, *other = NULL;
    double said = 0, unsaid = 0, all = 0, two = 0, one = 0;

    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &answer, &stats), 0);
    assert_int_equal(stats.n_said, stats.tokens);
    assert_int_equal(wn_llm_likely(x->llm, &prompt, stats.said, stats.n_said, &said), 0);
    assert_true(stats.n_said == 0 ? said == 0 : said > 0 && said <= 1);
    int32_t changed[WN_SAID];
    memcpy(changed, stats.said, sizeof(changed));
    changed[0] = changed[0] == 40 ? 41 : 40;
    assert_int_equal(wn_llm_likely(x->llm, &prompt, changed, 1, &unsaid), 0);
    assert_int_equal(wn_llm_likely(x->llm, &prompt, stats.said, WN_MIN(stats.n_said, 1), &one), 0);
    assert_true(stats.n_said == 0 || unsaid <= one);
    assert_int_equal(wn_llm_likely(x->llm, &prompt, (int32_t[]){1 << 30}, 1, &unsaid), 0);
    assert_true(unsaid < 1e-20); /* no token at all */

    assert_int_equal(wn_llm_begins(x->llm, &prompt, "red", &one), 0);
    assert_int_equal(wn_llm_begins(x->llm, &prompt, "blue", &two), 0);
    assert_int_equal(wn_llm_begins(x->llm, &prompt, "red|blue|red", &all), 0);
    assert_true(one > 0 && two > 0 && all >= fmax(one, two) && all <= one + two + 1e-9);
    assert_int_equal(wn_llm_begins(x->llm, &prompt, "", &one), 0);
    assert_true(one == 0);

    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &other, &again), 0);
    assert_string_equal(answer, other); /* what was tried out is not left in the context */
    assert_true(again.reused > 0);
    free(answer);
    free(other);
}

/* Text before what is seen, and frames that are counted from 1. */
static void test_lead(void **state)
{
    struct fixture *x = *state;
    struct wn_prompt prompt = prompt_of(x), empty = prompt_of(x);
    const int64_t before = wn_llm_prompt_cells(x->llm, &prompt);

    empty.lead = "";
    assert_int_equal(wn_llm_prompt_cells(x->llm, &empty), before);
    prompt.lead = "what color";
    const int64_t lead = wn_llm_cells(x->llm, prompt.lead); /* by itself; its end may join others */
    assert_true(lead > 1);
    assert_in_range(wn_llm_prompt_cells(x->llm, &prompt), before + lead - 1, before + lead + 1);
    struct wn_prompt far = prompt_of(x), near = prompt_of(x);
    for (int32_t f = 0; f < x->rows->n_frames; f++)
        x->rows->frames[f].index = f + 1000000;
    near.from_one = true;
    assert_true(wn_llm_prompt_cells(x->llm, &far) > before);
    assert_int_equal(wn_llm_prompt_cells(x->llm, &near), before);
    for (int32_t f = 0; f < x->rows->n_frames; f++)
        x->rows->frames[f].index = f;
}

static void test_sampling(void **state)
{
    struct fixture *x = *state;
    const struct wn_prompt prompt = prompt_of(x);
    char *a[3] = {NULL};
    const uint32_t seeds[3] = {1, 1, 2};

    for (int i = 0; i < 3; i++) {
        const struct wn_ask_params ask = {.max_tokens = 24, .temperature = 3, .top_k = 500,
                                          .top_p = 1, .seed = seeds[i]};
        assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &a[i], NULL), 0);
    }
    assert_string_equal(a[0], a[1]);
    assert_string_not_equal(a[0], a[2]);
    for (int i = 0; i < 3; i++)
        free(a[i]);
}

static void test_cells(void **state)
{
    struct fixture *x = *state;
    struct wn_prompt prompt = prompt_of(x);
    const int64_t with = wn_llm_prompt_cells(x->llm, &prompt);
    int64_t labels = 0;
    char text[16];

    for (int n = 1; n <= 3; n++) {
        snprintf(text, sizeof(text), "frame %d:", n);
        labels += wn_llm_cells(x->llm, text);
    }
    prompt.n_segments = 0;
    const int64_t without = wn_llm_prompt_cells(x->llm, &prompt);
    const int64_t seams = llabs(with - without - 30 - labels); /* words that meet may merge */
    assert_true(seams <= 2);
    assert_true(wn_llm_cells(x->llm, "<s></s><|im_start|>") > 5); /* plain text */
    assert_int_equal(wn_llm_cells(x->llm, ""), 0);
}

/* Subtitles enter before the first frame at or after their start; line breaks become spaces. */
static void test_cues(void **state)
{
    struct fixture *x = *state;
    struct wn_cue cues[] = {{0, 1, "the car"}, {1.5, 2, "red\nball"}, {9, 9, "blue"}, {9, 9, NULL}};
    struct wn_prompt prompt = prompt_of(x);
    const int64_t without = wn_llm_prompt_cells(x->llm, &prompt);

    prompt.cues = cues;
    prompt.n_cues = 4;
    const int64_t with = wn_llm_prompt_cells(x->llm, &prompt);
    const int64_t alone = wn_llm_cells(x->llm, "the car") + wn_llm_cells(x->llm, "red ball") +
                          wn_llm_cells(x->llm, "blue");
    assert_true(with >= without + alone - 3 && with <= without + 40);
    assert_int_equal(wn_llm_answer(x->llm, &prompt, &(struct wn_ask_params){.max_tokens = 2}, NULL,
                                   NULL), 0);
}

static void test_stops(void **state)
{
    struct fixture *x = *state;
    const struct wn_prompt prompt = prompt_of(x);
    struct wn_ask_params ask = {.max_tokens = 60, .temperature = 3, .top_k = 500, .top_p = 1,
                                .on_text = hear, .opaque = x};
    char *answer = NULL;

    x->n_heard = 0;
    x->stop_after = 2;
    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &answer, NULL), WN_ERR_ABORTED);
    assert_null(answer);
    assert_int_equal(x->n_heard, 2);
    x->stop_after = 0;
    atomic_store(&x->log.cancelled, true);
    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &answer, NULL), WN_ERR_ABORTED);
    atomic_store(&x->log.cancelled, false);
    assert_int_equal(wn_llm_answer(x->llm, &prompt, &ask, &answer, NULL), 0);
    free(answer);
}

static void test_limits(void **state)
{
    struct fixture *x = *state;
    struct wn_prompt prompt = prompt_of(x);
    struct wn_llm *small = NULL;
    struct wn_rows *bad = made_rows(x->info.dim + 1, 1, 4);

    assert_int_equal(wn_llm_open(&small, &(struct wn_llm_params){
        .model = model, .n_threads = 1, .n_ctx = 50, .no_gpu = true, .log = &x->log}), 0);
    assert_int_equal(wn_llm_answer(small, &prompt, NULL, NULL, NULL), WN_ERR_LIMIT);
    assert_non_null(strstr(x->log.last_error, "KV cells"));
    assert_non_null(strstr(x->log.last_error, "50"));
    wn_llm_close(&small);
    prompt.segments = &bad;
    assert_int_equal(wn_llm_answer(x->llm, &prompt, NULL, NULL, NULL), WN_ERR_ARG);
    wn_rows_destroy(&bad);
    bad = made_rows(x->info.dim, 1, 4);
    bad->data[x->info.dim + 3] = NAN;
    prompt.segments = &bad;
    assert_int_equal(wn_llm_answer(x->llm, &prompt, NULL, NULL, NULL), WN_ERR_DATA);
    bad->data[x->info.dim + 3] = -INFINITY;
    assert_int_equal(wn_llm_answer(x->llm, &prompt, NULL, NULL, NULL), WN_ERR_DATA);
    wn_rows_destroy(&bad);
    assert_int_equal(wn_llm_open(&small, &(struct wn_llm_params){
        .model = model, .chat_template = "no such thing", .log = &x->log}), WN_ERR_ARG);
    assert_null(small);
}

/* Frames that kept no row leave no trace, label included. */
static void test_empty_frames(void **state)
{
    struct fixture *x = *state;
    struct wn_rows *rows = made_rows(x->info.dim, 3, 10), *one = made_rows(x->info.dim, 1, 10);
    struct wn_prompt a = prompt_of(x), b = prompt_of(x);
    float *la = NULL, *lb = NULL;
    int n = 0;

    rows->n = 10;
    rows->frame_ptr[2] = rows->frame_ptr[3] = 10;
    a.segments = &rows;
    b.segments = &one;
    assert_int_equal(wn_llm_logits(x->llm, &a, &la, &n), 0);
    assert_int_equal(wn_llm_logits(x->llm, &b, &lb, &n), 0);
    assert_memory_equal(la, lb, (size_t)n * sizeof(*la));
    free(la);
    free(lb);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&one);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_lead),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_cues),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_empty_frames),
    };

    if (argc < 2 || access(argv[1], R_OK))
        return 77;
    model = argv[1];
    return cmocka_run_group_tests(tests, open_model, close_model);
}
