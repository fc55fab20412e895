/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wn_plan {
    struct wn_plan_buffer *buffers;
    int n_buffers, max_buffers;
    struct wn_plan_call *calls;
    int n_calls, max_calls;
    int err;
    char why[256];
};

int wn_plan_create(struct wn_plan **out)
{
    struct wn_plan *plan = wn_calloc(1, sizeof(*plan));

    if (!plan)
        return WN_ERR_NOMEM;
    *out = plan;
    return WN_OK;
}

void wn_plan_destroy(struct wn_plan **plan)
{
    struct wn_plan *p = *plan;

    if (!p)
        return;
    for (int i = 0; i < p->n_buffers; i++)
        free(p->buffers[i].own);
    free(p->buffers);
    free(p->calls);
    free(p);
    *plan = NULL;
}

void wn_plan_fail(struct wn_plan *plan, int err, const char *fmt, ...)
{
    va_list ap;

    if (plan->err)
        return;
    plan->err = err;
    va_start(ap, fmt);
    vsnprintf(plan->why, sizeof(plan->why), fmt, ap);
    va_end(ap);
}

int wn_plan_error(const struct wn_plan *plan, const char **why)
{
    if (why)
        *why = plan->why;
    return plan->err;
}

/* Room for one more element behind n; NULL after a failure. */
static void *grow(struct wn_plan *plan, void *array, int n, int *max, size_t size)
{
    if (n < *max)
        return array;
    void *grown = wn_regrow(array, (size_t)*max * 2 + 16, size);
    if (!grown) {
        wn_plan_fail(plan, WN_ERR_NOMEM, "out of memory for a plan");
        return NULL;
    }
    *max = *max * 2 + 16;
    return grown;
}

static struct wn_plan_buffer *add_buffer(struct wn_plan *plan, const char *name, int64_t n)
{
    if (plan->err)
        return NULL;
    if (n < 0 || (uint64_t)n > WN_MAX_BUFFER_BYTES / 4) {
        wn_plan_fail(plan, WN_ERR_LIMIT, "%s needs %lld MiB, more than a device need bind: a "
                     "smaller window makes segments of fewer frames", name, (long long)(n >> 18));
        return NULL;
    }
    struct wn_plan_buffer *buffers = grow(plan, plan->buffers, plan->n_buffers, &plan->max_buffers,
                                          sizeof(*buffers));
    if (!buffers)
        return NULL;
    plan->buffers = buffers;
    struct wn_plan_buffer *b = &buffers[plan->n_buffers++];
    *b = (struct wn_plan_buffer){
        .n = n,
        .first = -1,
        .last = -1,
    };
    snprintf(b->name, sizeof(b->name), "%s", name);
    return b;
}

wn_buf wn_plan_input(struct wn_plan *plan, const char *name, const void *data, int64_t n)
{
    static const uint32_t nothing;
    struct wn_plan_buffer *b = add_buffer(plan, name, n);

    if (!b)
        return WN_NONE;
    b->input = n ? data : &nothing;
    return plan->n_buffers - 1;
}

wn_buf wn_plan_owned(struct wn_plan *plan, const char *name, const void *data, int64_t n)
{
    struct wn_plan_buffer *b = add_buffer(plan, name, n);

    if (!b)
        return WN_NONE;
    b->own = wn_calloc((size_t)n, 4);
    if (!b->own) {
        wn_plan_fail(plan, WN_ERR_NOMEM, "out of memory for %s", name);
        return WN_NONE;
    }
    if (n)
        memcpy(b->own, data, (size_t)n * 4);
    b->input = b->own;
    return plan->n_buffers - 1;
}

wn_buf wn_plan_temp(struct wn_plan *plan, const char *name, int64_t n)
{
    return add_buffer(plan, name, n) ? plan->n_buffers - 1 : WN_NONE;
}

void wn_plan_output(struct wn_plan *plan, wn_buf buf, void *data)
{
    if (plan->err)
        return;
    if (buf < 0 || buf >= plan->n_buffers) {
        wn_plan_fail(plan, WN_ERR_ARG, "a plan gives out a buffer that it does not have");
        return;
    }
    struct wn_plan_buffer *b = &plan->buffers[buf];
    if (!b->input && b->first < 0) {
        wn_plan_fail(plan, WN_ERR_ARG, "nothing writes %s, which the plan gives out", b->name);
        return;
    }
    b->output = data;
    b->last = INT32_MAX;
}

/* A filter's mistake is caught when its plan is made, not as wrong numbers later. */
static bool call_is_sound(struct wn_plan *plan, const struct wn_kernel *kernel, const wn_buf *bufs)
{
    for (int i = 0; i < kernel->n_bufs; i++) {
        if (bufs[i] < 0 || bufs[i] >= plan->n_buffers) {
            wn_plan_fail(plan, WN_ERR_ARG, "%s: buffer %d is missing", kernel->name, i);
            return false;
        }
        const struct wn_plan_buffer *b = &plan->buffers[bufs[i]];
        if ((kernel->access[i] & WN_WRITE) && b->input) {
            wn_plan_fail(plan, WN_ERR_ARG, "%s writes the input %s", kernel->name, b->name);
            return false;
        }
        if ((kernel->access[i] & WN_READ) && !b->input && b->first < 0) {
            wn_plan_fail(plan, WN_ERR_ARG, "%s reads %s, which nothing wrote", kernel->name,
                         b->name);
            return false;
        }
        for (int j = 0; j < i; j++) {
            if (bufs[i] == bufs[j] && ((kernel->access[i] | kernel->access[j]) & WN_WRITE)) {
                wn_plan_fail(plan, WN_ERR_ARG, "%s writes %s, which it is given twice",
                             kernel->name, b->name);
                return false;
            }
        }
    }
    return true;
}

/* Whether all that a call reads is there already, and what it writes is nobody's yet. */
static bool known(const struct wn_plan *plan, const struct wn_kernel *kernel, const wn_buf *bufs)
{
    for (int i = 0; i < kernel->n_bufs; i++) {
        const struct wn_plan_buffer *b = &plan->buffers[bufs[i]];
        if (kernel->access[i] & WN_WRITE ? b->first >= 0 : !b->input)
            return false;
    }
    return true;
}

/* What it writes become inputs. */
static void call_now(struct wn_plan *plan, const struct wn_kernel *kernel, const void *params,
                     const wn_buf *bufs)
{
    void *buf[WN_MAX_BUFS] = {0};

    for (int i = 0; i < kernel->n_bufs; i++) {
        struct wn_plan_buffer *b = &plan->buffers[bufs[i]];
        if (kernel->access[i] & WN_WRITE) {
            b->own = wn_calloc((size_t)b->n, 4);
            b->input = b->own;
        }
        if (!b->input) {
            wn_plan_fail(plan, WN_ERR_NOMEM, "out of memory for %s", b->name);
            return;
        }
        buf[i] = (void *)(uintptr_t)b->input;
    }
    const unsigned saved = wn_flush_enter();
    kernel->ref(params, buf);
    wn_flush_leave(saved);
}

void wn_plan_call(struct wn_plan *plan, const struct wn_kernel *kernel, const void *params,
                  const wn_buf *bufs)
{
    if (plan->err || !call_is_sound(plan, kernel, bufs))
        return;
    if (kernel->host && known(plan, kernel, bufs)) {
        call_now(plan, kernel, params, bufs);
        return;
    }
    assert(kernel->params_size <= sizeof(((struct wn_plan_call *)0)->params));
    struct wn_plan_call *calls = grow(plan, plan->calls, plan->n_calls, &plan->max_calls,
                                      sizeof(*calls));
    if (!calls)
        return;
    plan->calls = calls;
    struct wn_plan_call *c = &calls[plan->n_calls];
    *c = (struct wn_plan_call){.kernel = kernel};
    memcpy(c->params, params, kernel->params_size);
    for (int i = 0; i < kernel->n_bufs; i++) {
        struct wn_plan_buffer *b = &plan->buffers[bufs[i]];
        c->buf[i] = bufs[i];
        if (b->first < 0)
            b->first = plan->n_calls;
        b->last = WN_MAX(b->last, plan->n_calls);
    }
    plan->n_calls++;
}

const struct wn_plan_buffer *wn_plan_buffers(const struct wn_plan *plan, int *n)
{
    *n = plan->n_buffers;
    return plan->buffers;
}

const struct wn_plan_call *wn_plan_calls(const struct wn_plan *plan, int *n)
{
    *n = plan->n_calls;
    return plan->calls;
}

static void dump_call(FILE *f, const struct wn_plan *plan, int i)
{
    const struct wn_plan_call *c = &plan->calls[i];

    fprintf(f, "  c%d [label=\"%d %s\", shape=box];\n", i, i, c->kernel->name);
    for (int k = 0; k < c->kernel->n_bufs; k++) {
        if (c->kernel->access[k] & WN_READ)
            fprintf(f, "  b%d -> c%d;\n", c->buf[k], i);
        if (c->kernel->access[k] & WN_WRITE)
            fprintf(f, "  c%d -> b%d;\n", i, c->buf[k]);
    }
}

char *wn_plan_dump(const struct wn_plan *plan)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    fprintf(f, "digraph plan {\n");
    for (int i = 0; i < plan->n_buffers; i++) {
        const struct wn_plan_buffer *b = &plan->buffers[i];
        fprintf(f, "  b%d [label=\"%s [%lld]\"%s];\n", i, b->name, (long long)b->n,
                b->input ? ", style=filled" : b->output ? ", style=bold" : "");
    }
    for (int i = 0; i < plan->n_calls; i++)
        dump_call(f, plan, i);
    fprintf(f, "}\n");
    fclose(f);
    return text;
}

void wn_backend_destroy(struct wn_backend **backend)
{
    if (*backend)
        (*backend)->destroy(*backend);
    *backend = NULL;
}
