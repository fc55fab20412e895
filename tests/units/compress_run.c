/* SPDX-License-Identifier: MIT */
/* The compressor: what it refuses, and where it runs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "compress/device.h"
#include "tests/units/compress_make.h"

static struct wn_log log_;
static int warnings;

static void count_warnings(void *opaque, enum wn_log_level level, const char *msg)
{
    warnings += level == WN_LOG_WARN;
}

static struct wn_chain *parse(const char *text)
{
    const struct wn_clip clip = {0};
    struct wn_chain *chain = NULL;

    assert_int_equal(wn_chain_parse(&chain, text, &clip, &log_), WN_OK);
    return chain;
}

static struct wn_compressor *create(const struct wn_chain *chain, const char *device,
                                    const char *cache_dir)
{
    struct wn_compressor *c = NULL;

    assert_int_equal(wn_compressor_create(&c, &(struct wn_compressor_params){
        .filters = chain->item,
        .n_filters = chain->n,
        .device = device,
        .cache_dir = cache_dir,
        .log = &log_,
    }), WN_OK);
    return c;
}

static const struct make clip = {
    .seed = 1, .n_frames = 6, .grid_h = 4, .grid_w = 5, .dim = 24, .attn = true, .keys = true,
};

/* ---- refusals ---- */

static void refuses(const char *chain_text, struct wn_rows *rows, const char *words)
{
    struct wn_chain *chain = parse(chain_text);
    struct wn_compressor *c = create(chain, "cpu", NULL);
    struct wn_rows *out = NULL;

    assert_int_equal(wn_compressor_run(c, &rows, &out), WN_ERR_DATA);
    assert_null(rows);
    assert_null(out);
    if (!strstr(log_.last_error, words))
        fail_msg("\"%s\" does not say \"%s\"", log_.last_error, words);
    wn_compressor_destroy(&c);
    wn_chain_destroy(&chain);
}

static void bad_numbers(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e17f, -3e38f};
    struct wn_rows *rows;

    for (int i = 0; i < WN_LEN(bad); i++) {
        rows = make_rows(&clip);
        rows->data[(3 * 20 + 7) * 24 + 23] = bad[i];
        rows->data[(5 * 20 + 7) * 24] = bad[i];
        refuses("stride", rows, "token 7 of frame 3");
        rows = make_rows(&clip);
        rows->attn[(2 * 20 + 19) * 8] = bad[i];
        refuses("vtc_cls", rows, "nonfinite: token 19 of frame 2 has attention values");
        rows = make_rows(&clip);
        rows->keys[0] = bad[i];
        refuses("visionzip", rows, "token 0 of frame 0 has keys");
    }
    rows = make_rows(&clip);
    rows->cell[119] = 20;
    refuses("pool=size=2", rows, "token 19 of frame 5 has no place");
    rows = make_rows(&clip);
    rows->cell[0] = -1;
    refuses("stride", rows, "token 0 of frame 0 has no place");
}

static void devices(void **state)
{
    struct wn_chain *chain = parse("stride");
    struct wn_compressor *c = NULL;
    struct wn_device_info info[16];

    assert_true(wn_compressor_create(&c, &(struct wn_compressor_params){
        .filters = chain->item,
        .n_filters = 1,
        .device = "no such device",
        .log = &log_,
    }) < 0);
    assert_null(c);
    assert_true(strlen(log_.last_error) > 10);
    assert_true(wn_compress_devices(NULL, 0) >= 1);
    assert_true(wn_compress_devices(info, WN_LEN(info)) >= 1);
    assert_string_equal(info[0].name, "cpu");
    wn_chain_destroy(&chain);
}

/* One that compressors share is opened when the first of them runs, and once. */
static void shared_device(void **state)
{
    struct wn_chain *chain = parse("stride");
    struct wn_device *device = NULL, *automatic = NULL;
    struct wn_compressor *c = NULL;
    struct wn_rows *rows, *out = NULL;

    assert_int_equal(wn_device_create(&device, "llvmpipe", NULL, &log_), WN_OK);
    assert_int_equal(wn_device_create(&automatic, NULL, NULL, &log_), WN_OK);
    assert_int_equal(wn_device_opens(device), 0);
    for (int i = 0; i < 6; i++) {
        const struct wn_compressor_params params = {
            .filters = chain->item,
            .n_filters = 1,
            .shared = i % 2 ? automatic : device,
            .log = &log_,
        };
        if (wn_compressor_create(&c, &params) < 0)
            break; /* a machine without it */
        rows = make_rows(&clip);
        assert_int_equal(wn_compressor_run(c, &rows, &out), WN_OK);
        assert_int_equal(!strcmp(wn_compressor_device(c), "cpu"), i % 2);
        assert_int_equal(wn_device_opens(device), 1);
        wn_rows_destroy(&out);
        wn_compressor_destroy(&c);
    }
    assert_int_equal(wn_device_opens(automatic), 0); /* so few rows are not worth one */
    wn_device_unref(&automatic);
    wn_device_unref(&device);
    wn_chain_destroy(&chain);
}

/* ---- passing through ---- */

static void no_filters(void **state)
{
    struct wn_chain *chain = parse("");
    struct wn_compressor *c = create(chain, NULL, NULL);
    struct wn_rows *rows = make_rows(&clip), *same = rows, *out = NULL;

    assert_int_equal(wn_compressor_run(c, &rows, &out), WN_OK);
    assert_ptr_equal(out, same);
    assert_null(rows);
    assert_string_equal(wn_compressor_device(c), "cpu");
    wn_rows_destroy(&out);
    wn_compressor_destroy(&c);
    wn_chain_destroy(&chain);
}

static void no_rows(void **state)
{
    struct wn_chain *chain = parse("vtc_cls,dycoke,evs,pool,visionzip");
    struct wn_compressor *c = create(chain, "cpu", NULL);
    struct wn_rows *rows = wn_rows_create(0, 8, 0), *out = NULL;

    assert_int_equal(wn_compressor_run(c, &rows, &out), WN_OK);
    assert_int_equal(out->n, 0);
    wn_rows_destroy(&out);
    wn_compressor_destroy(&c);
    wn_chain_destroy(&chain);
}

static void needs_of_all_filters(void **state)
{
    struct wn_chain *chain = parse("vtc_cls=layer=20,visionzip");
    struct wn_compressor *c = create(chain, "cpu", NULL);
    const struct wn_encoder_info info = {.n_layers = 24, .n_heads = 16, .has_cls = true};
    struct wn_needs needs = {0};
    int cls = 0, keys = 0;

    assert_int_equal(wn_compressor_needs(c, &info, &needs), WN_OK);
    for (int l = 0; l < WN_MAX_LAYERS; l++) {
        cls += needs.cls[l];
        keys += needs.keys[l];
    }
    assert_int_equal(cls, 3);
    assert_int_equal(keys, 1);
    assert_true(needs.cls[20] && needs.keys[22]);
    wn_compressor_destroy(&c);
    wn_chain_destroy(&chain);
}

/* ---- a GPU that fails, or is faster, or slower ---- */

struct fake {
    struct wn_backend base;
    struct wn_backend *cpu;
    int err, runs;
    int64_t slow_us;
};

static int fake_run(struct wn_backend *backend, const struct wn_plan *plan)
{
    struct fake *f = (struct fake *)backend;

    f->runs++;
    usleep((useconds_t)f->slow_us);
    return f->err ? f->err : f->cpu->run(f->cpu, plan);
}

static void fake_destroy(struct wn_backend *backend)
{
    wn_backend_destroy(&((struct fake *)backend)->cpu);
}

static struct fake make_fake(int err, int64_t slow_us)
{
    struct fake f = {
        .base = {.name = "a fake device", .run = fake_run, .destroy = fake_destroy},
        .err = err,
        .slow_us = slow_us,
    };

    assert_int_equal(wn_backend_cpu(&f.cpu, NULL, WN_CPU_AUTO, &log_), WN_OK);
    return f;
}

static struct wn_rows *run_one(struct wn_compressor *c, const struct make *m)
{
    struct wn_rows *rows = make_rows(m), *out = NULL;

    assert_int_equal(wn_compressor_run(c, &rows, &out), WN_OK);
    return out;
}

static void falls_back(void **state)
{
    static const int errs[] = {WN_ERR_DEVICE, WN_ERR_NOMEM};
    struct wn_chain *chain = parse("visionzip=keep=3:merge=2");

    for (int i = 0; i < WN_LEN(errs); i++) {
        struct fake f = make_fake(errs[i], 0);
        struct wn_compressor *plain = create(chain, "cpu", NULL), *c = create(chain, "cpu", NULL);
        const char *what;

        wn_compressor_use(c, &f.base);
        warnings = 0;
        for (int segment = 0; segment < 3; segment++) {
            struct wn_rows *a = run_one(plain, &clip), *b = run_one(c, &clip);
            assert_true(same_rows(a, b, &what));
            assert_string_equal(wn_compressor_device(c), "cpu");
            wn_rows_destroy(&a);
            wn_rows_destroy(&b);
        }
        assert_int_equal(f.runs, 1);
        assert_int_equal(warnings, 1);
        wn_compressor_destroy(&plain);
        wn_compressor_destroy(&c);
    }
    wn_chain_destroy(&chain);
}

/* Enough rows that a GPU could pay. */
static const struct make large = {
    .seed = 1, .n_frames = 4, .grid_h = 16, .grid_w = 16, .dim = 4096,
};

static void takes_what_is_faster_and_remembers(void **state)
{
    char dir[] = "/tmp/winnow-test-XXXXXX", file[64];
    struct wn_chain *chain = parse("stride=keep=4");
    int runs[4];

    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/faster-device.v1", dir);
    for (int i = 0; i < 4; i++) { /* a slow one twice; again after the memory was damaged; none */
        struct fake f = make_fake(0, 50000);
        struct wn_compressor *c = create(chain, "auto", i < 3 ? dir : NULL);
        wn_compressor_use(c, &f.base);
        if (i == 2) {
            FILE *damaged = fopen(file, "w");
            fputs("\x01nonsense\n", damaged);
            fclose(damaged);
        }
        for (int segment = 0; segment < 2; segment++) {
            struct wn_rows *out = run_one(c, &large);
            assert_int_equal(out->n, 16);
            wn_rows_destroy(&out);
        }
        assert_string_equal(wn_compressor_device(c), "cpu");
        runs[i] = f.runs;
        wn_compressor_destroy(&c);
    }
    assert_int_equal(runs[0], 2); /* measured once, and once to warm it up */
    assert_int_equal(runs[1], 0);
    assert_int_equal(runs[2], 2);
    assert_int_equal(runs[3], 2);
    remove(file);
    rmdir(dir);
    wn_chain_destroy(&chain);
}

static void small_plans_stay_on_the_cpu(void **state)
{
    struct wn_chain *chain = parse("stride=keep=4");
    struct wn_compressor *c = create(chain, "auto", NULL);
    struct fake f = make_fake(0, 0);
    struct wn_rows *out;

    wn_compressor_use(c, &f.base);
    out = run_one(c, &clip);
    assert_int_equal(f.runs, 0);
    wn_rows_destroy(&out);
    wn_compressor_destroy(&c);
    wn_chain_destroy(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_numbers),
        cmocka_unit_test(devices),
        cmocka_unit_test(shared_device),
        cmocka_unit_test(no_filters),
        cmocka_unit_test(no_rows),
        cmocka_unit_test(needs_of_all_filters),
        cmocka_unit_test(falls_back),
        cmocka_unit_test(takes_what_is_faster_and_remembers),
        cmocka_unit_test(small_plans_stay_on_the_cpu),
    };

    wn_log_init(&log_);
    log_.fn = count_warnings;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
