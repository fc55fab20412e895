/* SPDX-License-Identifier: MIT */
/* How long chains take on rows that are made up, and what the least is that they have to move. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 101, SEGMENT_FRAMES = 64 };
static const double patience = 20; /* seconds of a chain: slow ones get fewer rounds */

int wn_bench_rig_create(struct wn_bench_rig **out, const struct wn_compressor_params *params)
{
    struct wn_bench_rig *rig = wn_calloc(1, sizeof(*rig));
    const char *device = params->device ? params->device : "auto";
    int err;

    if (!rig)
        return wn_nomem(params->log, "the bench");
    wn_log_init(&rig->quiet);
    rig->quiet.level = 0;
    rig->pool = params->pool;
    rig->log = params->log;
    TRY(wn_backend_cpu(&rig->cpu, params->pool, WN_CPU_AUTO, params->log));
    if (!*device || !strcmp(device, "auto"))
        wn_backend_vulkan(&rig->gpu, "vulkan", params->cache_dir, &rig->quiet);
    else if (strcmp(device, "cpu"))
        TRY(wn_backend_vulkan(&rig->gpu, device, params->cache_dir, params->log));
    *out = rig;
    return WN_OK;
fail:
    wn_bench_rig_destroy(&rig);
    return err;
}

void wn_bench_rig_destroy(struct wn_bench_rig **rig)
{
    if (!*rig)
        return;
    wn_backend_destroy(&(*rig)->cpu);
    wn_backend_destroy(&(*rig)->gpu);
    wn_log_finish(&(*rig)->quiet);
    free(*rig);
    *rig = NULL;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct wn_bench_time wn_bench_time_of(double *s, int n)
{
    qsort(s, (size_t)n, sizeof(*s), ascending);
    return n ? (struct wn_bench_time){s[n / 2], s[0], s[n - 1]} : (struct wn_bench_time){0};
}

/* ---- what a plan has to move ---- */

static bool gathers(const struct wn_plan_call *call, int k)
{
    return k == 0 && (call->kernel == &wn_kernel_take || call->kernel == &wn_kernel_combine);
}

/* Inputs count in full, but for those of which kernels only take rows: then as many as rows of the
 * result are made of. The rows that come out count once more. */
static int64_t bytes_of(const struct wn_plan *plan, int32_t n_before, const struct wn_rows *after)
{
    int n_buffers, n_calls;
    const struct wn_plan_buffer *buf = wn_plan_buffers(plan, &n_buffers);
    const struct wn_plan_call *call = wn_plan_calls(plan, &n_calls);
    const int64_t entries = after->w.ptr ? after->w.ptr[after->n] : 0;
    int64_t bytes = after->w.ptr ? (int64_t)after->n * (after->dim + 2) * 4 : 0;

    for (int i = 0; i < n_buffers; i++) {
        int64_t need = 0;
        if (!buf[i].input || buf[i].own)
            continue;
        for (int c = 0; c < n_calls; c++) {
            for (int k = 0; k < call[c].kernel->n_bufs; k++) {
                if (call[c].buf[k] != i)
                    continue;
                const int64_t part = WN_MIN(entries * (buf[i].n / WN_MAX(n_before, 1)), buf[i].n);
                need = WN_MAX(need, gathers(&call[c], k) ? part : buf[i].n);
            }
        }
        bytes += 4 * need;
    }
    return bytes;
}

static bool searched(const struct wn_plan_call *call, int n, wn_buf matrix)
{
    for (int c = 0; c < n; c++) {
        if (call[c].kernel->by_rows && call[c].buf[0] == matrix)
            return true;
    }
    return false;
}

/* A Gram matrix is the same both ways: half of it. Of one that a search reads, the rows taken with
 * all of their frame; of a list, those that stay. */
static int64_t flop_of(const struct wn_plan *plan, int32_t n_after)
{
    int64_t flop = 0;
    int n;
    const struct wn_plan_call *call = wn_plan_calls(plan, &n);

    for (int c = 0; c < n; c++) {
        const struct wn_gram_params *p = (const void *)call[c].params;
        const struct wn_alike_params *q = (const void *)call[c].params;
        if (call[c].kernel == &wn_kernel_alike)
            flop += (int64_t)q->n * 32 * q->words * q->dim;
        if (call[c].kernel != &wn_kernel_gram)
            continue;
        const bool few = p->listed >= 0 || searched(call, n, call[c].buf[2]);
        flop += (few ? 2 * (int64_t)WN_MIN(p->n, n_after) : p->n) * p->width * p->dim;
    }
    return flop;
}

/* A device stops at every step of the host. */
static int32_t submits_of(const struct wn_plan *plan)
{
    int32_t submits = 1;
    int n;
    const struct wn_plan_call *call = wn_plan_calls(plan, &n);

    for (int c = 0; c < n; c++)
        submits += call[c].kernel->host;
    return submits;
}

/* ---- one run ---- */

/* The filters and what they ran on. */
struct work {
    struct wn_bench_rig *rig;
    struct wn_instance **filters;
    int n_filters;
    struct wn_rows **segment; /* [n_segments] */
    int n_segments;
};

/* Frames of its own, everything else `base`'s: finishing a plan changes rows. */
static struct wn_rows *lend(const struct wn_rows *base)
{
    struct wn_rows *rows = wn_calloc(1, sizeof(*rows));

    if (!rows)
        return NULL;
    *rows = *base;
    rows->frames = wn_calloc((size_t)base->n_frames, sizeof(*rows->frames));
    rows->frame_ptr = wn_calloc((size_t)base->n_frames + 1, sizeof(*rows->frame_ptr));
    for (int32_t f = 0; rows->frames && f < base->n_frames; f++) {
        rows->frames[f] = base->frames[f];
        wn_layout_ref(rows->frames[f].layout);
    }
    for (int32_t f = 0; rows->frame_ptr && f <= base->n_frames; f++)
        rows->frame_ptr[f] = base->frame_ptr[f];
    if (!rows->frames)
        rows->n_frames = 0;
    return rows;
}

static void take_back(struct wn_rows *rows)
{
    rows->data = rows->attn = rows->keys = rows->logits = rows->global = NULL;
    rows->cell = rows->attn_layer = rows->keys_layer = NULL;
}

struct lap {
    double all, kernels;
};

static int run_segment(const struct work *w, struct wn_backend *backend,
                       const struct wn_rows *base, struct wn_bench *out, struct lap *lap)
{
    struct wn_rows *rows = lend(base);
    struct wn_segment_plan *plan = NULL;
    int err = WN_ERR_NOMEM, n;

    if (!rows || !rows->frames || !rows->frame_ptr) {
        wn_nomem(w->rig->log, "the bench");
        goto fail;
    }
    const double start = wn_now();
    TRY(wn_segment_plan_create(&plan, w->filters, w->n_filters, rows, false, w->rig->log));
    const double begin = wn_now();
    TRY(backend->run(backend, wn_segment_plan_get(plan)));
    const double end = wn_now();
    take_back(rows);
    TRY(wn_segment_plan_finish(plan, rows));
    lap->all += wn_now() - start;
    lap->kernels += end - begin;
    if (out) {
        wn_plan_calls(wn_segment_plan_get(plan), &n);
        out->rows_before += base->n;
        out->rows_after += rows->n;
        out->bytes += bytes_of(wn_segment_plan_get(plan), base->n, rows);
        out->flop += flop_of(wn_segment_plan_get(plan), rows->n);
        out->calls = n;
        out->segments++;
        out->submits += submits_of(wn_segment_plan_get(plan));
    }
fail:
    wn_segment_plan_destroy(&plan);
    if (rows && err < 0)
        take_back(rows);
    wn_rows_destroy(&rows);
    return err;
}

static int run_all(const struct work *w, struct wn_backend *backend, struct wn_bench *out,
                   struct lap *lap)
{
    int err = WN_OK;

    *lap = (struct lap){0};
    for (int i = 0; i < w->n_segments && err >= 0; i++)
        err = wn_cancelled(w->rig->log) ? wn_fail(w->rig->log, WN_ERR_ABORTED, "stopped")
                                        : run_segment(w, backend, w->segment[i], out, lap);
    return err;
}

/* The first run on each warms up: it compiles, allocates and counts. */
static int measure(const struct work *w, int rounds, struct wn_bench *out)
{
    struct wn_backend *const on[2] = {w->rig->cpu, w->rig->gpu};
    double all[2][MOST_ROUNDS], kernels[2][MOST_ROUNDS];
    struct lap lap;
    int err;

    TRY(run_all(w, on[0], out, &lap));
    double round = lap.all;
    if (on[1]) {
        TRY(run_all(w, on[1], NULL, &lap));
        round += lap.all;
    }
    rounds = (int)WN_MAX(1, WN_MIN((double)rounds, patience / WN_MAX(round, 1e-6)));
    for (int r = 0; r < rounds; r++) {
        for (int d = 0; d < 2 && on[d]; d++) {
            TRY(run_all(w, on[d], NULL, &lap));
            all[d][r] = lap.all;
            kernels[d][r] = lap.kernels;
        }
    }
    out->cpu = wn_bench_time_of(all[0], rounds);
    out->cpu_kernels = wn_bench_time_of(kernels[0], rounds);
    if (on[1]) {
        out->device = wn_bench_time_of(all[1], rounds);
        out->device_kernels = wn_bench_time_of(kernels[1], rounds);
    }
fail:
    return err;
}

/* ---- a shape ---- */

/* Cut as a film is: where the rows reach the window, or at so many frames. */
static int make_segments(struct work *w, const struct wn_bench_params *shape,
                         const struct wn_needs *needs, int64_t window)
{
    struct wn_rows *one = wn_bench_rows(shape, needs, 0, 1);
    int32_t frames = one ? (int32_t)(window / WN_MAX((int64_t)wn_rows_bytes(one), 1)) : 0;

    wn_rows_destroy(&one);
    frames = WN_MAX(WN_MIN(frames, SEGMENT_FRAMES), 1);
    w->segment = wn_calloc((size_t)(shape->n_frames / frames) + 1, sizeof(*w->segment));
    for (int32_t f = 0; w->segment && f < shape->n_frames; f += frames) {
        struct wn_rows *rows = wn_bench_rows(shape, needs, f,
                                             WN_MIN(f + frames, shape->n_frames));
        if (!rows)
            return wn_nomem(w->rig->log, "rows of that shape");
        w->segment[w->n_segments++] = rows;
        /* The pipeline does it picture by picture, when the encoder has just written one. */
        if (wn_rows_check(rows, w->rig->pool, w->rig->log) < 0)
            return WN_ERR_DATA;
    }
    return w->segment ? WN_OK : wn_nomem(w->rig->log, "rows of that shape");
}

static int check(const struct wn_bench_params *s, struct wn_log *log)
{
    if (s->n_frames < 1 || s->grid_h < 1 || s->grid_w < 1 || s->dim < 1 || s->rounds < 1 ||
        s->grid_h > 4096 || s->grid_w > 4096 || s->dim > 1 << 20 ||
        (int64_t)s->n_frames * s->grid_h * s->grid_w > INT32_MAX / 4)
        return wn_fail(log, WN_ERR_ARG, "rows of %d frames of %dx%d, %d wide: there are none such",
                       (int)s->n_frames, (int)s->grid_h, (int)s->grid_w, (int)s->dim);
    return WN_OK;
}

int wn_bench_rig_run(struct wn_bench_rig *rig, struct wn_instance **filters, int n_filters,
                     int64_t window, const struct wn_bench_params *shape, struct wn_bench *out)
{
    const struct wn_encoder_info info = wn_bench_encoder(shape);
    struct work w = {.rig = rig, .filters = filters, .n_filters = n_filters};
    struct wn_bench result = {.size = sizeof(result)};
    struct wn_needs needs = {0};
    int err;

    TRY(check(shape, rig->log));
    for (int i = 0; i < n_filters; i++) {
        const struct wn_token_ops *ops = filters[i]->filter->token;
        if (!ops)
            return wn_fail(rig->log, WN_ERR_ARG, "%s is no plan: it runs on the host over segments",
                           filters[i]->filter->name);
        if (ops->needs)
            TRY(ops->needs(filters[i]->priv, &info, &needs, rig->log));
    }
    TRY(make_segments(&w, shape, &needs, window));
    TRY(measure(&w, WN_MIN(shape->rounds, MOST_ROUNDS), &result));
    *out = result;
fail:
    for (int i = 0; i < w.n_segments; i++)
        wn_rows_destroy(&w.segment[i]);
    free(w.segment);
    return err;
}
