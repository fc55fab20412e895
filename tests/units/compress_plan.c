/* SPDX-License-Identifier: MIT */
/* Plans and what refuses them; sources of W and layer numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compress/build.h"

static const struct wn_mix_params one_row = {.n = 1, .n_frames = 1, .a = 1};

struct small { /* a plan with an input and a temporary buffer */
    struct wn_plan *plan;
    int32_t x, ptr[2];
    wn_buf in, in_ptr, temp, other;
};

static void begin(struct small *s)
{
    *s = (struct small){.x = 7, .ptr = {0, 1}};
    assert_int_equal(wn_plan_create(&s->plan), WN_OK);
    s->in = wn_plan_input(s->plan, "x", &s->x, 1);
    s->in_ptr = wn_plan_input(s->plan, "ptr", s->ptr, 2);
    s->temp = wn_plan_temp(s->plan, "temp", 1);
    s->other = wn_plan_temp(s->plan, "other", 1);
}

static void ends_with(struct small *s, int err, const char *words)
{
    const char *why;

    assert_int_equal(wn_plan_error(s->plan, &why), err);
    if (!strstr(why, words))
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    wn_plan_destroy(&s->plan);
    assert_null(s->plan);
}

static void mix(struct small *s, wn_buf x, wn_buf z, wn_buf y)
{
    wn_plan_call(s->plan, &wn_kernel_mix, &one_row, (const wn_buf[]){x, z, s->in_ptr, y});
}

static void refuses_mistakes(void **state)
{
    struct small s;

    begin(&s);
    mix(&s, s.in, WN_NONE, s.temp);
    ends_with(&s, WN_ERR_ARG, "buffer 1 is missing");
    begin(&s);
    mix(&s, s.in, 99, s.temp);
    ends_with(&s, WN_ERR_ARG, "missing");
    begin(&s);
    mix(&s, s.in, s.in, s.in);
    ends_with(&s, WN_ERR_ARG, "writes the input x");
    begin(&s);
    mix(&s, s.in, s.temp, s.other);
    ends_with(&s, WN_ERR_ARG, "reads temp, which nothing wrote");
    begin(&s);
    mix(&s, s.in, s.in, s.temp);
    mix(&s, s.temp, s.in, s.temp);
    ends_with(&s, WN_ERR_ARG, "given twice");
    begin(&s);
    wn_plan_output(s.plan, s.temp, &s.x);
    ends_with(&s, WN_ERR_ARG, "nothing writes temp");
    begin(&s);
    wn_plan_temp(s.plan, "too big", (int64_t)WN_MAX_BUFFER_BYTES / 4 + 1);
    ends_with(&s, WN_ERR_LIMIT, "too big needs 128 MiB");
    begin(&s);
    wn_plan_temp(s.plan, "below zero", -1);
    ends_with(&s, WN_ERR_LIMIT, "below zero");
}

static void first_error_stays(void **state)
{
    struct small s;

    begin(&s);
    wn_plan_fail(s.plan, WN_ERR_MODEL, "first %d", 1);
    wn_plan_fail(s.plan, WN_ERR_ARG, "second");
    assert_int_equal(wn_plan_temp(s.plan, "late", 1), WN_NONE);
    mix(&s, s.in, s.in, s.temp);
    int n;
    wn_plan_calls(s.plan, &n);
    assert_int_equal(n, 0);
    ends_with(&s, WN_ERR_MODEL, "first 1");
}

/* Many steps over few buffers that live at different times, and an input that is given out. */
static void cpu_runs(void **state)
{
    for (int path = WN_CPU_AUTO; path <= WN_CPU_REF; path++) {
        struct wn_backend *cpu = NULL;
        struct wn_log log;
        struct small s;
        int32_t y = 0, x = 0;

        wn_log_init(&log);
        assert_int_equal(wn_backend_cpu(&cpu, NULL, (enum wn_cpu_path)path, &log), WN_OK);
        begin(&s);
        wn_buf last = s.in;
        for (int i = 0; i < 50; i++) {
            const struct wn_mix_params add = {.n = 1, .n_frames = 1, .a = 1, .b = 1, .c = 1};
            const wn_buf next = wn_plan_temp(s.plan, "next", 1 + i % 3 * 100);
            wn_plan_call(s.plan, &wn_kernel_mix, &add,
                         (const wn_buf[]){last, s.in, s.in_ptr, next});
            last = next;
        }
        int32_t out[201] = {0};
        wn_plan_output(s.plan, last, out);
        wn_plan_output(s.plan, s.in, &x);
        for (int run = 0; run < 3; run++) {
            assert_int_equal(cpu->run(cpu, s.plan), WN_OK);
            y = out[0];
            assert_int_equal(y, 7 + 50 * 8);
            assert_int_equal(x, 7);
        }
        char *text = wn_plan_dump(s.plan);
        assert_non_null(strstr(text, "digraph"));
        assert_non_null(strstr(text, "49 mix"));
        free(text);
        wn_plan_destroy(&s.plan);
        wn_backend_destroy(&cpu);
        wn_log_finish(&log);
    }
}

static void failed_plan_does_not_run(void **state)
{
    struct wn_backend *cpu = NULL;
    struct wn_log log;
    struct small s;

    wn_log_init(&log);
    assert_int_equal(wn_backend_cpu(&cpu, NULL, WN_CPU_AUTO, &log), WN_OK);
    begin(&s);
    wn_plan_fail(s.plan, WN_ERR_UNSUPPORTED, "no such thing");
    assert_int_equal(cpu->run(cpu, s.plan), WN_ERR_UNSUPPORTED);
    assert_string_equal(log.last_error, "no such thing");
    wn_plan_destroy(&s.plan);
    wn_backend_destroy(&cpu);
    wn_log_finish(&log);
}

static void layer_slices(void **state)
{
    static const struct {
        int32_t n, first, end, from, to;
    } t[] = {
        {24, 16, -1, 16, 23}, {24, 0, -1, 0, 23}, {24, -3, -1, 21, 23}, {24, -2, -1, 22, 23},
        {12, 16, -1, 10, 11}, /* a shallower tower: the last layer that counts */
        {1, 16, -1, 0, 1}, {1, -2, -1, 0, 1}, {2, 0, -1, 0, 1}, {24, -40, -1, 0, 23},
        {6, 2, 99, 2, 6},
    };

    for (int i = 0; i < WN_LEN(t); i++) {
        int32_t from, to;
        wn_layer_slice(t[i].n, t[i].first, t[i].end, &from, &to);
        assert_int_equal(from, t[i].from);
        assert_int_equal(to, t[i].to);
    }
}

static void cls_needs(void **state)
{
    struct wn_encoder_info info = {.n_layers = 24, .has_cls = true};
    struct wn_needs needs = {0};
    int n = 0;

    wn_need_cls(&needs, &info, 16, -1);
    for (int l = 0; l < WN_MAX_LAYERS; l++)
        n += needs.cls[l];
    assert_int_equal(n, 7);
    assert_true(needs.cls[16] && needs.cls[22] && !needs.cls[23]);

    needs = (struct wn_needs){0};
    info.has_cls = false; /* attention received in the last layer */
    wn_need_cls(&needs, &info, 16, -1);
    assert_true(needs.cls[23] && !needs.cls[22]);

    needs = (struct wn_needs){0};
    info.n_layers = 0;
    wn_need_cls(&needs, &info, 16, -1);
    assert_false(needs.cls[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_mistakes),
        cmocka_unit_test(first_error_stays),
        cmocka_unit_test(cpu_runs),
        cmocka_unit_test(failed_plan_does_not_run),
        cmocka_unit_test(layer_slices),
        cmocka_unit_test(cls_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
