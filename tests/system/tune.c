/* SPDX-License-Identifier: MIT */
/* How many items winnow batch does at once, on machines that are made up: each has a speed for
 * every number, and items that take very different times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "samples/winnow/batch_tune.h"

enum { MOST = 6 };

struct machine {
    const char *name;
    double speed[MOST + 1]; /* by how many are at once, [0] unused */
};

static const struct machine machines[] = {
    {"no gain", {0, 1, 1, 1, 1, 1, 1}},
    {"every item more is a loss", {0, 1, 0.8, 0.6, 0.5, 0.4, 0.3}},
    {"two is best", {0, 1, 1.7, 1.6, 1.5, 1.4, 1.3}},
    {"three is best", {0, 1, 1.5, 2, 1.8, 1.7, 1.6}},
    {"more is better", {0, 1, 2, 3, 4, 5, 6}},
    {"slightly better", {0, 1, 1.1, 1.16, 1.18, 1.18, 1.18}},
};

static double next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / (double)(1 << 24);
}

/* A record of an item of so much work, of which `share` is decoding. */
static json_t *record(double work, double share, double slower)
{
    return json_pack("{s:f, s:i, s:i, s:i, s:{s:i}, s:{s:f, s:f, s:f, s:f, s:f}}", "seconds",
                     work * slower, "frames", (int)(100 * work * (1 - share)), "prompt_cells", 0,
                     "answer_tokens", 0, "media", "frames_decoded", (int)(1000 * work * share),
                     "timing", "decode_s", work * share * slower, "encode_s",
                     work * (1 - share) * slower, "compress_s", 0.0, "prefill_s", 0.0,
                     "generate_s", 0.0);
}

/* How long n items take; jobs 0: as the tuner says. `spread`: the longest to the shortest. */
static double run(const struct machine *m, int jobs, int n, double spread, uint64_t seed, int *end)
{
    struct tune t;
    double now = 100;

    tune_init(&t, jobs, MOST);
    for (int i = 0; i < n; i++) {
        const double work = 0.2 * (1 + (spread - 1) * next_random(&seed));
        const double share = 0.1 + 0.8 * next_random(&seed);
        const double noise = 0.96 + 0.08 * next_random(&seed);
        now += work / m->speed[t.limit] * noise;
        json_t *r = record(work, share, t.limit / m->speed[t.limit] * noise);
        tune_done(&t, now, r, n - i - 1);
        json_decref(r);
        assert_in_range(t.limit, 1, MOST);
    }
    *end = t.limit;
    return now - 100;
}

static double best_fixed(const struct machine *m, int n, double spread, uint64_t seed)
{
    double best = 1e30;
    int end;

    for (int k = 1; k <= MOST; k++) {
        const double time = run(m, k, n, spread, seed, &end);
        assert_int_equal(end, k);
        best = time < best ? time : best;
    }
    return best;
}

/* The median of many batches: single ones may meet long items when it measures. */
static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void check(int n, double spread, double least)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        double ratio[31];
        int end = 0;
        for (uint64_t seed = 0; seed < 31; seed++)
            ratio[seed] = best_fixed(&machines[i], n, spread, seed) /
                          run(&machines[i], 0, n, spread, seed, &end);
        qsort(ratio, 31, sizeof(ratio[0]), compare);
        print_message("%-26s %4d items, %g to 1: %.3f of the best fixed number (worst %.3f)\n",
                      machines[i].name, n, spread, ratio[15], ratio[0]);
        assert_true(ratio[15] >= least);
    }
}

static void alike_items(void **state)
{
    check(400, 1, 0.95);
}

static void unlike_items(void **state)
{
    check(400, 8, 0.95);
}

/* Trying costs a part of a short batch. */
static void few_items(void **state)
{
    check(40, 3, 0.7);
}

static void bare_records(void **state)
{
    struct tune t;
    json_t *error = json_pack("{s:s}", "status", "error");

    tune_init(&t, 0, 4);
    for (int i = 0; i < 1000; i++) /* nothing to go by, and all at once */
        tune_done(&t, 5, error, 1000 - i);
    assert_in_range(t.limit, 1, 4);
    tune_init(&t, 0, 1);
    tune_done(&t, 1, error, 10);
    assert_int_equal(t.limit, 1);
    tune_init(&t, 0, 4);
    assert_int_equal(t.limit, 2);
    tune_fewer(&t);
    assert_int_equal(t.limit, 1);
    for (int i = 0; i < 100; i++) { /* and it stays so */
        tune_done(&t, i, error, 1000 - i);
        tune_fewer(&t);
        assert_int_equal(t.limit, 1);
    }
    tune_init(&t, 7, 4); /* who names a number gets it */
    tune_done(&t, 1, error, 10);
    tune_fewer(&t);
    assert_int_equal(t.limit, 7);
    json_decref(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_items),
        cmocka_unit_test(unlike_items),
        cmocka_unit_test(few_items),
        cmocka_unit_test(bare_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
