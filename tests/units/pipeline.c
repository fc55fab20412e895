/* SPDX-License-Identifier: MIT */
/* The pipeline by itself, with filters of this test's own: chains, presets, rows, pool, queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/preset.h"
#include "pipeline/rows.h"
#include "pipeline/stage.h"
#include "pipeline/pool.h"

struct priv {
    const AVClass *class;
    double keep, fps;
    int n;
    int64_t tokens;
    char *by;
};

static const AVOption fps_options[] = {
    {"fps",
     "frames a second",
     offsetof(struct priv, fps),
     AV_OPT_TYPE_DOUBLE,
     {.dbl = 2},
     0.001,
     1000,
     0,
     NULL},
    {NULL},
};
static const AVOption keep_options[] = {
    WN_OPT_KEEP(struct priv, keep, "rows that stay", 36),
    {"by", "a word", offsetof(struct priv, by), AV_OPT_TYPE_STRING, {.str = "here"}, 0, 0, 0, NULL},
    {NULL},
};
static const AVOption budget_options[] = {
    {"tokens",
     "cells",
     offsetof(struct priv, tokens),
     AV_OPT_TYPE_INT64,
     {.i64 = 0},
     0,
     1e9,
     0,
     NULL},
    {NULL},
};
static const struct wn_filter scene = {.name = "scene",
                                       .brief = "",
                                       .family = WN_FRAME,
                                       .places = WN_AT_FRAME,
                                       .priv_size = sizeof(struct priv)};
static const struct wn_filter fps = {.name = "fps",
                                     .brief = "",
                                     .family = WN_FRAME,
                                     .places = WN_AT_FRAME,
                                     .options = fps_options,
                                     .priv_size = sizeof(struct priv)};
static const struct wn_filter uniform = {.name = "uniform",
                                         .brief = "",
                                         .family = WN_FRAME,
                                         .places = WN_AT_FRAME,
                                         .priv_size = sizeof(struct priv)};
static const struct wn_filter vtc = {.name = "vtc_cls",
                                     .brief = "",
                                     .family = WN_ATTENTION,
                                     .places = WN_AT_TOKEN,
                                     .options = keep_options,
                                     .priv_size = sizeof(struct priv)};
static const struct wn_filter both = {.name = "tome",
                                      .brief = "",
                                      .family = WN_SIMILARITY,
                                      .places = WN_AT_ENCODER | WN_AT_TOKEN,
                                      .options = keep_options,
                                      .priv_size = sizeof(struct priv)};
static const struct wn_filter budget = {.name = "budget",
                                        .brief = "",
                                        .family = WN_BUDGET,
                                        .places = WN_AT_TOKEN,
                                        .options = budget_options,
                                        .priv_size = sizeof(struct priv)};

const struct wn_filter *const wn_frame_filters[] = {&scene, &fps, &uniform, NULL};
const struct wn_filter *const wn_token_filters[] = {&vtc, &both, &budget, NULL};

static struct wn_chain *parse(const char *text, const struct wn_clip *clip, struct wn_log *log)
{
    static const struct wn_clip none;
    struct wn_chain *chain = NULL;
    const int err = wn_chain_parse(&chain, text, clip ? clip : &none, log);

    assert_true(!err == !!chain);
    return chain;
}

static void refuses(const char *text, const char *sentence)
{
    struct wn_log log;

    wn_log_init(&log);
    struct wn_chain *chain = parse(text, NULL, &log);
    assert_null(chain);
    if (!strstr(log.last_error, sentence))
        fail_msg("'%s' gave '%s', not '%s'", text, log.last_error, sentence);
    wn_log_finish(&log);
}

static struct priv *priv_of(const struct wn_chain *chain, int i)
{
    return chain->item[i]->priv;
}

static void chain_sets_options(void **state)
{
    struct wn_log log;
    int n;

    wn_log_init(&log);
    struct wn_chain *c =
        parse(" scene, fps=3 ,vtc_cls=keep=0.25:by=a\\,b\\:c,budget=tokens=99", NULL, &log);
    assert_non_null(c);
    assert_int_equal(c->n, 4);
    assert_true(priv_of(c, 1)->fps == 3); /* a value alone is the first option's */
    assert_true(priv_of(c, 2)->keep == 0.25);
    assert_string_equal(priv_of(c, 2)->by, "a,b:c");
    assert_int_equal(priv_of(c, 3)->tokens, 99);
    struct wn_instance **frame = wn_chain_at(c, WN_AT_FRAME, &n);
    assert_int_equal(n, 2);
    assert_ptr_equal(frame[0]->filter, &scene);
    wn_chain_at(c, WN_AT_ENCODER, &n);
    assert_int_equal(n, 0);
    wn_chain_destroy(&c);
    c = parse("tome=at=token,vtc_cls", NULL, &log);
    assert_int_equal(c->item[0]->at, WN_AT_TOKEN);
    assert_true(priv_of(c, 1)->keep == 36);
    wn_chain_destroy(&c);
    c = parse("", NULL, &log);
    assert_int_equal(c->n, 0);
    wn_chain_destroy(&c);
    wn_log_finish(&log);
}

static void chain_refuses_with_a_sentence(void **state)
{
    refuses("vtc_cl", "no filter is called 'vtc_cl' (did you mean 'vtc_cls'?)");
    refuses("xyzzyplugh", "see `winnow filters`");
    refuses("vtc_cls=kep=3", "filter vtc_cls has no option 'kep' (did you mean 'keep'?)");
    refuses("vtc_cls=keep=-1", "keep=-1 is out of range");
    refuses("vtc_cls=keep=many", "keep=many is not a value for it");
    refuses("scene=3", "filter scene takes no value");
    refuses("vtc_cls,fps=2", "so fps must stand first");
    refuses("vtc_cls,vtc_cls", "stands twice");
    refuses("budget=tokens=9,vtc_cls", "budget must be the last token filter");
    refuses("vtc_cls=at=frame", "cannot act at 'frame'");
    refuses("fps=2,,vtc_cls", "an empty place");
    refuses("auto,vtc_cls", "a preset stands alone or before budget");
    refuses("bad\033name", "'bad?name'");
}

static void budget_gives_shares(void **state)
{
    const struct wn_clip clip = {
        .duration = 10, .frame_rows = 100, .tokens = 500, .budget = true};
    struct wn_log log;

    wn_log_init(&log);
    struct wn_chain *c = parse("fps=1,vtc_cls", &clip, &log);
    assert_int_equal(c->n, 3); /* the budget was appended */
    assert_int_equal(priv_of(c, 2)->tokens, 500);
    assert_true(priv_of(c, 1)->keep == 0.5); /* 500 of 10 frames of 100 */
    wn_chain_destroy(&c);
    c = parse("fps=1,vtc_cls=keep=7", &clip, &log); /* a given count is never changed */
    assert_true(priv_of(c, 1)->keep == 7);
    wn_chain_destroy(&c);
    c = parse("fps=0.1,vtc_cls", &clip, &log); /* all fits: all stays */
    assert_int_equal(wn_keep(priv_of(c, 1)->keep, 100), 100);
    wn_chain_destroy(&c);
    c = parse("scene,vtc_cls", &clip, &log); /* number of frames unknown: the authors' default */
    assert_true(priv_of(c, 1)->keep == 36);
    wn_chain_destroy(&c);
    wn_log_finish(&log);
}

static void auto_steps_aside(void **state)
{
    struct wn_clip clip = {.duration = 10, .frame_rows = 64, .frame_glue = 6, .tokens = 100000};
    char *text = wn_preset_expand("auto", &clip);

    assert_string_equal(text, "scene,fps=2");
    free(text);
    clip.tokens = 140;
    clip.budget = true;
    text = wn_preset_expand("auto", &clip);
    assert_non_null(strstr(text, "fps=1.4,cdpruner=keep=4,"));
    assert_non_null(strstr(text, "budget=tokens=140"));
    free(text);
    text = wn_preset_expand("auto,budget=tokens=64", &clip);
    assert_null(strstr(text, "140"));
    assert_non_null(strstr(text, ",budget=tokens=64"));
    free(text);
    clip = (struct wn_clip){.still = true, .tokens = 64, .frame_rows = 64};
    text = wn_preset_expand("auto", &clip);
    assert_string_equal(text, "");
    free(text);
    clip.tokens = 16; /* of a picture that does not fit, rows as different as those of a video */
    text = wn_preset_expand("auto", &clip);
    assert_string_equal(text, "cdpruner=keep=0.25");
    free(text);
    clip = (struct wn_clip){.duration = 8, .frame_rows = 576, .frame_glue = 6, .tokens = 16 * 26};
    text = wn_preset_expand("auto", &clip); /* few rows of every frame rather than fewer frames */
    assert_string_equal(text, "scene,fps=2,cdpruner=keep=20");
    free(text);
}

static void presets_spend_differently(void **state)
{
    struct wn_clip clip = {.duration = 60, .frame_rows = 64, .frame_glue = 6, .tokens = 2200};
    char *text = wn_preset_expand("auto", &clip);

    assert_string_equal(text, "scene,fps=1.06667,cdpruner=keep=28");
    free(text);
    text = wn_preset_expand("fine", &clip); /* 100 frames of 16 rows and not 240 of 3 */
    assert_string_equal(text, "scene,fps=1.66667,cdpruner=keep=16");
    free(text);
    clip.tokens = 600; /* 60 frames of 4, as auto, and not 27 of 16 */
    text = wn_preset_expand("fine", &clip);
    assert_string_equal(text, "scene,fps=1,cdpruner=keep=4");
    free(text);
    clip.tokens = 2200;
    text = wn_preset_expand("fast", &clip); /* a quarter, whatever there is room for */
    assert_string_equal(text, "scene,fps=0.266667,cdpruner=keep=16");
    free(text);
    clip.reduces = true;
    text = wn_preset_expand("fast", &clip);
    assert_string_equal(text, "scene,fps=0.266667,tome=keep=0.5,cdpruner=keep=16");
    free(text);
    clip.tokens = 0;
    clip.frame_rows = 0;
    text = wn_preset_expand("fine", &clip);
    assert_string_equal(text, "scene,fps=4");
    free(text);
    clip.duration = 0; /* a pipe */
    text = wn_preset_expand("fast,budget=tokens=9", &clip);
    assert_string_equal(text, "scene,fps=1,vtc_cls=keep=0.25,budget=tokens=9");
    free(text);
}

static void keep_is_a_share_or_a_count(void **state)
{
    assert_int_equal(wn_keep(0.7, 196), 137);
    assert_int_equal(wn_keep(1, 196), 1);
    assert_int_equal(wn_keep(0, 196), 0);
    assert_int_equal(wn_keep(1e9, 196), 196);
    assert_int_equal(wn_keep(0.999, 0), 0);
}

static struct wn_rows *make_rows(int32_t n_frames, int32_t per_frame, float start)
{
    struct wn_rows *r = wn_rows_create(n_frames * per_frame, 3, n_frames);

    for (int32_t i = 0; i < r->n; i++) {
        r->cell[i] = i % per_frame;
        for (int d = 0; d < 3; d++)
            r->data[i * 3 + d] = start++;
    }
    for (int32_t f = 0; f <= n_frames; f++)
        r->frame_ptr[f] = f * per_frame;
    return r;
}

static void rows_append(void **state)
{
    struct wn_rows *a = NULL, *b = make_rows(2, 4, 0), *c = make_rows(1, 4, 24);

    assert_int_equal(wn_rows_append(&a, &b), WN_OK);
    assert_null(b);
    assert_int_equal(wn_rows_append(&a, &c), WN_OK);
    assert_int_equal(a->n, 12);
    assert_int_equal(a->n_frames, 3);
    assert_int_equal(a->frame_ptr[3], 12);
    for (int i = 0; i < 36; i++)
        assert_true(a->data[i] == (float)i);
    for (int32_t i = 0; i < 12; i++)
        assert_int_equal(wn_rows_frame_of(a, i), i / 4);
    wn_rows_destroy(&a);
}

static void sources_compose(void **state)
{
    int32_t a_ptr[] = {0, 2, 3}, a_idx[] = {0, 2, 3}, b_ptr[] = {0, 2}, b_idx[] = {0, 1};
    float a_w[] = {0.5f, 0.5f, 1}, b_w[] = {2, 3};
    const struct wn_sources a = {
        .n = 2, .n_src = 4, .ptr = a_ptr, .idx = a_idx, .weight = a_w, .linear = true};
    struct wn_sources b = {
        .n = 1, .n_src = 2, .ptr = b_ptr, .idx = b_idx, .weight = b_w, .linear = true};
    struct wn_sources c = {0};

    assert_int_equal(wn_sources_compose(&c, &b, &a), WN_OK);
    assert_int_equal(c.ptr[1], 3);
    assert_int_equal(c.idx[0], 0);
    assert_int_equal(c.idx[1], 2);
    assert_int_equal(c.idx[2], 3);
    assert_true(c.weight[0] == 1 && c.weight[1] == 1 && c.weight[2] == 3);
    wn_sources_finish(&c);
    b_idx[1] = 0; /* the same row twice: its parts add up */
    assert_int_equal(wn_sources_compose(&c, &b, &a), WN_OK);
    assert_int_equal(c.ptr[1], 2);
    assert_true(c.weight[0] == 2.5f);
    wn_sources_finish(&c);
}

static void count_up(void *arg, int64_t i)
{
    atomic_fetch_add((_Atomic int64_t *)arg, i + 1);
}

struct nest {
    struct wn_pool *pool;
    _Atomic int64_t sum;
};

static void nested(void *arg, int64_t i)
{
    struct nest *n = arg;

    wn_pool_run(n->pool, 10, count_up, &n->sum);
}

static void *call_pool(void *arg)
{
    struct nest *n = arg;

    for (int round = 0; round < 3000; round++)
        wn_pool_run(n->pool, 16, count_up, &n->sum);
    return NULL;
}

/* Two sources of one session use its pool at once: either gets all of its indices done. */
static void pool_serves_two_callers(void **state)
{
    struct nest a = {0}, b = {0};
    pthread_t other;

    assert_int_equal(wn_pool_create(&a.pool, 3), WN_OK);
    b.pool = a.pool;
    assert_int_equal(pthread_create(&other, NULL, call_pool, &b), 0);
    call_pool(&a);
    pthread_join(other, NULL);
    assert_int_equal(a.sum, 3000 * 136);
    assert_int_equal(b.sum, 3000 * 136);
    wn_pool_destroy(&a.pool);
}

static void pool_runs_every_index_once(void **state)
{
    for (int threads = 1; threads <= 8; threads *= 2) {
        struct nest n = {0};
        assert_int_equal(wn_pool_create(&n.pool, threads), WN_OK);
        for (int round = 0; round < 200; round++) {
            _Atomic int64_t sum = 0;
            wn_pool_run(n.pool, 100, count_up, &sum);
            assert_int_equal(sum, 5050);
        }
        wn_pool_run(n.pool, 20, nested, &n); /* nested calls run on their caller */
        assert_int_equal(n.sum, 20 * 55);
        wn_pool_destroy(&n.pool);
    }
}

struct counter {
    struct wn_stage stage;
    int next, end, err;
    atomic_int *ahead; /* pulled from us and not yet freed */
    atomic_int *most;
};

static void count_free(void *item)
{
    free(item);
}

static int count_pull(struct wn_stage *stage, void **item)
{
    struct counter *c = (struct counter *)stage;

    if (c->next == c->end)
        return c->err;
    const int ahead = atomic_fetch_add(c->ahead, 1) + 1;
    if (ahead > *c->most)
        *c->most = ahead;
    int *v = malloc(sizeof(*v));
    *v = c->next++;
    *item = v;
    return WN_OK;
}

static void count_destroy(struct wn_stage *stage)
{
    free(stage);
}

static struct wn_stage *make_queue(int end, int err, int capacity, atomic_int *ahead,
                                   atomic_int *most)
{
    struct counter *c = calloc(1, sizeof(*c));
    struct wn_stage *queue = NULL;

    *c = (struct counter){{count_pull, count_free, count_destroy}, 0, end, err, ahead, most};
    assert_int_equal(wn_queue_create(&queue, &c->stage, capacity), WN_OK);
    return queue;
}

static void queue_keeps_order_and_bound(void **state)
{
    atomic_int ahead = 0, most = 0;
    struct wn_stage *q = make_queue(1000, WN_EOF, 3, &ahead, &most);
    void *item;

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(q->pull(q, &item), WN_OK);
        assert_int_equal(*(int *)item, i);
        free(item);
        atomic_fetch_sub(&ahead, 1);
    }
    assert_int_equal(q->pull(q, &item), WN_EOF);
    assert_int_equal(q->pull(q, &item), WN_EOF);
    assert_true(most <= 3 + 2); /* the ring, the one in the thread's hand, the one in ours */
    wn_stage_destroy(&q);
    q = make_queue(5, WN_ERR_DATA, 8, &ahead, &most); /* an error comes after the items before it */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(q->pull(q, &item), WN_OK);
        free(item);
    }
    assert_int_equal(q->pull(q, &item), WN_ERR_DATA);
    wn_stage_destroy(&q);
    q = make_queue(1000, WN_EOF, 2, &ahead, &most); /* left early: nothing leaks, nothing hangs */
    wn_stage_destroy(&q);
}

static void messages_are_printable(void **state)
{
    char buf[32];

    assert_string_equal(wn_printable(buf, sizeof(buf), "a\x1b[1m\xff\xc3\xa9\n"),
                        "a?[1m?\xc3\xa9?");
    assert_string_equal(wn_printable(buf, 4, "abcdef"), "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_sets_options),
        cmocka_unit_test(chain_refuses_with_a_sentence),
        cmocka_unit_test(budget_gives_shares),
        cmocka_unit_test(auto_steps_aside),
        cmocka_unit_test(presets_spend_differently),
        cmocka_unit_test(keep_is_a_share_or_a_count),
        cmocka_unit_test(rows_append),
        cmocka_unit_test(sources_compose),
        cmocka_unit_test(pool_runs_every_index_once),
        cmocka_unit_test(pool_serves_two_callers),
        cmocka_unit_test(queue_keeps_order_and_bound),
        cmocka_unit_test(messages_are_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
