/* SPDX-License-Identifier: MIT */
/* The budget over segments that come one by one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/units/compress_make.h"

#define MAX_SEGS 12

struct try {
    int64_t cells;
    int32_t floor;
    int64_t label;
    struct wn_rows *before[MAX_SEGS], *after[MAX_SEGS];
    int n;
};

static struct wn_log log_;

static int64_t label_of(void *arg, const struct wn_row_frame *frame)
{
    return *(const int64_t *)arg + frame->index % 3;
}

static int64_t no_label(void *arg, const struct wn_row_frame *frame)
{
    return 0;
}

static void add_segment(struct try *t, uint64_t seed, int32_t n_frames, bool scored)
{
    struct lot lot = {seed};
    struct wn_rows *rows = make_rows(&(struct make){
        .seed = seed,
        .n_frames = n_frames,
        .grid_h = 3,
        .grid_w = 5,
        .dim = 4,
        .attn = seed % 2,
    });

    if (scored) {
        rows->score = wn_calloc((size_t)rows->n, sizeof(*rows->score));
        for (int32_t i = 0; i < rows->n; i++)
            rows->score[i] = (float)lot_below(&lot, 50);
    }
    t->before[t->n++] = rows;
}

static void run(struct try *t)
{
    struct wn_budget *budget = NULL;

    assert_int_equal(wn_budget_create(&budget, &(struct wn_budget_params){
        .cells = t->cells,
        .floor = t->floor,
        .frame_cells = t->label ? label_of : no_label,
        .arg = &t->label,
        .log = &log_,
    }), WN_OK);
    for (int i = 0; i < t->n; i++) {
        struct wn_rows *rows = copy_rows(t->before[i]);
        assert_int_equal(wn_budget_add(budget, &rows), WN_OK);
        assert_null(rows);
    }
    for (int i = 0; i < t->n; i++)
        assert_int_equal(wn_budget_take(budget, &t->after[i]), WN_OK);
    struct wn_rows *none = NULL;
    assert_int_equal(wn_budget_take(budget, &none), WN_EOF);
    assert_null(none);
    wn_budget_destroy(&budget);
}

static void finish(struct try *t)
{
    for (int i = 0; i < t->n; i++) {
        wn_rows_destroy(&t->before[i]);
        wn_rows_destroy(&t->after[i]);
    }
    t->n = 0;
}

static int64_t cost_of(const struct try *t, struct wn_rows *const *list)
{
    int64_t cost = 0;

    for (int i = 0; i < t->n; i++) {
        cost += list[i]->n;
        for (int32_t f = 0; t->label && f < list[i]->n_frames; f++)
            cost += label_of((void *)&t->label, &list[i]->frames[f]);
    }
    return cost;
}

/* Every row that is left is the row that W names, with its score, cell and frame. */
static void is_consistent(const struct wn_rows *before, const struct wn_rows *after)
{
    int32_t last = -1;

    assert_null(after->attn);
    assert_int_equal(after->frame_ptr[after->n_frames], after->n);
    for (int32_t f = 0; f < after->n_frames; f++) {
        assert_true(after->frame_ptr[f] < after->frame_ptr[f + 1]);
        for (int32_t i = after->frame_ptr[f]; i < after->frame_ptr[f + 1]; i++) {
            const int32_t k = after->w.ptr ? after->w.idx[i] : i;
            assert_true(k > last);
            last = k;
            assert_int_equal(after->cell[i], before->cell[k]);
            assert_memory_equal(after->data + i * 4, before->data + k * 4, 16);
            if (before->score)
                assert_true(after->score[i] == before->score[k]);
            assert_int_equal(before->frames[wn_rows_frame_of(before, k)].index,
                             after->frames[f].index);
        }
    }
}

static void random_segments(void **state)
{
    struct lot lot = {5};

    for (int turn = 0; turn < 300; turn++) {
        struct try t = {
            .cells = lot_below(&lot, 700),
            .floor = lot_below(&lot, 20),
            .label = lot_below(&lot, 2) ? lot_below(&lot, 9) : 0,
        };
        const int n = 1 + lot_below(&lot, MAX_SEGS);
        const bool scored = lot_below(&lot, 2);
        for (int i = 0; i < n; i++)
            add_segment(&t, lot_next(&lot), lot_below(&lot, 8), scored);
        run(&t);
        assert_true(cost_of(&t, t.after) <= t.cells);
        if (cost_of(&t, t.before) <= t.cells)
            assert_int_equal(cost_of(&t, t.after), cost_of(&t, t.before));
        for (int i = 0; i < t.n; i++)
            is_consistent(t.before[i], t.after[i]);
        finish(&t);
    }
}

static int descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return x > y ? -1 : x < y;
}

/* Without labels and floors the best scores of all segments stay, exactly as many as fit. */
static void best_scores_stay(void **state)
{
    for (int64_t cells = 0; cells < 400; cells += 37) {
        struct try t = {.cells = cells};
        float all[1000], kept[1000];
        int n = 0, m = 0;

        for (int i = 0; i < 5; i++)
            add_segment(&t, (uint64_t)(cells + i), 4, true);
        run(&t);
        for (int i = 0; i < t.n; i++) {
            memcpy(all + n, t.before[i]->score, (size_t)t.before[i]->n * 4);
            n += t.before[i]->n;
            if (t.after[i]->n)
                memcpy(kept + m, t.after[i]->score, (size_t)t.after[i]->n * 4);
            m += t.after[i]->n;
        }
        assert_int_equal(m, WN_MIN(cells, n));
        qsort(all, (size_t)n, 4, descending);
        qsort(kept, (size_t)m, 4, descending);
        for (int i = 0; i < m; i++)
            assert_true(all[i] == kept[i]);
        finish(&t);
    }
}

static void segments_keep_their_floor(void **state)
{
    struct try t = {.cells = 100, .floor = 9};

    for (int i = 0; i < 10; i++) {
        add_segment(&t, (uint64_t)i, 3, true);
        for (int32_t k = 0; k < t.before[i]->n; k++)
            t.before[i]->score[k] += (float)(100 * i); /* each new one is better than all before */
    }
    run(&t);
    for (int i = 0; i < t.n; i++)
        assert_true(t.after[i]->n >= 9);
    assert_int_equal(cost_of(&t, t.after), 100);
    finish(&t);

    t = (struct try){.cells = 30, .floor = 9}; /* floors of ten segments do not fit: they halve */
    for (int i = 0; i < 10; i++)
        add_segment(&t, (uint64_t)i, 3, true);
    run(&t);
    for (int i = 0; i < t.n; i++)
        assert_true(t.after[i]->n >= 2);
    assert_int_equal(cost_of(&t, t.after), 30);
    finish(&t);
}

/* Rows without scores: no stretch of the video is much poorer than another. */
static void thinning_is_even(void **state)
{
    for (int64_t cells = 60; cells <= 600; cells += 90) {
        struct try t = {.cells = cells};

        for (int i = 0; i < 10; i++)
            add_segment(&t, (uint64_t)i, 8, false);
        run(&t);
        assert_int_equal(cost_of(&t, t.after), cells);
        const double share = (double)cells / 1200;
        for (int i = 0; i < t.n; i++) {
            int32_t gap = 0;
            assert_true(fabs(t.after[i]->n - share * 120) < 3);
            for (int32_t r = 1; r < t.after[i]->n; r++)
                gap = WN_MAX(gap, t.after[i]->w.idx[r] - t.after[i]->w.idx[r - 1]);
            assert_true(gap <= 3 / share + 1);
        }
        finish(&t);
    }
}

/* Without scores labels are not left over a row or two: whole frames go instead. */
static void frames_pay_for_their_labels(void **state)
{
    struct try t = {.cells = 150, .label = 5};

    for (int i = 0; i < 4; i++)
        add_segment(&t, (uint64_t)i, 8, false);
    run(&t);
    for (int i = 0; i < t.n; i++) {
        for (int32_t f = 0; f < t.after[i]->n_frames; f++)
            assert_true(t.after[i]->frame_ptr[f + 1] - t.after[i]->frame_ptr[f] >= 5);
    }
    assert_true(cost_of(&t, t.after) > 150 - 15);
    finish(&t);
}

/* The same segments in the same order give the same rows. */
static void is_repeatable(void **state)
{
    struct try a = {.cells = 200, .floor = 4, .label = 3}, b = a;
    const char *what;

    for (int i = 0; i < 8; i++) {
        add_segment(&a, (uint64_t)i, 5, i % 2);
        add_segment(&b, (uint64_t)i, 5, i % 2);
    }
    run(&a);
    run(&b);
    for (int i = 0; i < a.n; i++)
        assert_true(same_rows(a.after[i], b.after[i], &what));
    finish(&a);
    finish(&b);
}

/* W of rows that a filter made goes along. */
static void sources_go_along(void **state)
{
    struct try t = {.cells = 20};
    struct wn_backend *cpu = NULL;

    assert_int_equal(wn_backend_cpu(&cpu, NULL, WN_CPU_AUTO, &log_), WN_OK);
    add_segment(&t, 3, 4, false);
    struct wn_rows *plain = copy_rows(t.before[0]);
    assert_int_equal(run_chain(&t.before[0], "pool=stride=2", false, cpu, &log_), WN_OK);
    run(&t);
    const struct wn_rows *r = t.after[0];
    assert_int_equal(r->n, 20);
    assert_int_equal(r->w.n_src, plain->n);
    for (int32_t i = 0; i < r->n; i++) {
        assert_int_equal(r->w.ptr[i + 1] - r->w.ptr[i], 2);
        for (int32_t c = 0; c < 4; c++) {
            const int32_t k = r->w.idx[r->w.ptr[i]];
            const float mean = 0.5f * (plain->data[k * 4 + c] + plain->data[(k + 1) * 4 + c]);
            assert_true(fabsf(mean - r->data[i * 4 + c]) < 1e-6f);
        }
    }
    wn_rows_destroy(&plain);
    wn_backend_destroy(&cpu);
    finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_segments),
        cmocka_unit_test(best_scores_stay),
        cmocka_unit_test(segments_keep_their_floor),
        cmocka_unit_test(thinning_is_even),
        cmocka_unit_test(frames_pay_for_their_labels),
        cmocka_unit_test(is_repeatable),
        cmocka_unit_test(sources_go_along),
    };

    wn_log_init(&log_);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
