/* SPDX-License-Identifier: MIT */
#include "segment_plan.h"

#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "device.h"

/* Below this many elements a GPU saves less than it takes to reach it, whatever it is. */
#define GPU_LEAST ((int64_t)1 << 22)

struct wn_compressor {
    struct wn_instance **filters;
    int n_filters;
    char *cache_dir;
    struct wn_pool *pool;
    struct wn_log *log;
    bool cls_row;
    struct wn_backend *cpu;
    struct wn_device *device;
    uint64_t key;            /* of the plan that was run last on what `choice` says */
    enum wn_choice choice;
    char ran[WN_DEVICE_NAME];           /* what ran last */
};

int wn_compressor_create(struct wn_compressor **out, const struct wn_compressor_params *params)
{
    struct wn_compressor *c = wn_calloc(1, sizeof(*c));
    char name[WN_DEVICE_NAME];
    int err = WN_ERR_NOMEM;

    if (!c)
        return wn_nomem(params->log, "the filters");
    c->n_filters = params->n_filters;
    c->pool = params->pool;
    c->log = params->log;
    c->filters = wn_calloc((size_t)c->n_filters, sizeof(struct wn_instance *));
    c->cache_dir = wn_strdup(params->cache_dir);
    if (!c->filters || (params->cache_dir && !c->cache_dir)) {
        wn_nomem(c->log, "the filters");
        goto fail;
    }
    for (int i = 0; i < c->n_filters; i++)
        c->filters[i] = params->filters[i];
    TRY(wn_backend_cpu(&c->cpu, c->pool, WN_CPU_AUTO, c->log));
    snprintf(c->ran, sizeof(c->ran), "%s", c->cpu->name);
    if (params->shared)
        c->device = wn_device_ref(params->shared);
    else
        TRY(wn_device_create(&c->device, params->device, params->cache_dir, c->log));
    if (!wn_device_automatic(c->device))
        TRY(wn_device_find(c->device, name)); /* one that was named must be there */
    *out = c;
    return WN_OK;
fail:
    wn_compressor_destroy(&c);
    return err;
}

void wn_compressor_destroy(struct wn_compressor **compressor)
{
    struct wn_compressor *c = *compressor;

    if (!c)
        return;
    wn_device_unref(&c->device);
    wn_backend_destroy(&c->cpu);
    free(c->filters);
    free(c->cache_dir);
    free(c);
    *compressor = NULL;
}

void wn_compressor_use(struct wn_compressor *compressor, struct wn_backend *gpu)
{
    wn_device_use(compressor->device, gpu);
}

const char *wn_compressor_device(const struct wn_compressor *compressor)
{
    return compressor->ran;
}

int wn_compressor_needs(struct wn_compressor *compressor, const struct wn_encoder_info *info,
                        struct wn_needs *needs)
{
    compressor->cls_row = info->cls_row;
    for (int i = 0; i < compressor->n_filters; i++) {
        const struct wn_instance *instance = compressor->filters[i];
        const struct wn_token_ops *ops = instance->filter->token;
        const int err = ops->needs ? ops->needs(instance->priv, info, needs, compressor->log)
                                   : WN_OK;
        if (err < 0)
            return err;
    }
    return WN_OK;
}

/* ---- running ---- */

static int run_on_cpu(struct wn_compressor *c, const struct wn_plan *plan)
{
    const int err = c->cpu->run(c->cpu, plan);

    if (!err)
        snprintf(c->ran, sizeof(c->ran), "%s", c->cpu->name);
    return err;
}

/* The plan is whole, so it can run again elsewhere; where the device failed, the segments after it
 * stay there. *gpu: it did run. */
static int run_on_gpu(struct wn_compressor *c, const struct wn_plan *plan, const char *name,
                      bool *gpu)
{
    const int err = wn_device_run(c->device, plan, gpu);

    *gpu &= !err;
    if (*gpu)
        snprintf(c->ran, sizeof(c->ran), "%s", name);
    switch (err) {
    case WN_OK:
        return *gpu ? WN_OK : run_on_cpu(c, plan);
    case WN_ERR_DEVICE:
    case WN_ERR_NOMEM:
    case WN_ERR_LIMIT:
    case WN_ERR_UNSUPPORTED: /* of this plan; a smaller one may fit again */
        return run_on_cpu(c, plan);
    default:
        return err;
    }
}

/* Runs on both and remembers which was faster, transfers counted; either result is the same. The
 * GPU runs twice: the first time it compiles pipelines. */
static int measure(struct wn_compressor *c, const struct wn_plan *plan, const char *name,
                   uint64_t key)
{
    double start, on_gpu, on_cpu;
    bool gpu;
    int err;

    TRY(run_on_cpu(c, plan));
    start = wn_now();
    TRY(run_on_cpu(c, plan));
    on_cpu = wn_now() - start;
    TRY(run_on_gpu(c, plan, name, &gpu));
    if (!gpu)
        return WN_OK;
    start = wn_now();
    TRY(run_on_gpu(c, plan, name, &gpu));
    on_gpu = wn_now() - start;
    wn_say(c->log, WN_LOG_DEBUG, "filters: %.2f ms on the CPU, %.2f ms on %s", on_cpu * 1e3,
           on_gpu * 1e3, name);
    c->choice = on_gpu < on_cpu ? WN_CHOICE_GPU : WN_CHOICE_CPU;
    wn_choice_keep(c->cache_dir, key, c->choice);
fail:
    return err;
}

static int run_automatic(struct wn_compressor *c, const struct wn_plan *plan, int64_t elements)
{
    char name[WN_DEVICE_NAME] = "";
    bool gpu;

    if (elements >= GPU_LEAST)
        wn_device_find(c->device, name);
    if (!*name)
        return run_on_cpu(c, plan);
    const uint64_t key = wn_choice_key(plan, name);
    if (key != c->key)
        c->choice = wn_choice_find(c->cache_dir, key);
    c->key = key;
    switch (c->choice) {
    case WN_CHOICE_CPU:
        return run_on_cpu(c, plan);
    case WN_CHOICE_GPU:
        return run_on_gpu(c, plan, name, &gpu);
    default:
        return measure(c, plan, name, key);
    }
}

int wn_compressor_run_plan(struct wn_compressor *c, const struct wn_plan *plan, int64_t elements)
{
    char name[WN_DEVICE_NAME];
    bool gpu;

    if (wn_device_automatic(c->device))
        return run_automatic(c, plan, elements);
    wn_device_here(c->device, name);
    return run_on_gpu(c, plan, name, &gpu);
}

int wn_compressor_check(struct wn_compressor *c, struct wn_rows *rows)
{
    const int err = rows->checked ? WN_OK : wn_rows_check(rows, c->pool, c->log);

    rows->checked = !err;
    return err;
}

int wn_compressor_run(struct wn_compressor *c, struct wn_rows **in, struct wn_rows **out)
{
    struct wn_rows *rows = *in;
    struct wn_segment_plan *plan = NULL;
    int err;

    *in = NULL;
    TRY(wn_compressor_check(c, rows));
    if (wn_cancelled(c->log)) {
        err = wn_fail(c->log, WN_ERR_ABORTED, "stopped");
        goto fail;
    }
    if (c->n_filters && rows->n) {
        TRY(wn_segment_plan_create(&plan, c->filters, c->n_filters, rows, c->cls_row, c->log));
        TRY(wn_compressor_run_plan(c, wn_segment_plan_get(plan), (int64_t)rows->n * rows->dim));
        TRY(wn_segment_plan_finish(plan, rows));
        rows->checked = false; /* these are others */
    } else {
        wn_rows_drop_frames(rows); /* the encoder may have left out all of one */
    }
    wn_segment_plan_destroy(&plan);
    *out = rows;
    return WN_OK;
fail:
    wn_segment_plan_destroy(&plan);
    wn_rows_destroy(&rows);
    return err;
}

int wn_compress_devices(struct wn_device_info *out, int max)
{
    if (max > 0) {
        out[0] = (struct wn_device_info){
            .name = "cpu",
            .exact = 1,
        };
    }
    return 1 + wn_vulkan_devices(out + (max > 0), WN_MAX(max - 1, 0));
}
