/* SPDX-License-Identifier: MIT */
/* The Vulkan backend around its kernels: memory, barriers, errors, the pipeline cache. On a
 * software device; exit 77 where there is none. With --validate under Vulkan's validation layers,
 * which must stay silent, also when a call fails. */
#include "compress/vulkan.h"
#include "compress/kernels.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAMES = 3, EACH = 40, ROWS = FRAMES * EACH, KEPT = 7 };

static struct wn_log log_;
static bool validate;
static int n_complaints; /* of the validation layers */

static void on_message(void *opaque, enum wn_log_level level, const char *msg)
{
    if (strncmp(msg, "validation:", 11))
        return;
    fprintf(stderr, "%s\n", msg);
    n_complaints++;
}

static struct wn_vulkan *open_with(struct wn_vk_options options)
{
    struct wn_vulkan *vk = NULL;

    options.debug = validate;
    assert_int_equal(wn_vk_open(&vk, &options, &log_), WN_OK);
    return vk;
}

/* ---- a plan of four kernels, each reading what the one before it wrote ---- */

struct data {
    float key[ROWS];
    int32_t ptr[FRAMES + 1], mode[FRAMES], table[ROWS + 1];
    int32_t idx[ROWS], out_ptr[FRAMES + 1], keep[ROWS];
};

static void make_data(struct data *d)
{
    memset(d, 0, sizeof(*d));
    for (int i = 0; i < ROWS; i++) {
        d->key[i] = (float)(i * 37 % 101);
        d->table[i + 1] = KEPT;
    }
    for (int f = 0; f <= FRAMES; f++)
        d->ptr[f] = f * EACH;
}

static struct wn_plan *make_plan(struct data *d)
{
    const struct wn_rank_params rank = {ROWS, FRAMES, 1};
    const struct wn_cut_params cut = {ROWS, FRAMES};
    const struct wn_compact_params compact = {ROWS, FRAMES, 1};
    struct wn_plan *p = NULL;

    assert_int_equal(wn_plan_create(&p), WN_OK);
    const wn_buf key = wn_plan_input(p, "key", d->key, ROWS);
    const wn_buf ptr = wn_plan_owned(p, "ptr", d->ptr, FRAMES + 1);
    const wn_buf mode = wn_plan_input(p, "mode", d->mode, FRAMES);
    const wn_buf table = wn_plan_input(p, "table", d->table, ROWS + 1);
    const wn_buf order = wn_plan_temp(p, "rank", ROWS), keep = wn_plan_temp(p, "keep", ROWS);
    const wn_buf idx = wn_plan_temp(p, "idx", ROWS), out = wn_plan_temp(p, "out", FRAMES + 1);
    wn_plan_call(p, &wn_kernel_rank, &rank, (const wn_buf[]){key, ptr, order});
    wn_plan_call(p, &wn_kernel_cut, &cut, (const wn_buf[]){order, ptr, table, mode, keep});
    wn_plan_call(p, &wn_kernel_compact, &compact,
                 (const wn_buf[]){keep, order, mode, ptr, idx, out});
    wn_plan_output(p, idx, d->idx);
    wn_plan_output(p, out, d->out_ptr);
    wn_plan_output(p, keep, d->keep);
    assert_int_equal(wn_plan_error(p, NULL), WN_OK);
    return p;
}

/* The best KEPT rows of each frame, best first. */
static void check_data(const struct data *d)
{
    for (int f = 0; f <= FRAMES; f++)
        assert_int_equal(d->out_ptr[f], f * KEPT);
    for (int i = 0; i < FRAMES * KEPT; i++) {
        const int32_t row = d->idx[i];
        assert_in_range(row, i / KEPT * EACH, i / KEPT * EACH + EACH - 1);
        assert_int_equal(d->keep[row], 1);
        if (i % KEPT)
            assert_true(wn_before(d->key[d->idx[i - 1]], d->idx[i - 1], d->key[row], row));
    }
}

static int run_once(struct wn_vulkan *vk)
{
    struct data d;
    struct wn_plan *plan;
    int err;

    make_data(&d);
    plan = make_plan(&d);
    err = vk->backend.run(&vk->backend, plan);
    wn_plan_destroy(&plan);
    if (err == WN_OK)
        check_data(&d);
    return err;
}

static void plan_gives_the_same_by_shared_memory_and_by_copies(void **state)
{
    for (int staging = 0; staging < 2; staging++) {
        struct wn_vulkan *vk = open_with((struct wn_vk_options){
            .device = "software",
            .force_staging = staging,
        });
        assert_int_equal(vk->unified, !staging);
        for (int i = 0; i < 3; i++)
            assert_int_equal(run_once(vk), WN_OK);
        wn_vk_destroy(&vk);
        assert_null(vk);
    }
}

static void barriers_stand_only_where_a_call_needs_another(void **state)
{
    static const int32_t ptr_data[] = {0, ROWS}, zero[ROWS];
    const struct wn_chunk_params chunk = {ROWS, 1, 4};
    const struct wn_mix_params mix = {ROWS, 1, 1, 1, 0, 0};
    struct wn_vulkan *vk = open_with((struct wn_vk_options){.device = "software"});
    struct wn_plan *p = NULL;
    int32_t kept[2][ROWS];
    int64_t ns[8];

    assert_int_equal(run_once(vk), WN_OK);
    assert_int_equal(vk->n_barriers, 2); /* rank | cut | compact */

    assert_int_equal(wn_plan_create(&p), WN_OK);
    const wn_buf ptr = wn_plan_input(p, "ptr", ptr_data, 2), z = wn_plan_input(p, "z", zero, ROWS);
    const wn_buf a = wn_plan_temp(p, "a", ROWS), b = wn_plan_temp(p, "b", ROWS);
    wn_plan_call(p, &wn_kernel_chunk, &chunk, (const wn_buf[]){ptr, a});
    wn_plan_call(p, &wn_kernel_chunk, &chunk, (const wn_buf[]){ptr, b});
    wn_plan_output(p, a, kept[0]); /* to the end, so they cannot share memory */
    wn_plan_output(p, b, kept[1]);
    assert_int_equal(vk->backend.run(&vk->backend, p), WN_OK);
    assert_int_equal(vk->n_barriers, 0); /* both only read what both read */

    wn_plan_call(p, &wn_kernel_mix, &mix, (const wn_buf[]){a, z, ptr, b}); /* after both */
    wn_plan_call(p, &wn_kernel_chunk, &chunk, (const wn_buf[]){ptr, a});   /* after it was read */
    wn_plan_call(p, &wn_kernel_chunk, &chunk, (const wn_buf[]){ptr, b});   /* same epoch */
    wn_plan_call(p, &wn_kernel_chunk, &chunk, (const wn_buf[]){ptr, b});   /* written twice */
    assert_int_equal(vk->backend.run(&vk->backend, p), WN_OK);
    assert_int_equal(vk->n_barriers, 3);
    assert_int_equal(wn_vulkan_times(&vk->backend, ns, WN_LEN(ns)), 6);
    for (int i = 0; i < 6; i++)
        assert_true(ns[i] >= 0);
    wn_plan_destroy(&p);
    wn_vk_destroy(&vk);
}

/* n elements, in and out. */
static int pass_through(struct wn_vulkan *vk, int64_t n)
{
    int32_t *in = wn_calloc((size_t)n, 4), *out = wn_calloc((size_t)n, 4);
    struct wn_plan *p = NULL;
    int err;

    assert_int_equal(wn_plan_create(&p), WN_OK);
    for (int64_t i = 0; i < n; i++)
        in[i] = (int32_t)(i * 7);
    wn_plan_output(p, wn_plan_input(p, "in", in, n), out);
    err = vk->backend.run(&vk->backend, p);
    if (err == WN_OK)
        assert_memory_equal(in, out, (size_t)n * 4);
    wn_plan_destroy(&p);
    free(in);
    free(out);
    return err;
}

static void memory_holds_the_largest_plan_and_no_more(void **state)
{
    static const int64_t sizes[] = {0, 1, 1000, 4000000, 0, 3000, 4100000, 7};
    struct wn_vulkan *vk = open_with((struct wn_vk_options){
        .device = "software",
        .force_staging = true,
    });

    for (int i = 0; i < WN_LEN(sizes); i++) {
        VkDeviceSize total = 0;
        assert_int_equal(pass_through(vk, sizes[i]), WN_OK);
        for (int b = 0; b < vk->arena.n_blocks; b++)
            total += vk->arena.block[b].size;
        assert_true(total <= 4100000 * 5 + 4096); /* a quarter of air */
    }
    wn_vk_destroy(&vk);
}

static void buffers_share_memory_when_their_lives_do_not_meet(void **state)
{
    enum { N = 50000, STEPS = 10 };
    static const int32_t ptr_data[] = {0, N};
    const struct wn_mix_params mix = {N, 1, 1, 1, 1, 0};
    int32_t *in = wn_calloc(N, 4), *out = wn_calloc(N, 4);

    for (int staging = 0; staging < 2; staging++) {
        struct wn_vulkan *vk = open_with((struct wn_vk_options){
            .device = "software",
            .force_staging = staging,
        });
        struct wn_plan *p = NULL;
        assert_int_equal(wn_plan_create(&p), WN_OK);
        const wn_buf ptr = wn_plan_input(p, "ptr", ptr_data, 2);
        wn_buf b = wn_plan_input(p, "in", in, N);
        for (int i = 0; i < STEPS; i++) {
            const wn_buf next = wn_plan_temp(p, "next", N);
            wn_plan_call(p, &wn_kernel_mix, &mix, (const wn_buf[]){b, b, ptr, next});
            b = next;
        }
        wn_plan_output(p, b, out);
        memset(out, 0, N * 4);
        assert_int_equal(vk->backend.run(&vk->backend, p), WN_OK);
        for (int i = 0; i < N; i++)
            assert_int_equal(out[i], (1 << STEPS) - 1); /* x -> 2 x + 1 from 0 */
        assert_int_equal(vk->n_barriers, STEPS - 1);
        assert_int_equal(vk->arena.n_blocks, 1);
        assert_true(vk->arena.block[0].size < 4 * N * 4);
        wn_plan_destroy(&p);
        wn_vk_destroy(&vk);
    }
    free(in);
    free(out);
}

/* ---- errors ---- */

/* Opens and runs with one call failing; WN_OK when there is no such call. */
static int run_failing(int call, VkResult with, bool staging)
{
    const struct wn_vk_options options = {
        .device = "software",
        .force_staging = staging,
        .no_self_test = true,
        .debug = validate,
        .fail_at = call,
        .fail_with = with,
    };
    struct wn_vulkan *vk = NULL;
    int err = wn_vk_open(&vk, &options, &log_), again;

    if (err < 0)
        return err;
    err = run_once(vk);
    vk->options.fail_at = 0;
    again = run_once(vk);
    /* A lost device stays lost, and so does one that could not be waited for; out of memory may be
     * better another time. */
    assert_true(vk->lost || err != WN_ERR_DEVICE);
    assert_int_equal(again, vk->lost ? WN_ERR_DEVICE : WN_OK);
    wn_vk_destroy(&vk);
    return err;
}

static void every_call_may_fail(void **state)
{
    static const struct {
        VkResult with;
        int err;
        bool staging;
    } kind[] = {
        {VK_ERROR_OUT_OF_DEVICE_MEMORY, WN_ERR_NOMEM, true},
        {VK_ERROR_DEVICE_LOST, WN_ERR_DEVICE, false},
    };

    for (int k = 0; k < WN_LEN(kind); k++) {
        int call = 1, err;
        for (; (err = run_failing(call, kind[k].with, kind[k].staging)) != WN_OK; call++) {
            assert_int_equal(err, kind[k].err);
            assert_true(strlen(log_.last_error) > 0);
            assert_in_range(call, 1, 200);
        }
        assert_in_range(call, 25, 200); /* it did reach the run */
    }
}

static void layers_have_nothing_to_say(void **state)
{
    assert_int_equal(n_complaints, 0);
}

static void unflushed_denormals_fail_the_self_test(void **state)
{
    const struct wn_vk_options options = {.device = "software", .keep_denormals = true};
    struct wn_vulkan *vk = NULL;

    assert_int_equal(wn_vk_open(&vk, &options, &log_), WN_ERR_UNSUPPORTED);
    assert_non_null(strstr(log_.last_error, "tiny values"));
    assert_null(vk);
}

static void broken_plan_is_refused(void **state)
{
    struct wn_vulkan *vk = open_with((struct wn_vk_options){.device = "software"});
    struct wn_plan *p = NULL;

    assert_int_equal(wn_plan_create(&p), WN_OK);
    wn_plan_fail(p, WN_ERR_DATA, "no good");
    assert_int_equal(vk->backend.run(&vk->backend, p), WN_ERR_DATA);
    assert_string_equal(log_.last_error, "no good");
    wn_plan_destroy(&p);
    wn_vk_destroy(&vk);
}

/* ---- devices ---- */

static int open_named(const char *name)
{
    struct wn_backend *backend = NULL;
    const int err = wn_backend_vulkan(&backend, name, NULL, &log_);

    wn_backend_destroy(&backend);
    return err;
}

static void devices_are_found_by_name(void **state)
{
    struct wn_device_info info[8];
    const int n = wn_vulkan_devices(info, WN_LEN(info));
    bool gpu = false, software = false;

    assert_in_range(n, 1, 8);
    for (int i = 0; i < n; i++) {
        assert_true(strlen(info[i].name) > 0);
        gpu |= !info[i].software;
        if (!info[i].software)
            continue;
        software = true;
        assert_int_equal(info[i].exact, 1);
        assert_in_range(info[i].subgroup, 1, 64);
        assert_int_equal(open_named(info[i].name), WN_OK);
    }
    assert_true(software);
    assert_int_equal(open_named("SoFtWaRe thing"), WN_ERR_UNSUPPORTED);
    assert_non_null(strstr(log_.last_error, info[0].name));
    if (!gpu) {
        assert_int_equal(open_named("vulkan"), WN_ERR_UNSUPPORTED);
        assert_non_null(strstr(log_.last_error, "only when named"));
    }
}

/* ---- the pipeline cache ---- */

struct folder {
    char path[64], file[320];
};

static void find_file(struct folder *f)
{
    DIR *dir = opendir(f->path);
    int n = 0;

    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        snprintf(f->file, sizeof(f->file), "%s/%s", f->path, e->d_name);
    }
    closedir(dir);
    assert_int_equal(n, 1); /* nothing half-written beside it */
}

static size_t read_file(const char *path, char *data, size_t max)
{
    FILE *file = fopen(path, "rb");
    size_t n;

    assert_non_null(file);
    n = fread(data, 1, max, file);
    fclose(file);
    return n;
}

static void write_file(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void run_with_cache(const char *dir)
{
    struct wn_vulkan *vk = open_with((struct wn_vk_options){
        .device = "software",
        .cache_dir = dir,
        .no_self_test = true,
    });

    assert_int_equal(run_once(vk), WN_OK);
    wn_vk_destroy(&vk);
}

static void damaged_caches_are_made_anew(void **state)
{
    static char good[1 << 20], bad[1 << 20];
    struct folder f = {.path = "/tmp/wn-vulkan-XXXXXX"};
    size_t size;

    assert_non_null(mkdtemp(f.path));
    run_with_cache(f.path);
    find_file(&f);
    size = read_file(f.file, good, sizeof(good));
    assert_in_range(size, 24 + 32, sizeof(good) - 1); /* our header and the driver's */
    for (int i = 0; i < 6; i++) {
        size_t length = size;
        memcpy(bad, good, size);
        switch (i) {
        case 0: break;                           /* as it was */
        case 1: length = 0; break;               /* empty */
        case 2: length = size - 1; break;        /* cut */
        case 3: bad[0] ^= 1; break;              /* another kind of file */
        case 4: bad[size - 1] ^= 1; break;       /* a bit of the data */
        case 5: memset(bad + 8, 0xff, 8); break; /* a size beyond all memory */
        }
        write_file(f.file, bad, length);
        run_with_cache(f.path);
        find_file(&f);
        assert_int_equal(read_file(f.file, bad, sizeof(bad)), size);
        assert_memory_equal(bad, good, 16); /* whole again */
    }
    remove(f.file);
    assert_int_equal(rmdir(f.path), 0);
    run_with_cache(f.path); /* a folder that is not there */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_gives_the_same_by_shared_memory_and_by_copies),
        cmocka_unit_test(barriers_stand_only_where_a_call_needs_another),
        cmocka_unit_test(memory_holds_the_largest_plan_and_no_more),
        cmocka_unit_test(buffers_share_memory_when_their_lives_do_not_meet),
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(unflushed_denormals_fail_the_self_test),
        cmocka_unit_test(broken_plan_is_refused),
        cmocka_unit_test(devices_are_found_by_name),
        cmocka_unit_test(damaged_caches_are_made_anew),
        cmocka_unit_test(layers_have_nothing_to_say),
    };
    const struct wn_vk_options options = {
        .device = "software",
        .debug = argc > 1 && !strcmp(argv[1], "--validate"),
    };
    struct wn_vulkan *vk = NULL;
    int failed;

    wn_log_init(&log_);
    log_.fn = on_message;
    validate = options.debug;
    if (wn_vk_open(&vk, &options, &log_) < 0) {
        fprintf(stderr, "%s\n", log_.last_error);
        return 77;
    }
    wn_vk_destroy(&vk);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    wn_log_finish(&log_);
    return failed != 0;
}
