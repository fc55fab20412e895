/* SPDX-License-Identifier: MIT */
/* Times of a kernel's implementations, interleaved: the machine's other work hits all of them. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7 };
static const double least = 0.02; /* seconds that a round lasts, so that the clock is fine enough */

struct times {
    double of[ROUNDS]; /* seconds a call */
    int n;
};

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(struct times *t)
{
    qsort(t->of, (size_t)t->n, sizeof(t->of[0]), compare);
    return t->n ? t->of[t->n / 2] : 0;
}

/* ---- the machine ---- */

enum { BLOCKS = 64 };
static const size_t area = (size_t)256 << 20;

struct area {
    char *from, *to;
    uint64_t sum[BLOCKS];
};

static void copy_block(void *arg, int64_t i)
{
    const struct area *a = arg;
    const size_t size = area / BLOCKS;

    memcpy(a->to + (size_t)i * size, a->from + (size_t)i * size, size);
}

static void read_block(void *arg, int64_t i)
{
    struct area *a = arg;
    const uint64_t *p = (const uint64_t *)(a->from + (size_t)i * (area / BLOCKS));
    uint64_t sum[8] = {0};

    for (size_t k = 0; k < area / BLOCKS / 8; k += 8) {
        for (size_t j = 0; j < 8; j++)
            sum[j] += p[k + j];
    }
    for (int j = 0; j < 8; j++)
        a->sum[i] += sum[j];
}

static double rate_of(struct kt *kt, void (*fn)(void *arg, int64_t i), struct area *a)
{
    struct times t = {.n = 0};

    fn(a, 0);
    for (int r = 0; r < ROUNDS; r++) {
        const double start = wn_now();
        wn_pool_run(kt->pool, BLOCKS, fn, a);
        t.of[t.n++] = wn_now() - start;
    }
    return (double)area / median(&t);
}

void kt_bench_start(struct kt *kt)
{
    struct area a = {.from = malloc(area), .to = malloc(area)};

    if (!a.from || !a.to)
        abort();
    memset(a.from, 1, area);
    memset(a.to, 2, area);
    const double copied = rate_of(kt, copy_block, &a);
    kt->read_rate = rate_of(kt, read_block, &a);
    free(a.from);
    free(a.to);
    kt->first = true;
    if (kt->json) {
        printf("{\"threads\": %d, \"copied_bytes_per_s\": %.0f, \"read_bytes_per_s\": %.0f, "
               "\"device\": \"%s\",\n \"cases\": [", wn_pool_threads(kt->pool), copied,
               kt->read_rate, kt->vulkan ? kt->vulkan->name : "");
        return;
    }
    printf("%d threads: %.1f GB/s copied (as much read as written), %.1f GB/s read\n",
           wn_pool_threads(kt->pool), copied / 1e9, kt->read_rate / 1e9);
    printf("%-13s %-34s %9s %9s %8s %6s", "kernel", "case", "ref ms", "fast ms", "GB/s", "read");
    printf(kt->vulkan ? " %9s %8s %9s  (%s)\n" : "\n", "dev ms", "GB/s", "plan ms",
           kt->vulkan ? kt->vulkan->name : "");
}

void kt_bench_end(struct kt *kt)
{
    if (kt->json)
        printf("\n]}\n");
}

/* ---- a kernel ---- */

typedef void run_fn(struct kt *kt, const void *params, void *const *buf);

static void run_ref(struct kt *kt, const void *params, void *const *buf)
{
    kt->kernel->ref(params, buf);
}

static void run_fast(struct kt *kt, const void *params, void *const *buf)
{
    kt->kernel->fast(params, buf, kt->pool);
}

static void time_once(struct kt *kt, run_fn *fn, const void *params, void *const *buf,
                      struct times *t)
{
    const double start = wn_now();
    double end = start;
    int n = 0;

    for (; end - start < least; n++) {
        fn(kt, params, buf);
        end = wn_now();
    }
    t->of[t->n++] = (end - start) / n;
}

/* Device time and wall time, transfers included, of one plan. */
static void time_plan(struct kt *kt, const void *params, void *const *buf, struct times *device,
                      struct times *wall)
{
    const double start = wn_now();
    int64_t ns = 0;

    if (kt_run_plan(kt, params, buf, NULL, false) < 0) {
        printf("FAIL %s: %s\n", kt->kernel->name, kt->log.last_error);
        kt->failed++;
        return;
    }
    wall->of[wall->n++] = wn_now() - start;
    if (wn_vulkan_times(kt->vulkan, &ns, 1) > 0)
        device->of[device->n++] = (double)ns * 1e-9;
}

static void print(struct kt *kt, const char *label, int64_t bytes, struct times *ref,
                  struct times *fast, struct times *device, struct times *wall)
{
    const double s[4] = {median(ref), median(fast), median(device), median(wall)};
    const double cpu = s[1] > 0 ? s[1] : s[0];

    if (kt->json) {
        printf("%s\n  {\"kernel\": \"%s\", \"case\": \"%s\", \"bytes\": %lld, \"ref_s\": %.9f, "
               "\"fast_s\": %.9f, \"device_s\": %.9f, \"plan_s\": %.9f}", kt->first ? "" : ",",
               kt->kernel->name, label, (long long)bytes, s[0], s[1], s[2], s[3]);
        kt->first = false;
        return;
    }
    printf("%-13s %-34s %9.3f ", kt->kernel->name, label, s[0] * 1e3);
    if (fast->n)
        printf("%9.3f", s[1] * 1e3);
    else
        printf("%9s", "-");
    printf(" %8.2f %5.0f%%", (double)bytes / cpu / 1e9, 100 * (double)bytes / cpu / kt->read_rate);
    if (kt->vulkan)
        printf(" %9.3f %8.2f %9.3f", s[2] * 1e3, s[2] > 0 ? (double)bytes / s[2] / 1e9 : 0,
               s[3] * 1e3);
    printf("\n");
}

void kt_bench(struct kt *kt, const void *params, void *const *buf, int64_t bytes,
              const char *label, ...)
{
    struct times ref = {.n = 0}, fast = {.n = 0}, device = {.n = 0}, wall = {.n = 0};
    const unsigned saved = wn_flush_enter();
    char text[80];
    va_list args;

    va_start(args, label);
    vsnprintf(text, sizeof(text), label, args);
    va_end(args);
    if (kt->vulkan) /* compiles, allocates */
        kt_run_plan(kt, params, buf, NULL, false);
    for (int r = 0; r < ROUNDS; r++) {
        time_once(kt, run_ref, params, buf, &ref);
        if (kt->kernel->fast)
            time_once(kt, run_fast, params, buf, &fast);
        if (kt->vulkan)
            time_plan(kt, params, buf, &device, &wall);
    }
    wn_flush_leave(saved);
    print(kt, text, bytes, &ref, &fast, &device, &wall);
    fflush(stdout);
    kt->checked++;
    kt_free_case(kt);
}
