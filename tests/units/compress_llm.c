/* SPDX-License-Identifier: MIT */
/* The language side's selections where the authors' outputs do not reach: edges, ties, many
 * queries, ZipVL's ratio, and what the defaults do that the released code does not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compress/llm_select.h"

static struct wn_kv begin(void)
{
    struct wn_kv b = {0};

    assert_int_equal(wn_plan_create(&b.plan), WN_OK);
    return b;
}

/* Runs the plan and frees it; every result must be the same on the reference functions. */
static void run(struct wn_kv *b, wn_buf buf, void *out, size_t bytes)
{
    struct wn_log log;
    struct wn_pool *pool = NULL;
    void *again = calloc(1, bytes);
    const char *why = "";

    wn_log_init(&log);
    assert_non_null(again);
    if (wn_plan_error(b->plan, &why) < 0)
        fail_msg("%s", why);
    assert_int_equal(wn_pool_create(&pool, 2), WN_OK);
    for (int ref = 0; ref < 2; ref++) {
        struct wn_backend *backend = NULL;
        wn_plan_output(b->plan, buf, ref ? again : out);
        assert_int_equal(wn_backend_cpu(&backend, pool, ref ? WN_CPU_REF : WN_CPU_AUTO, &log), 0);
        assert_int_equal(backend->run(backend, b->plan), WN_OK);
        wn_backend_destroy(&backend);
    }
    assert_memory_equal(out, again, bytes);
    free(again);
    wn_plan_destroy(&b->plan);
    wn_pool_destroy(&pool);
    wn_log_finish(&log);
}

static void refused(struct wn_kv *b, const char *words)
{
    const char *why = "";

    assert_int_equal(wn_plan_error(b->plan, &why), WN_ERR_ARG);
    if (!strstr(why, words))
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    wn_plan_destroy(&b->plan);
}

/* In [-1, 1), the same every time. */
static void fill(float *x, int64_t n, uint32_t seed)
{
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
}

static struct wn_heads input(struct wn_kv *b, const float *x, int32_t heads, int32_t n, int32_t dim)
{
    return (struct wn_heads){
        wn_plan_input(b->plan, "x", x, (int64_t)heads * n * dim), heads, n, dim,
    };
}

/* Rows that the spans keep of two heads of 6 keys with these scores. */
static void pick(const struct wn_span *span, int32_t n_spans, bool by_score, int32_t each,
                 const int32_t *want)
{
    static const float score[12] = {3, 1, 3, 2, 5, 4, 0, 0, 0, 0, 0, 0};
    int32_t idx[12] = {0};
    struct wn_kv b = begin();
    const struct wn_picked p =
        wn_kv_pick(&b, input(&b, score, 2, 6, 1).data, 2, 6, span, n_spans, by_score);

    assert_int_equal(p.each, each);
    run(&b, p.idx, idx, sizeof(idx));
    assert_memory_equal(idx, want, (size_t)(2 * each) * sizeof(*want));
}

static void spans_keep_the_best(void **state)
{
    const struct wn_span best[] = {{4, 2}, {2, 2}}, none = {6, 0}, more = {6, 99},
                         order = {6, 6, true}, empty[] = {{0, 0}, {5, 1}, {0, 3}, {1, 0}};

    pick(best, 2, true, 4, (int32_t[]){0, 2, 4, 5, 6, 7, 10, 11}); /* ties: the lower one */
    pick(best, 2, false, 4, (int32_t[]){0, 2, 4, 5, 6, 7, 10, 11});
    pick(&none, 1, false, 0, NULL);
    pick(&more, 1, false, 6, (int32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    pick(&order, 1, true, 6, (int32_t[]){4, 5, 0, 2, 3, 1, 6, 7, 8, 9, 10, 11});
    pick(empty, 4, false, 1, (int32_t[]){4, 6});
}

static void spans_that_do_not_fit_are_refused(void **state)
{
    const struct wn_span two[] = {{3, 1}, {3, 2}}, few = {5, 1}, wide = {9, 1};
    struct wn_kv b = begin();

    wn_kv_pick(&b, WN_NONE, 1, 6, two, 2, false);
    refused(&b, "two spans of 3 keys keep 1 and 2");
    b = begin();
    wn_kv_pick(&b, WN_NONE, 1, 6, &few, 1, false);
    refused(&b, "spans cover 5 of 6 keys");
    b = begin();
    wn_kv_pick(&b, WN_NONE, 1, 6, &wide, 1, false);
    refused(&b, "a span of 9 among 6 keys");
}

/* What key j of k receives, in double. */
static double received(const float *q, const float *k, int32_t n, int32_t dim, int32_t j)
{
    double sum = 0;

    for (int32_t i = j; i < n; i++) {
        double all = 0, own = 0;
        for (int32_t t = 0; t <= i; t++) {
            double dot = 0;
            for (int32_t c = 0; c < dim; c++)
                dot += (double)q[i * dim + c] * k[t * dim + c];
            const double e = exp(dot / sqrt(dim));
            all += e;
            own = t == j ? e : own;
        }
        sum += own / all;
    }
    return sum;
}

static void many_queries_come_in_parts(void **state)
{
    enum { N = 3000, DIM = 2 };
    float *q = calloc(N * DIM, sizeof(*q)), *k = calloc(N * DIM, sizeof(*k));
    float *got = calloc(N, sizeof(*got));
    struct wn_kv b = begin();
    int n_buffers = 0;

    assert_true(q && k && got);
    fill(q, N * DIM, 1);
    fill(k, N * DIM, 2);
    const struct wn_attend a = {
        .q = input(&b, q, 1, N, DIM),
        .k = input(&b, k, 1, N, DIM),
        .n_queries = N,
        .seen = 1,
    };
    const wn_buf sum = wn_kv_received(&b, &a, NULL);
    const struct wn_plan_buffer *buffers = wn_plan_buffers(b.plan, &n_buffers);
    for (int i = 0; i < n_buffers; i++) /* never queries x keys */
        assert_true(buffers[i].n < (int64_t)N * N);
    run(&b, sum, got, N * sizeof(*got));
    for (int32_t j = 0; j < N; j += 1499) {
        const double want = received(q, k, N, DIM, j);
        if (fabs(got[j] - want) > 1e-5 * want)
            fail_msg("key %d receives %.9g, not %.9g", (int)j, got[j], want);
    }
    free(q);
    free(k);
    free(got);
}

static void zipvl_keeps_the_fewest_that_reach_the_ratio(void **state)
{
    enum { N = 70, DIM = 4 };
    float q[N * DIM], k[N * DIM];
    double score[N], total = 0, held = 0;
    int32_t keep[N] = {0}, n_kept = 0;
    struct wn_kv b = begin();

    fill(q, N * DIM, 3);
    fill(k, N * DIM, 4);
    const struct wn_attend a = {
        .q = input(&b, q, 1, N, DIM),
        .k = input(&b, k, 1, N, DIM),
        .n_queries = N,
        .seen = 1,
    };
    run(&b, wn_zipvl(&b, &a, 0.6f).keep, keep, sizeof(keep));
    for (int32_t j = 0; j < N; j++) {
        score[j] = received(q, k, N, DIM, j) / (N - j);
        total += score[j];
    }
    double lowest = 1e9;
    for (int32_t j = 0; j < N; j++) {
        held += keep[j] ? score[j] : 0;
        n_kept += keep[j];
        lowest = keep[j] ? fmin(lowest, score[j]) : lowest;
    }
    for (int32_t j = 0; j < N; j++)
        assert_true(keep[j] || score[j] <= lowest + 1e-6);
    assert_true(n_kept > 0 && n_kept < N);
    assert_true(held >= 0.6 * total - 1e-5 && held - lowest < 0.6 * total + 1e-5);
}

/* Flags of 10 keys for the query after them. */
static void mask_of(bool released, int32_t *allow)
{
    static const float score[10] = {9, 1, 2, 1, 1, 1, 1, 8, 1, 1};
    struct wn_kv b = begin();
    wn_buf next = WN_NONE;
    const wn_buf mask = wn_h2o_mask(&b, &(struct wn_h2o){.heavy = 2, .recent = 3,
                                                         .released = released},
                                    input(&b, score, 1, 10, 1), &next);

    run(&b, mask, allow, 10 * sizeof(*allow));
}

static void the_key_that_leaves_the_recent_ones_may_stay(void **state)
{
    static const int32_t sensible[] = {1, 0, 0, 0, 0, 0, 0, 1, 1, 1};
    static const int32_t released[] = {1, 0, 1, 0, 0, 0, 0, 0, 1, 1};
    int32_t allow[10];

    mask_of(false, allow);
    assert_memory_equal(allow, sensible, sizeof(allow));
    mask_of(true, allow);
    assert_memory_equal(allow, released, sizeof(allow));
}

/* A row that goes is no target: all that was there is still there, added up. */
static void ficoco_loses_nothing(void **state)
{
    enum { V = 12, S = 16, MERGE = 5 };
    float att[S * S], hidden[V], rows[V] = {0};
    double before = 0, after = 0;
    struct wn_kv b = begin();

    fill(att, S * S, 5);
    fill(hidden, V, 6);
    const struct wn_ficoco_l p = {.s = S, .n_visual = V, .merge = MERGE, .targets = 3};
    const struct wn_ficoco_l_out out =
        wn_ficoco_l(&b, &p, input(&b, att, 1, S, S).data, input(&b, hidden, 1, V, 1));
    run(&b, out.rows, rows, (V - MERGE) * sizeof(*rows));
    for (int i = 0; i < V; i++) {
        before += hidden[i];
        after += rows[i]; /* zeros behind those that stay */
    }
    assert_true(fabs(before - after) < 1e-5);
}

static void lookm_keeps_text_and_then_the_best_of_images(void **state)
{
    /* Differences that score - 65516 would lose. */
    static const float score[10] = {0, 0, 0.001f, 0.003f, 0.002f, 0.0025f, 0, 1, 0, 0};
    static const int32_t want[] = {0, 1, 3, 6, 7, 8, 9}, image = 2;
    int32_t idx[10] = {0};
    struct wn_kv b = begin();
    const struct wn_lookm p = {
        .heavy = 5,
        .recent = 2,
        .image = &image,
        .n_images = 1,
        .n_image = 4,
    };
    const struct wn_picked kept = wn_lookm(&b, &p, input(&b, score, 1, 10, 1));

    assert_int_equal(kept.each, 7);
    run(&b, kept.idx, idx, sizeof(idx));
    /* Text: 0, 1, 6, 7; so one image key of the five, and the recent ones. */
    assert_memory_equal(idx, want, sizeof(want));
}

static void lookm_without_filters_adds_up(void **state)
{
    enum { N = 9, DIM = 3 };
    static const struct wn_span span = {N, 4};
    float k[2 * N * DIM], score[2 * N], merged[2 * 4 * DIM];
    struct wn_kv b = begin();

    fill(k, 2 * N * DIM, 7);
    fill(score, 2 * N, 8);
    for (int i = 0; i < 2 * N * DIM; i++)
        k[i] = k[i] / 8 + 1; /* all alike: means stay among them */
    const wn_buf in = input(&b, score, 2, N, 1).data;
    const struct wn_picked p = wn_kv_pick(&b, in, 2, N, &span, 1, false);
    const struct wn_heads keys = input(&b, k, 2, N, DIM);
    const struct wn_lookm_out o = wn_lookm_merge(&b, WN_LOOKM_AVERAGE, false, &p, keys, keys);
    run(&b, o.k.data, merged, sizeof(merged));
    for (int i = 0; i < 2 * 4 * DIM; i++)
        assert_true(merged[i] >= 0.87f && merged[i] <= 1.13f);
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    static const float x[64] = {0};
    struct wn_kv b = begin();
    const struct wn_attend a = {
        .q = input(&b, x, 3, 2, 4),
        .k = input(&b, x, 2, 2, 4),
        .n_queries = 2,
    };

    wn_kv_received(&b, &a, NULL);
    refused(&b, "3 heads of 4, over 2 keys, 2 heads of 4");
    b = begin();
    wn_ficoco_l(&b, &(struct wn_ficoco_l){.s = 8, .n_visual = 4, .merge = 4},
                input(&b, x, 1, 8, 8).data, input(&b, x, 1, 4, 4));
    refused(&b, "ficoco_l merges 4 of 4 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_keep_the_best),
        cmocka_unit_test(spans_that_do_not_fit_are_refused),
        cmocka_unit_test(many_queries_come_in_parts),
        cmocka_unit_test(zipvl_keeps_the_fewest_that_reach_the_ratio),
        cmocka_unit_test(the_key_that_leaves_the_recent_ones_may_stay),
        cmocka_unit_test(ficoco_loses_nothing),
        cmocka_unit_test(lookm_keeps_text_and_then_the_best_of_images),
        cmocka_unit_test(lookm_without_filters_adds_up),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
