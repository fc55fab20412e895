/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t poison = 0x88888888u, guard = 0x5a5aa5a5u;

/* ---- random numbers ---- */

uint32_t kt_random(struct kt *kt)
{
    uint64_t z = kt->state += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

int32_t kt_below(struct kt *kt, int32_t n)
{
    return (int32_t)(((uint64_t)kt_random(kt) * (uint32_t)n) >> 32);
}

int32_t kt_between(struct kt *kt, int32_t low, int32_t high)
{
    return (int32_t)(low + (int64_t)(((uint64_t)kt_random(kt) * ((uint64_t)high - low + 1)) >> 32));
}

float kt_unit(struct kt *kt)
{
    return (float)(kt_random(kt) >> 8) / 8388608.0f - 1.0f;
}

/* ---- buffers ---- */

static void *allocate(struct kt *kt, int64_t n)
{
    uint32_t *data = malloc((size_t)(n + KT_GUARD) * 4);

    if (!data || kt->n_buffers == KT_MAX_CASE)
        abort();
    kt->buffer[kt->n_buffers++] = (struct kt_buffer){n, data};
    for (int i = 0; i < KT_GUARD; i++)
        data[n + i] = guard;
    return data;
}

struct kt_buffer *kt_buffer_of(struct kt *kt, const void *data)
{
    for (int i = 0; i < kt->n_buffers; i++) {
        if (kt->buffer[i].data == data)
            return &kt->buffer[i];
    }
    abort();
}

void kt_free_case(struct kt *kt)
{
    for (int i = 0; i < kt->n_buffers; i++)
        free(kt->buffer[i].data);
    kt->n_buffers = 0;
}

int32_t *kt_ints(struct kt *kt, int64_t n, int32_t low, int32_t high)
{
    int32_t *data = allocate(kt, n);

    for (int64_t i = 0; i < n; i++)
        data[i] = kt_between(kt, low, high);
    return data;
}

void *kt_out(struct kt *kt, int64_t n)
{
    uint32_t *data = allocate(kt, n);

    for (int64_t i = 0; i < n; i++)
        data[i] = poison;
    return data;
}

const char *kt_style_name(enum kt_style style)
{
    static const char *const name[] = {"plain", "equal", "ties", "zero rows", "huge", "tiny",
                                       "spread"};
    return name[style];
}

static float one(struct kt *kt, enum kt_style style)
{
    const float u = kt_unit(kt);

    switch (style) {
    case KT_EQUAL:  return 0.7f;
    case KT_TIES:   return (float)kt_between(kt, -2, 2);
    case KT_HUGE:   return ldexpf(u, 50);
    case KT_TINY:   return ldexpf(u, -kt_between(kt, 120, 149));
    case KT_SPREAD: return ldexpf(u, kt_between(kt, -40, 40));
    default:        return u;
    }
}

float *kt_floats(struct kt *kt, int64_t rows, int64_t dim, enum kt_style style)
{
    float *data = allocate(kt, rows * dim);

    for (int64_t i = 0; i < rows; i++) {
        const bool zero = style == KT_ZEROS && kt_below(kt, 3) == 0;
        for (int64_t c = 0; c < dim; c++)
            data[i * dim + c] = zero ? 0.0f : one(kt, style);
    }
    return data;
}

/* ---- rows ---- */

static struct kt_rows make_rows(struct kt *kt, const char *name, int32_t n_frames, int32_t low,
                                int32_t high, int32_t spare)
{
    struct kt_rows r = {.name = name, .n_frames = n_frames};

    r.ptr = allocate(kt, n_frames + 1);
    for (int32_t f = 0; f < n_frames; f++) {
        const int32_t count = kt_between(kt, low, high);
        r.ptr[f] = r.rows;
        r.rows += WN_MAX(0, count);
    }
    r.ptr[n_frames] = r.rows;
    r.n = r.rows + spare;
    return r;
}

struct kt_rows kt_rows(struct kt *kt, int shape)
{
    switch (shape) {
    case 0:  return make_rows(kt, "one row", 1, 1, 1, 0);
    case 1:  return make_rows(kt, "one frame", 1, 67, 67, 0);
    case 2:  return make_rows(kt, "one long frame", 1, 1300, 1300, 0);
    case 3:  return make_rows(kt, "single rows", 70, 1, 1, 0);
    case 4:  return make_rows(kt, "ragged", 23, 1, 40, 0);
    case 5:  return make_rows(kt, "ragged, empty frames, fewer than n", 31, -20, 50, 77);
    case 6:  return make_rows(kt, "no row", 3, 0, 0, 5);
    case 7:  return make_rows(kt, "full groups", 4, 64, 64, 0);
    default: return make_rows(kt, "real", 8, 196, 196, 1);
    }
}

struct kt_rows kt_even_rows(struct kt *kt, int32_t n_frames, int32_t each)
{
    return make_rows(kt, "even", n_frames, each, each, 0);
}

struct kt_rows kt_fewer_rows(struct kt *kt, const struct kt_rows *in, int32_t most)
{
    struct kt_rows r = {.name = in->name, .n_frames = in->n_frames};

    r.ptr = allocate(kt, in->n_frames + 1);
    for (int32_t f = 0; f < in->n_frames; f++) {
        r.ptr[f] = r.rows;
        r.rows += kt_between(kt, 0, WN_MIN(most, in->ptr[f + 1] - in->ptr[f]));
    }
    r.ptr[r.n_frames] = r.rows;
    r.n = in->n;
    return r;
}

int32_t kt_frame_of(const struct kt_rows *rows, int32_t row)
{
    int32_t f = 0;

    while (rows->ptr[f + 1] <= row)
        f++;
    return f;
}

/* ---- checks ---- */

struct check {
    struct kt *kt;
    const void *params;
    const char *label;
    uint32_t *expected[WN_MAX_BUFS], *got[WN_MAX_BUFS];
    int64_t words[WN_MAX_BUFS]; /* with the guard */
};

static void explain(const struct check *check, const char *path, int b, int64_t i)
{
    const uint32_t expected = check->expected[b][i], got = check->got[b][i];
    const struct wn_kernel *kernel = check->kt->kernel;
    float f[2];

    memcpy(&f[0], &expected, 4);
    memcpy(&f[1], &got, 4);
    printf("FAIL %s, %s, %s: buffer %d [%lld of %lld]: 0x%08x (%d, %.9g), expected 0x%08x "
           "(%d, %.9g)\n  seed %llu, params", kernel->name, check->label, path, b, (long long)i,
           (long long)(check->words[b] - KT_GUARD), got, (int32_t)got, (double)f[1], expected,
           (int32_t)expected, (double)f[0], (unsigned long long)check->kt->seed);
    for (size_t k = 0; k < kernel->params_size / 4; k++) {
        uint32_t word;
        memcpy(&word, (const char *)check->params + 4 * k, 4);
        printf(" %d", (int32_t)word);
    }
    printf("\n");
}

static void compare(struct check *check, const char *path)
{
    struct kt *kt = check->kt;

    for (int b = 0; b < kt->kernel->n_bufs; b++) {
        const bool scratch = kt->kernel->access[b] == WN_SCRATCH;
        for (int64_t i = scratch ? check->words[b] - KT_GUARD : 0; i < check->words[b]; i++) {
            if (check->got[b][i] == check->expected[b][i])
                continue;
            explain(check, path, b, i);
            kt->failed++;
            return;
        }
    }
    kt->passed++;
}

static void fill(const struct check *check, void *const *buf)
{
    for (int b = 0; b < check->kt->kernel->n_bufs; b++)
        memcpy(check->got[b], buf[b], (size_t)check->words[b] * 4);
}

/* The reference may not write beside its results either. */
static void check_reference(struct check *check, void *const *buf)
{
    const struct wn_kernel *kernel = check->kt->kernel;

    for (int b = 0; b < kernel->n_bufs; b++) {
        const int64_t from = kernel->access[b] & WN_WRITE ? check->words[b] - KT_GUARD : 0;
        memcpy(check->got[b], check->expected[b], (size_t)check->words[b] * 4);
        memcpy(check->got[b] + from, (uint32_t *)buf[b] + from,
               (size_t)(check->words[b] - from) * 4);
    }
    compare(check, "reference");
}

static void check_cpu(struct check *check, void *const *buf, struct wn_pool *pool,
                      const char *path)
{
    const unsigned saved = wn_flush_enter();

    fill(check, buf);
    check->kt->kernel->fast(check->params, (void *const *)check->got, pool);
    wn_flush_leave(saved);
    compare(check, path);
}

static void check_vulkan(struct check *check, void *const *buf)
{
    struct kt *kt = check->kt;

    for (int b = 0; b < kt->kernel->n_bufs; b++)
        memset(check->got[b], 0, (size_t)check->words[b] * 4);
    if (kt_run_plan(kt, check->params, buf, check->got, true) < 0) {
        printf("FAIL %s, %s, vulkan: %s\n", kt->kernel->name, check->label, kt->log.last_error);
        kt->failed++;
        return;
    }
    /* The guards of results are poison there. */
    for (int b = 0; b < kt->kernel->n_bufs; b++) {
        if (!(kt->kernel->access[b] & WN_WRITE))
            continue;
        for (int64_t i = check->words[b] - KT_GUARD; i < check->words[b]; i++)
            check->got[b][i] = check->got[b][i] == poison ? guard : check->got[b][i];
    }
    compare(check, "vulkan");
}

int kt_run_plan(struct kt *kt, const void *params, void *const *buf, uint32_t *const *outputs,
                bool poisoned)
{
    const int32_t n_bufs = kt->kernel->n_bufs;
    struct wn_mix_params mix = {.n_frames = 1, .c = (int32_t)poison};
    struct wn_plan *plan = NULL;
    int32_t most = 1;
    int32_t *zero = NULL;
    wn_buf id[WN_MAX_BUFS];
    int err;

    TRY(wn_plan_create(&plan));
    for (int b = 0; b < n_bufs; b++)
        most = (int32_t)WN_MAX(most, kt_buffer_of(kt, buf[b])->n + KT_GUARD);
    zero = calloc((size_t)most, 4);
    if (!zero)
        abort();
    const wn_buf zeros = wn_plan_input(plan, "zeros", zero, most);
    for (int b = 0; b < n_bufs; b++) {
        const int32_t words = (int32_t)kt_buffer_of(kt, buf[b])->n + KT_GUARD;
        if (kt->kernel->access[b] & WN_WRITE)
            id[b] = wn_plan_temp(plan, "out", words);
        else
            id[b] = wn_plan_input(plan, "in", buf[b], words);
        if (!(kt->kernel->access[b] & WN_WRITE) || !poisoned)
            continue;
        mix.n = words;
        const wn_buf ptr = wn_plan_owned(plan, "ptr", (const int32_t[]){0, words}, 2);
        wn_plan_call(plan, &wn_kernel_mix, &mix, (const wn_buf[]){zeros, zeros, ptr, id[b]});
    }
    wn_plan_call(plan, kt->kernel, params, id);
    for (int b = 0; b < n_bufs && outputs; b++)
        wn_plan_output(plan, id[b], outputs[b]);
    err = kt->vulkan->run(kt->vulkan, plan);
fail:
    free(zero);
    wn_plan_destroy(&plan);
    return err;
}

void kt_check(struct kt *kt, const void *params, void *const *buf, const char *label, ...)
{
    const struct wn_kernel *kernel = kt->kernel;
    char text[160];
    struct check check = {.kt = kt, .params = params, .label = text};
    va_list args;

    va_start(args, label);
    vsnprintf(text, sizeof(text), label, args);
    va_end(args);
    for (int b = 0; b < kernel->n_bufs; b++) {
        check.words[b] = kt_buffer_of(kt, buf[b])->n + KT_GUARD;
        check.expected[b] = malloc((size_t)check.words[b] * 4);
        check.got[b] = malloc((size_t)check.words[b] * 4);
        if (!check.expected[b] || !check.got[b])
            abort();
        memcpy(check.expected[b], buf[b], (size_t)check.words[b] * 4);
    }
    const unsigned saved = wn_flush_enter();
    kernel->ref(params, (void *const *)check.expected);
    wn_flush_leave(saved);
    check_reference(&check, buf);
    if (kernel->fast) {
        check_cpu(&check, buf, NULL, "fast");
        check_cpu(&check, buf, kt->pool, "fast on threads");
    }
    if (kt->vulkan)
        check_vulkan(&check, buf);
    for (int b = 0; b < kernel->n_bufs; b++) {
        free(check.expected[b]);
        free(check.got[b]);
    }
    kt->checked++;
    kt_free_case(kt);
}
