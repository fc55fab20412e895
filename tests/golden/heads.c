/* SPDX-License-Identifier: MIT */
#include "tests/golden/heads.h"

#include <string.h>

bool golden_begin(struct golden_case *c, struct wn_kv *b)
{
    b->plan = NULL;
    if (!c->failed && wn_plan_create(&b->plan) < 0)
        golden_fail(c, "no plan");
    return !c->failed;
}

bool golden_end(struct golden_case *c, struct wn_kv *b)
{
    const char *why = NULL;

    if (wn_plan_error(b->plan, &why) < 0)
        golden_fail(c, "%s", why);
    else if (!c->failed && c->backend->run(c->backend, b->plan) < 0)
        golden_fail(c, "the plan did not run: %s", c->log->last_error);
    wn_plan_destroy(&b->plan);
    return !c->failed;
}

void *golden_out(struct golden_case *c, struct wn_kv *b, wn_buf buf, int64_t n)
{
    const char *why;
    int n_buffers;

    if (wn_plan_error(b->plan, &why) < 0 || buf == WN_NONE)
        return golden_alloc(c, n);
    void *data = golden_alloc(c, WN_MAX(n, wn_plan_buffers(b->plan, &n_buffers)[buf].n));
    if (data)
        wn_plan_output(b->plan, buf, data);
    return data;
}

struct wn_heads golden_input(struct wn_kv *b, const float *x, int32_t heads, int32_t n,
                             int32_t dim)
{
    return (struct wn_heads){
        .data = x ? wn_plan_input(b->plan, "input", x, (int64_t)heads * n * dim) : WN_NONE,
        .heads = heads,
        .n = n,
        .dim = dim,
    };
}

struct wn_heads golden_heads(struct golden_case *c, struct wn_kv *b, const char *name)
{
    int64_t shape[8] = {0};
    int n = 3;
    const float *x = golden_f32(c, name, shape, &n);
    const int64_t *last = shape + WN_MAX(n - 3, 0);

    return golden_input(b, x, (int32_t)last[0], (int32_t)last[1], (int32_t)last[2]);
}

float *golden_rows_of(struct golden_case *c, const float *x, int32_t heads, int32_t n, int32_t dim,
                      int32_t first, int32_t count)
{
    float *y = golden_alloc(c, (int64_t)heads * count * dim);

    for (int64_t h = 0; x && y && h < heads; h++)
        memcpy(y + h * count * dim, x + (h * n + first) * dim,
               (size_t)count * (size_t)dim * sizeof(*y));
    return y;
}

wn_buf golden_attend(struct golden_case *c, struct wn_kv *b, wn_buf attention, int32_t heads,
                     int32_t n_queries, struct wn_heads v)
{
    const int32_t rows = heads * n_queries, group = heads / v.heads, ends[2] = {0, rows};
    int32_t *ptr = golden_alloc(c, (int64_t)rows + 1);
    int32_t *idx = golden_alloc(c, (int64_t)rows * v.n);
    const wn_buf y = wn_plan_temp(b->plan, "attention out", (int64_t)rows * v.dim);

    for (int32_t r = 0; ptr && idx && r < rows; r++) {
        ptr[r + 1] = (r + 1) * v.n;
        for (int32_t j = 0; j < v.n; j++)
            idx[(int64_t)r * v.n + j] = r / n_queries / group * v.n + j;
    }
    if (ptr && idx)
        wn_plan_call(b->plan, &wn_kernel_combine, &(struct wn_combine_params){rows, 1, v.dim},
                     (const wn_buf[]){v.data, wn_plan_owned(b->plan, "w ptr", ptr, rows + 1),
                                      wn_plan_owned(b->plan, "w idx", idx, (int64_t)rows * v.n),
                                      attention, wn_plan_owned(b->plan, "ends", ends, 2), y});
    return y;
}

int32_t *golden_keys(struct golden_case *c, const int32_t *row, int64_t count, int32_t n)
{
    int32_t *key = golden_alloc(c, count);

    for (int64_t i = 0; row && key && i < count; i++)
        key[i] = row[i] % n;
    return key;
}
