/* SPDX-License-Identifier: MIT */
/* Calls of a plan that the host runs: between those of a device, one after the other, first, last
 * and at once. On a software device, by shared memory and by copies; exit 77 where there is none.
 * With --validate under Vulkan's validation layers, which must stay silent. */
#include "compress/kernels.h"
#include "compress/vulkan.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 200 };

static struct wn_log log_;
static bool validate;
static int n_complaints; /* of the validation layers */
static int n_made;       /* calls of the host */

static void on_message(void *opaque, enum wn_log_level level, const char *msg)
{
    if (strncmp(msg, "validation:", 11))
        return;
    fprintf(stderr, "%s\n", msg);
    n_complaints++;
}

/* y = x backwards, z = x + add. */
static void turn(const void *params, void *const *buf)
{
    const int32_t add = *(const int32_t *)params, *x = buf[0];

    for (int i = 0; i < ROWS; i++) {
        ((int32_t *)buf[1])[i] = x[ROWS - 1 - i];
        ((int32_t *)buf[2])[i] = x[i] + add;
    }
    n_made++;
}

static const struct wn_kernel turned = {
    .name = "turn",
    .n_bufs = 3,
    .access = {WN_READ, WN_WRITE, WN_WRITE},
    .params_size = 4,
    .ref = turn,
    .host = true,
};

struct hosted {
    struct wn_plan *plan;
    int32_t x[ROWS], ptr[2], y[ROWS], z[ROWS];
};

static wn_buf twice(struct hosted *h, wn_buf x, wn_buf ptr)
{
    const struct wn_mix_params mix = {ROWS, 1, 2, 0, 0, 0};
    const wn_buf y = wn_plan_temp(h->plan, "twice", ROWS);

    wn_plan_call(h->plan, &wn_kernel_mix, &mix, (const wn_buf[]){x, x, ptr, y});
    return y;
}

static wn_buf host(struct hosted *h, wn_buf x, int32_t add, wn_buf *z)
{
    const wn_buf y = wn_plan_temp(h->plan, "turned", ROWS);

    *z = wn_plan_temp(h->plan, "more", ROWS);
    wn_plan_call(h->plan, &turned, &add, (const wn_buf[]){x, y, *z});
    return y;
}

/* y = 4 x backwards, z = 8 x + 6 + 5. */
static void begin(struct hosted *h)
{
    wn_buf z, unused;

    *h = (struct hosted){.ptr = {0, ROWS}};
    for (int i = 0; i < ROWS; i++)
        h->x[i] = 3 * i;
    assert_int_equal(wn_plan_create(&h->plan), WN_OK);
    const wn_buf ptr = wn_plan_input(h->plan, "ptr", h->ptr, 2);
    const wn_buf x = twice(h, wn_plan_input(h->plan, "x", h->x, ROWS), ptr);
    const wn_buf y = host(h, twice(h, x, ptr), 3, &z);
    host(h, twice(h, z, ptr), 5, &unused); /* the last call */
    wn_plan_output(h->plan, y, h->y);
    wn_plan_output(h->plan, unused, h->z);
    assert_int_equal(wn_plan_error(h->plan, NULL), WN_OK);
}

static void check(struct hosted *h)
{
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(h->y[i], 4 * 3 * (ROWS - 1 - i));
        assert_int_equal(h->z[i], 2 * (4 * 3 * i + 3) + 5);
    }
}

static void the_host_goes_on_with_a_plan(void **state)
{
    for (int staging = 0; staging < 2; staging++) {
        const struct wn_vk_options options = {
            .device = "software",
            .force_staging = staging,
            .debug = validate,
        };
        struct wn_vulkan *vk = NULL;
        struct hosted h;
        assert_int_equal(wn_vk_open(&vk, &options, &log_), WN_OK);
        begin(&h);
        for (int run = 0; run < 3; run++) {
            memset(h.y, 0, sizeof(h.y));
            memset(h.z, 0, sizeof(h.z));
            assert_int_equal(vk->backend.run(&vk->backend, h.plan), WN_OK);
            check(&h);
        }
        wn_plan_destroy(&h.plan);
        wn_vk_destroy(&vk);
    }
}

static void cpu_runs_it_in_turn(void **state)
{
    struct wn_backend *cpu = NULL;
    struct hosted h;

    assert_int_equal(wn_backend_cpu(&cpu, NULL, WN_CPU_REF, &log_), WN_OK);
    begin(&h);
    assert_int_equal(cpu->run(cpu, h.plan), WN_OK);
    check(&h);
    wn_plan_destroy(&h.plan);
    wn_backend_destroy(&cpu);
}

/* What reads inputs alone is made when the plan is; what it wrote is an input then. */
static void known_calls_are_made_at_once(void **state)
{
    struct wn_backend *cpu = NULL;
    struct hosted h;
    wn_buf z, last;
    int n;

    h = (struct hosted){.ptr = {0, ROWS}, .x = {7}};
    assert_int_equal(wn_plan_create(&h.plan), WN_OK);
    n_made = 0;
    const wn_buf y = host(&h, wn_plan_input(h.plan, "x", h.x, ROWS), 1, &z);
    assert_int_equal(n_made, 1);
    host(&h, z, 1, &last);
    assert_int_equal(n_made, 2);
    wn_plan_calls(h.plan, &n);
    assert_int_equal(n, 0);
    assert_int_equal(wn_backend_cpu(&cpu, NULL, WN_CPU_AUTO, &log_), WN_OK);
    wn_plan_output(h.plan, y, h.y);
    wn_plan_output(h.plan, last, h.z);
    assert_int_equal(cpu->run(cpu, h.plan), WN_OK);
    assert_int_equal(h.y[ROWS - 1], 7);
    assert_int_equal(h.z[0], 9);
    wn_plan_destroy(&h.plan);
    wn_backend_destroy(&cpu);
}

static void layers_have_nothing_to_say(void **state)
{
    assert_int_equal(n_complaints, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_goes_on_with_a_plan),
        cmocka_unit_test(cpu_runs_it_in_turn),
        cmocka_unit_test(known_calls_are_made_at_once),
        cmocka_unit_test(layers_have_nothing_to_say),
    };
    struct wn_backend *probe = NULL;

    validate = argc > 1 && !strcmp(argv[1], "--validate");
    wn_log_init(&log_);
    log_.fn = on_message;
    if (wn_backend_vulkan(&probe, "software", NULL, &log_) < 0) {
        printf("skipped: %s\n", log_.last_error);
        return 77;
    }
    wn_backend_destroy(&probe);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
