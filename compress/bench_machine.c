/* SPDX-License-Identifier: MIT */
/* The roofline: what memory and registers give on this machine, and what a device adds. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "blocks.h"

enum { ROUNDS = 7, BLOCKS = 256 };
static const size_t area = (size_t)256 << 20; /* of no cache */

struct job {
    char *from, *to;
    float out[BLOCKS];
};

static void copy_block(void *arg, int64_t i)
{
    const struct job *j = arg;
    const size_t size = area / BLOCKS;

    memcpy(j->to + (size_t)i * size, j->from + (size_t)i * size, size);
}

WN_CLONES
static float sum_of(const float *x, size_t n)
{
    float lane[WN_LANES] = {0}, sum = 0;

    for (size_t i = 0; i < n; i += WN_LANES) {
        for (int l = 0; l < WN_LANES; l++)
            lane[l] += x[i + (size_t)l];
    }
    for (int l = 0; l < WN_LANES; l++)
        sum += lane[l];
    return sum;
}

static void read_block(void *arg, int64_t i)
{
    struct job *j = arg;
    const size_t size = area / BLOCKS;

    j->out[i] = sum_of((const float *)(void *)(j->from + (size_t)i * size), size / sizeof(float));
}

enum { CHAIN = 4096, BURST = 40 }; /* of a block */

/* As many chains as hide how long one operation takes. */
WN_CLONES
static float churn(float x)
{
    float lane[2 * WN_LANES], sum = 0;

    for (int l = 0; l < 2 * WN_LANES; l++)
        lane[l] = x + (float)l;
    for (int k = 0; k < CHAIN; k++) {
        for (int l = 0; l < 2 * WN_LANES; l++)
            lane[l] = lane[l] * 0.999f + 0.001f;
    }
    for (int l = 0; l < 2 * WN_LANES; l++)
        sum += lane[l];
    return sum;
}

static void churn_block(void *arg, int64_t i)
{
    struct job *j = arg;

    for (int k = 0; k < BURST; k++)
        j->out[i] = churn((float)k);
}

/* Seconds of all blocks. */
static double time_of(struct wn_pool *pool, void (*fn)(void *arg, int64_t i), struct job *j)
{
    double s[ROUNDS];

    wn_pool_run(pool, BLOCKS, fn, j);
    for (int r = 0; r < ROUNDS; r++) {
        const double start = wn_now();
        wn_pool_run(pool, BLOCKS, fn, j);
        s[r] = wn_now() - start;
    }
    return wn_bench_time_of(s, ROUNDS).median;
}

/* ---- the device ---- */

/* Seconds on the device, or of the whole run where it has no clock, of y = x + z over n numbers. */
static int time_plan(struct wn_bench_rig *rig, const float *x, int64_t n, bool whole, double *s)
{
    struct wn_plan *plan = NULL;
    double took[ROUNDS];
    float last;
    int err = wn_plan_create(&plan);

    if (err < 0)
        return err;
    const wn_buf in = wn_plan_input(plan, "x", x, n), sum = wn_plan_temp(plan, "y", n);
    const wn_buf one = wn_plan_temp(plan, "z", 1);
    wn_plan_call(plan, &wn_kernel_blend, &(struct wn_blend_params){(int32_t)n, 1, 1, 0, 0},
                 (const wn_buf[]){in, in, sum});
    wn_plan_call(plan, &wn_kernel_blend, &(struct wn_blend_params){1, 1, 0, 0, 0},
                 (const wn_buf[]){sum, sum, one});
    wn_plan_output(plan, one, &last);
    for (int r = -1; r < ROUNDS; r++) {
        int64_t ns[2] = {0};
        const double start = wn_now();
        TRY(rig->gpu->run(rig->gpu, plan));
        const double end = wn_now();
        const bool clock = wn_vulkan_times(rig->gpu, ns, 2) > 0 && !whole;
        if (r >= 0)
            took[r] = clock ? 1e-9 * (double)ns[0] : end - start;
    }
    *s = wn_bench_time_of(took, ROUNDS).median;
fail:
    wn_plan_destroy(&plan);
    return err;
}

int wn_bench_rig_machine(struct wn_bench_rig *rig, struct wn_bench_machine *out)
{
    struct job *j = wn_calloc(1, sizeof(*j));
    struct wn_bench_machine m = {.size = sizeof(m), .threads = wn_pool_threads(rig->pool)};
    double s;
    int err = WN_ERR_NOMEM;

    if (j) {
        j->from = malloc(area);
        j->to = malloc(area);
    }
    if (!j || !j->from || !j->to) {
        wn_nomem(rig->log, "the bench");
        goto fail;
    }
    memset(j->from, 0, area);
    memset(j->to, 1, area);
    m.read = (double)area / time_of(rig->pool, read_block, j);
    m.copied = (double)area / time_of(rig->pool, copy_block, j);
    m.flop = (double)BLOCKS * BURST * CHAIN * 2 * WN_LANES * 2 / time_of(rig->pool, churn_block, j);
    if (rig->gpu) {
        const int64_t n = (int64_t)1 << 23;
        wn_printable(m.device, sizeof(m.device), rig->gpu->name);
        TRY(time_plan(rig, (const float *)(void *)j->from, n, false, &s));
        m.device_copied = 4 * (double)n / s; /* read once and written once */
        TRY(time_plan(rig, (const float *)(void *)j->from, 1, true, &m.submit));
    }
    *out = m;
    err = WN_OK;
fail:
    free(j ? j->from : NULL);
    free(j ? j->to : NULL);
    free(j);
    return err;
}
