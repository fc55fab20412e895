/* SPDX-License-Identifier: MIT */
#include "run.h"
#include "spirv.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WN_HAVE_VULKAN
# include "compress/vulkan.h"
#endif

enum { SKIP = 77 };

struct options {
    const char *glob, *device;
    bool list, bench, json, validate, staging;
    uint64_t seed;
    int threads;
};

static const char usage[] =
    "usage: kernels [OPTION...]\n"
    "  --list          names the kernels\n"
    "  --kernel GLOB   only these\n"
    "  --seed N        of the random inputs\n"
    "  --device NAME   the Vulkan device, \"software\", or \"none\" (the default)\n"
    "  --threads N     of the fast functions\n"
    "  --validate      with Vulkan's validation layers; any message is a failure\n"
    "  --staging       copies to the device also where memory is shared\n"
    "  --bench         measures instead of checking\n"
    "  --json          ... for machines\n";

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"list", no_argument, NULL, 'l'},      {"kernel", required_argument, NULL, 'k'},
        {"seed", required_argument, NULL, 's'}, {"device", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 't'}, {"validate", no_argument, NULL, 'v'},
        {"staging", no_argument, NULL, 'c'},   {"bench", no_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},      {NULL, 0, NULL, 0},
    };

    for (int c; c = getopt_long(argc, argv, "", known, NULL), c != -1;) {
        switch (c) {
        case 'l': o->list = true; break;
        case 'k': o->glob = optarg; break;
        case 's': o->seed = strtoull(optarg, NULL, 0); break;
        case 'd': o->device = strcmp(optarg, "none") ? optarg : NULL; break;
        case 't': o->threads = (int)strtol(optarg, NULL, 10); break;
        case 'v': o->validate = true; break;
        case 'c': o->staging = true; break;
        case 'b': o->bench = true; break;
        case 'j': o->json = true; break;
        default: return -1;
        }
    }
    return optind == argc ? 0 : -1;
}

static void print_message(void *opaque, enum wn_log_level level, const char *msg)
{
    fprintf(stderr, "%s\n", msg);
}

static int open_device(struct kt *kt, const struct options *o)
{
#ifdef WN_HAVE_VULKAN
    const struct wn_vk_options options = {
        .device = o->device,
        .debug = o->validate,
        .force_staging = o->staging,
    };
    struct wn_vulkan *vk = NULL;

    if (wn_vk_open(&vk, &options, &kt->log) < 0)
        return SKIP;
    kt->vulkan = &vk->backend;
    fprintf(stderr, "%s, subgroups of %u, seed %llu\n", vk->name, vk->props11.subgroupSize,
            (unsigned long long)o->seed);
    return 0;
#else
    return SKIP;
#endif
}

static void count_messages(struct kt *kt)
{
#ifdef WN_HAVE_VULKAN
    struct wn_vulkan *vk = (struct wn_vulkan *)kt->vulkan;

    if (!vk || !vk->options.debug)
        return;
    const int n = atomic_load(&vk->messages);
    if (n)
        printf("FAIL validation: %d messages\n", n);
    kt->failed += n != 0;
    kt->passed += n == 0;
#endif
}

static const struct kt_kernel *cases_of(const char *name)
{
    for (int i = 0; kt_kernels[i]; i++) {
        if (!strcmp(kt_kernels[i]->name, name))
            return kt_kernels[i];
    }
    return NULL;
}

static void run_kernel(struct kt *kt, const struct options *o)
{
    const struct kt_kernel *cases = cases_of(kt->kernel->name);

    kt->state = wn_hash64(kt->kernel->name, strlen(kt->kernel->name), o->seed);
    kt->checked = 0;
    if (cases && o->bench)
        cases->bench(kt);
    else if (cases)
        cases->cases(kt);
    if (!kt->checked) {
        printf("FAIL %s has no cases\n", kt->kernel->name);
        kt->failed++;
    }
    if (!o->bench)
        kt_check_spirv(kt);
}

static int run(struct kt *kt, const struct options *o)
{
    int chosen = 0;

    if (o->bench)
        kt_bench_start(kt);
    for (int i = 0; wn_kernels[i]; i++) {
        kt->kernel = wn_kernels[i];
        if (o->glob && fnmatch(o->glob, kt->kernel->name, 0))
            continue;
        chosen++;
        if (o->list)
            printf("%s\n", kt->kernel->name);
        else
            run_kernel(kt, o);
    }
    if (o->bench)
        kt_bench_end(kt);
    count_messages(kt);
    if (!chosen) {
        printf("FAIL there is no such kernel\n");
        kt->failed++;
    }
    if (!o->list && !o->bench)
        printf("%d passed, %d failed\n", kt->passed, kt->failed);
    return kt->failed != 0;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .threads = 3};
    struct kt kt = {.n_buffers = 0};
    int status;

    if (parse(&o, argc, argv) < 0) {
        fputs(usage, stderr);
        return 2;
    }
    kt.seed = o.seed;
    kt.json = o.json;
    wn_log_init(&kt.log);
    kt.log.fn = print_message;
    if (wn_pool_create(&kt.pool, o.threads) < 0)
        return 1;
    status = o.device && !o.list ? open_device(&kt, &o) : 0;
    if (!status)
        status = run(&kt, &o);
    wn_backend_destroy(&kt.vulkan);
    wn_pool_destroy(&kt.pool);
    wn_log_finish(&kt.log);
    return status;
}
