/* SPDX-License-Identifier: MIT */
#include "tests/golden/golden.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compress/plan.h"
#include "vision/vit.h"

struct run {
    const char *device;
    struct wn_backend *backend;
    struct wn_pool *pool;
    struct wn_log log;
    int weights; /* of towers; see struct golden_case */
    bool tells;
    int passed, failed, skipped;
};

static void print_log(void *opaque, enum wn_log_level level, const char *msg)
{
    fprintf(stderr, "%s\n", msg);
}

static bool begins_with_one_of(const char *name, const char *const *prefix)
{
    for (; prefix && *prefix; prefix++) {
        if (!strncmp(name, *prefix, strlen(*prefix)))
            return true;
    }
    return false;
}

static void check_complete(struct golden_case *c, const struct golden_set *set)
{
    for (int i = 0; !c->failed && i < c->file->n; i++) {
        const char *name = c->file->tensor[i].name;
        if (!strncmp(name, "out.", 4) && !c->checked[i] && !begins_with_one_of(name, set->beyond))
            golden_fail(c, "%s was not compared", name);
    }
}

static void run_case(struct run *run, const struct golden_set *set, const char *path)
{
    struct safetensors file = {0};
    struct golden_case c = {
        .file = &file,
        .path = path,
        .backend = run->backend,
        .pool = run->pool,
        .log = &run->log,
        .tolerance = set->tolerance > 0 ? set->tolerance : 1e-5,
        .weights = run->weights,
        .tells = run->tells,
    };

    if (st_read(&file, path, c.why, sizeof(c.why)) < 0) {
        c.failed = 1;
    } else {
        c.checked = wn_calloc((size_t)file.n, sizeof(*c.checked));
        if (c.checked)
            set->run(&c);
        else
            golden_fail(&c, "out of memory");
        if (!c.skip)
            check_complete(&c, set);
    }
    if (run->tells && c.worst > 0)
        printf("%-22s %-32s %.2e%s%s\n", set->name, strrchr(path, '/') + 1, c.worst,
               c.failed ? "  other choices: " : "", c.why);
    else if (c.failed)
        printf("FAILED %s: %s\n", path, c.why);
    else if (c.skip)
        printf("skipped %s: %s\n", path, c.skip);
    run->failed += c.failed != 0;
    run->skipped += !c.failed && c.skip;
    run->passed += !c.failed && !c.skip;
    for (int i = 0; i < c.n_made; i++)
        free(c.made[i]);
    free(c.made);
    free(c.checked);
    st_free(&file);
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);

    return n > m && !strcmp(s + n - m, end);
}

static int is_case(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".safetensors");
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void free_list(struct dirent **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

static const struct golden_set *find_set(const char *name)
{
    for (int i = 0; golden_sets[i]; i++) {
        if (!strcmp(golden_sets[i]->name, name))
            return golden_sets[i];
    }
    return NULL;
}

static void run_set(struct run *run, const char *dir, const char *name)
{
    const struct golden_set *set = find_set(name);
    const bool no_kernel = set && !set->runs_kernels && strcmp(run->device, "cpu");
    char *folder = wn_sprintf("%s/%s", dir, name);
    struct dirent **list = NULL;
    const int n = folder ? scandir(folder, &list, is_case, alphasort) : -1;

    if (n > 0 && (!set || no_kernel)) {
        printf("skipped %s (%d cases): %s\n", name, n,
               set ? "it runs no kernel" : "not a set that this program knows");
        run->skipped += n;
    }
    for (int i = 0; i < n && set && !no_kernel; i++) {
        char *path = wn_sprintf("%s/%s", folder, list[i]->d_name);
        if (path)
            run_case(run, set, path);
        free(path);
    }
    free_list(list, n);
    free(folder);
}

static int run_folder(struct run *run, const char *dir)
{
    struct dirent **list = NULL;
    const int n = scandir(dir, &list, is_visible, alphasort);

    if (n < 0) {
        fprintf(stderr, "golden: cannot read %s: %s\n", dir, strerror(errno));
        return 2;
    }
    for (int i = 0; i < n; i++)
        run_set(run, dir, list[i]->d_name);
    free_list(list, n);
    return 0;
}

/* This program asks for right results, not for speed: where no real GPU is at hand, "vulkan" means
 * a software one. */
static int open_backend(struct run *run)
{
    int err;

    if (!strcmp(run->device, "cpu"))
        return wn_backend_cpu(&run->backend, run->pool, WN_CPU_AUTO, &run->log);
    run->log.fn = strcmp(run->device, "vulkan") ? print_log : NULL;
    err = wn_backend_vulkan(&run->backend, run->device, NULL, &run->log);
    run->log.fn = print_log;
    if (err == WN_ERR_UNSUPPORTED && !strcmp(run->device, "vulkan"))
        err = wn_backend_vulkan(&run->backend, "software", NULL, &run->log);
    return err;
}

int main(int argc, char **argv)
{
    struct run run = {.device = "cpu", .weights = WN_VIT_F32};
    int first = 1, ret = 0;

    if (argc > first + 1 && !strcmp(argv[first], "--device")) {
        run.device = argv[first + 1];
        first += 2;
    }
    if (argc > first + 1 && !strcmp(argv[first], "--weights")) {
        run.tells = true;
        run.weights = strcmp(argv[first + 1], "q8_0") ? WN_VIT_STORED : WN_VIT_Q8_0;
        first += 2;
    }
    if (first >= argc || argv[first][0] == '-') {
        fprintf(stderr,
                "usage: golden [--device cpu|vulkan|NAME] [--weights stored|q8_0] DIR...\n");
        return 2;
    }
    wn_log_init(&run.log);
    run.log.fn = print_log;
    if (wn_pool_create(&run.pool, (int)WN_MIN(sysconf(_SC_NPROCESSORS_ONLN), 8)) < 0)
        return 2;
    if (open_backend(&run) < 0) {
        wn_pool_destroy(&run.pool);
        return 77;
    }
    for (int i = first; i < argc && !ret; i++)
        ret = run_folder(&run, argv[i]);
    wn_backend_destroy(&run.backend);
    wn_pool_destroy(&run.pool);
    wn_log_finish(&run.log);
    printf("%d passed, %d failed, %d skipped\n", run.passed, run.failed, run.skipped);
    return ret ? ret : run.failed != 0;
}
