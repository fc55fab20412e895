/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define ALIGN 64

struct backend_cpu {
    struct wn_backend base;
    struct wn_pool *pool;
    enum wn_cpu_path path;
    struct wn_log *log;
    unsigned char *arena; /* of all temporary buffers; kept from run to run */
    size_t arena_size;
};

struct place {
    size_t begin, end; /* in the arena; equal: not in it */
};

static bool in_arena(const struct wn_plan_buffer *b)
{
    return !b->input && !b->output && b->first >= 0;
}

static bool meet(const struct wn_plan_buffer *a, const struct wn_plan_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest place where buffer i meets none of the buffers before it that live when it does. */
static size_t lowest(const struct wn_plan_buffer *buf, const struct place *place, int i,
                     size_t size)
{
    size_t at = 0;

    for (bool moved = true; moved;) {
        moved = false;
        for (int j = 0; j < i; j++) {
            if (place[j].begin < place[j].end && meet(&buf[i], &buf[j]) &&
                at < place[j].end && place[j].begin < at + size) {
                at = place[j].end;
                moved = true;
            }
        }
    }
    return at;
}

/* Returns the arena's size. */
static size_t lay_out(const struct wn_plan_buffer *buf, int n, struct place *place)
{
    size_t total = 0;

    for (int i = 0; i < n; i++) {
        const size_t size = ((size_t)buf[i].n * 4 + ALIGN) / ALIGN * ALIGN;
        if (!in_arena(&buf[i]))
            continue;
        const size_t at = lowest(buf, place, i, size);
        place[i] = (struct place){at, at + size};
        total = WN_MAX(total, at + size);
    }
    return total;
}

static int reserve(struct backend_cpu *cpu, size_t size)
{
    if (size <= cpu->arena_size)
        return WN_OK;
    free(cpu->arena);
    cpu->arena_size = 0;
    cpu->arena = wn_calloc(size + ALIGN, 1);
    if (!cpu->arena)
        return wn_nomem(cpu->log, "the filters' buffers");
    cpu->arena_size = size;
    return WN_OK;
}

static unsigned char *aligned(unsigned char *p)
{
    return p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN;
}

static void *memory_of(const struct wn_plan_buffer *b, unsigned char *arena, const struct place *at)
{
    if (b->input)
        return (void *)(uintptr_t)b->input; /* plans never write to an input */
    return b->output ? b->output : arena + at->begin;
}

static void run_calls(struct backend_cpu *cpu, const struct wn_plan_call *call, int n,
                      void *const *memory)
{
    const unsigned saved = wn_flush_enter();

    for (int i = 0; i < n; i++) {
        const struct wn_kernel *kernel = call[i].kernel;
        void *buf[WN_MAX_BUFS] = {0};

        if (!kernel)
            continue;
        for (int k = 0; k < kernel->n_bufs; k++)
            buf[k] = memory[call[i].buf[k]];
        if (kernel->fast && cpu->path != WN_CPU_REF)
            kernel->fast(call[i].params, buf, cpu->pool);
        else
            kernel->ref(call[i].params, buf);
    }
    wn_flush_leave(saved);
}

/* A copy of n elements that can be changed; NULL: out of memory. */
static void *copy_of(const void *data, int n, size_t size)
{
    void *copy = wn_calloc((size_t)n, size);

    if (copy && n)
        memcpy(copy, data, (size_t)n * size);
    return copy;
}

/* A search that reads a matrix of products alone, and not all of it, gets the rows instead. */
static void drop_matrices(struct wn_plan_buffer *buf, struct wn_plan_call *call, int n)
{
    for (int i = 0; i < n; i++) {
        if (call[i].kernel != &wn_kernel_gram)
            continue;
        const struct wn_gram_params *gram = (const void *)call[i].params;
        const wn_buf x = call[i].buf[0], y = call[i].buf[2];
        struct wn_plan_call *user = &call[buf[y].last];
        bool alone = buf[y].last > i && !buf[y].output && user->kernel->by_rows &&
                     user->buf[0] == y;
        for (int c = i + 1; alone && c < buf[y].last; c++) {
            for (int k = 0; call[c].kernel && k < call[c].kernel->n_bufs; k++)
                alone &= call[c].buf[k] != y;
        }
        if (!alone)
            continue;
        user->kernel->by_rows(user->params, gram->dim);
        user->buf[0] = x;
        buf[x].last = WN_MAX(buf[x].last, buf[y].last);
        buf[y].first = -1;
        call[i].kernel = NULL;
    }
}

static int run(struct wn_backend *backend, const struct wn_plan *plan)
{
    struct backend_cpu *cpu = (struct backend_cpu *)backend;
    int n, n_calls;
    const struct wn_plan_buffer *given = wn_plan_buffers(plan, &n);
    const struct wn_plan_call *calls = wn_plan_calls(plan, &n_calls);
    struct wn_plan_buffer *buf = copy_of(given, n, sizeof(*buf));
    struct wn_plan_call *call = copy_of(calls, n_calls, sizeof(*call));
    struct place *place = wn_calloc((size_t)n, sizeof(*place));
    void **memory = wn_calloc((size_t)n, sizeof(*memory));
    const char *why;
    int err = wn_plan_error(plan, &why);

    if (err) {
        wn_fail(cpu->log, err, "%s", why);
        goto fail;
    }
    err = WN_ERR_NOMEM;
    if (!place || !memory || !buf || !call) {
        wn_nomem(cpu->log, "a plan");
        goto fail;
    }
    if (cpu->path != WN_CPU_REF)
        drop_matrices(buf, call, n_calls);
    TRY(reserve(cpu, lay_out(buf, n, place)));
    /* The reference path is for tests: what nobody wrote shows as NaN or -1. */
    if (cpu->path == WN_CPU_REF && cpu->arena)
        memset(cpu->arena, 0xff, cpu->arena_size + ALIGN);
    for (int i = 0; i < n; i++)
        memory[i] = memory_of(&buf[i], cpu->arena ? aligned(cpu->arena) : NULL, &place[i]);
    run_calls(cpu, call, n_calls, memory);
    for (int i = 0; i < n; i++) {
        if (buf[i].input && buf[i].output && buf[i].n)
            memcpy(buf[i].output, buf[i].input, (size_t)buf[i].n * 4);
    }
fail:
    free(buf);
    free(call);
    free(place);
    free(memory);
    return err;
}

static void destroy(struct wn_backend *backend)
{
    struct backend_cpu *cpu = (struct backend_cpu *)backend;

    free(cpu->arena);
    free(cpu);
}

int wn_backend_cpu(struct wn_backend **out, struct wn_pool *pool, enum wn_cpu_path path,
                   struct wn_log *log)
{
    struct backend_cpu *cpu = wn_calloc(1, sizeof(*cpu));

    if (!cpu)
        return wn_nomem(log, "the CPU backend");
    *cpu = (struct backend_cpu){
        .base = {.name = "cpu", .run = run, .destroy = destroy},
        .pool = pool,
        .path = path,
        .log = log,
    };
    *out = &cpu->base;
    return WN_OK;
}
