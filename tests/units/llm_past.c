/* SPDX-License-Identifier: MIT */
/* What a prompt shares with the one before is not computed again, and the numbers that come out are
 * those of a model that never saw another prompt, to the last bit.
 *
 *     llm_past MODEL.gguf */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../pipeline/llm.h"

static const char *path;

struct model {
    struct wn_log log;
    struct wn_llm *llm;
    struct wn_llm_info info;
};

static void model_open(struct model *m)
{
    memset(m, 0, sizeof(*m));
    wn_log_init(&m->log);
    assert_int_equal(wn_llm_open(&m->llm, &(struct wn_llm_params){
        .model = path, .n_threads = 1, .n_ctx = 512, .no_gpu = true, .log = &m->log}), WN_OK);
    wn_llm_info(m->llm, &m->info);
}

static void model_close(struct model *m)
{
    wn_llm_close(&m->llm);
    wn_log_finish(&m->log);
}

static struct wn_rows *make_rows(int32_t dim, int32_t n_frames, uint32_t seed)
{
    struct wn_rows *r = wn_rows_create(n_frames * 3, dim, n_frames);

    for (int32_t f = 0; f < n_frames; f++) {
        r->frame_ptr[f + 1] = 3 * (f + 1);
        r->frames[f] = (struct wn_row_frame){.index = f, .time = f};
    }
    for (int32_t i = 0; i < r->n; i++)
        r->cell[i] = i % 3;
    for (size_t i = 0; i < (size_t)r->n * (size_t)dim; i++) {
        seed = seed * 1664525u + 1013904223u;
        r->data[i] = (float)((int32_t)(seed >> 16) - 32768) / 65536;
    }
    return r;
}

static float *logits(struct model *m, struct wn_rows *rows, const char *label, const char *question,
                     int *n)
{
    struct wn_rows *const list[] = {rows};
    float *out = NULL;

    assert_int_equal(wn_llm_logits(m->llm, &(struct wn_prompt){
        .segments = list, .n_segments = rows ? 1 : 0, .label = label, .question = question},
        &out, n), WN_OK);
    return out;
}

static int64_t answer(struct model *m, struct wn_rows *rows, const char *question, char **text)
{
    struct wn_rows *const list[] = {rows};
    struct wn_answer_stats stats = {0};

    assert_int_equal(wn_llm_answer(m->llm, &(struct wn_prompt){
        .segments = list, .n_segments = 1, .label = "[{t}]", .question = question},
        &(struct wn_ask_params){.size = sizeof(struct wn_ask_params), .max_tokens = 6}, text,
        &stats), WN_OK);
    return stats.reused;
}

/* The prompts one after the other in one model, each against a model of its own. */
static void same_numbers(void **state)
{
    struct model used, fresh;
    static const struct {
        int rows;
        const char *label, *question;
    } step[] = {
        {0, "[{t}]", "what is it?"}, {0, "[{t}]", "who is there, and why?"},
        {0, "[{t}]", "what is it?"}, {0, "", "what is it?"},
        {1, "[{t}]", "what is it?"}, {0, "[{t}]", "a"},
        {2, "[{t}]", "a"},           {-1, NULL, "a"},
        {-1, NULL, "b"},             {0, "[{t}]", "a"},
    };

    (void)state;
    model_open(&used);
    struct wn_rows *rows[] = {make_rows(used.info.dim, 4, 1), make_rows(used.info.dim, 4, 1),
                              make_rows(used.info.dim, 6, 1)};
    rows[1]->data[(size_t)used.info.dim * 7] += 0.25f; /* in the third frame */
    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
        struct wn_rows *r = step[i].rows < 0 ? NULL : rows[step[i].rows];
        int n, m;
        model_open(&fresh);
        float *a = logits(&used, r, step[i].label, step[i].question, &n);
        float *b = logits(&fresh, r, step[i].label, step[i].question, &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, (size_t)n * sizeof(*a));
        free(a);
        free(b);
        model_close(&fresh);
    }
    for (int i = 0; i < 3; i++)
        wn_rows_destroy(&rows[i]);
    model_close(&used);
}

static void reuse_counts(void **state)
{
    struct model m;
    char *first = NULL, *again = NULL, *other = NULL;

    (void)state;
    model_open(&m);
    struct wn_rows *rows = make_rows(m.info.dim, 4, 1), *changed = make_rows(m.info.dim, 4, 1);
    changed->data[(size_t)m.info.dim * 7] += 0.25f;
    assert_int_equal(answer(&m, rows, "what is it?", &first), 0);
    const int64_t all = answer(&m, rows, "who?", &other);
    assert_true(all >= rows->n);
    assert_int_equal(answer(&m, rows, "what is it?", &again), all);
    assert_string_equal(first, again); /* the answer's own tokens are gone */
    const int64_t some = answer(&m, changed, "who?", NULL);
    assert_true(some >= 6 && some < all); /* two frames are as they were */
    free(first);
    free(again);
    free(other);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&changed);
    model_close(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_numbers),
        cmocka_unit_test(reuse_counts),
    };

    if (argc < 2) {
        fprintf(stderr, "llm_past MODEL.gguf\n");
        return 77;
    }
    path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
