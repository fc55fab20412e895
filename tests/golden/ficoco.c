/* SPDX-License-Identifier: MIT */
#include "tests/golden/ficoco.h"

#include <stdio.h>
#include <string.h>

#include "compress/ficoco_v.h"
#include "compress/segment_plan.h"

struct probe { /* priv of a filter that is the step alone */
    const AVClass *class;
    struct golden_case *c;
    const struct golden_ficoco *step;
    int32_t *rank, *to;
    float *value;
    int32_t most;
};

static int32_t stay(int32_t m, const void *arg)
{
    return WN_MAX(m - *(const int32_t *)arg, 0);
}

static int build(void *priv, struct wn_build *b)
{
    struct probe *probe = priv;
    struct wn_ficoco_v p = {
        .mutual = b->in.mutual,
        .width = b->rows->mutual_width,
        .cls = WN_NONE,
        .first = 1,
        .special = WN_NONE,
        .beta = (float)golden_num(probe->c, "beta"),
        .window = (int32_t)golden_int(probe->c, "window"),
        .table = wn_build_table(b, stay, &probe->step->r),
        .released = true,
        .by_score = true,
        .grid = probe->step->grid,
        .grid_out = probe->step->grid,
        .side = probe->step->side,
    };
    const int err = wn_build_ficoco_v(b, &p);

    if (err < 0)
        return err;
    const int64_t n = (int64_t)probe->step->n * p.most;
    probe->most = p.most;
    probe->rank = golden_alloc(probe->c, probe->step->n);
    probe->to = golden_alloc(probe->c, n);
    probe->value = golden_alloc(probe->c, n);
    if (!probe->rank || !probe->to || !probe->value)
        return WN_ERR_NOMEM;
    wn_plan_output(b->plan, p.rank, probe->rank);
    wn_plan_output(b->plan, p.to, probe->to);
    wn_plan_output(b->plan, p.value, probe->value);
    return WN_OK;
}

static int run(struct golden_case *c, struct probe *probe, struct wn_rows *rows)
{
    const struct wn_token_ops ops = {.build = build};
    const struct wn_filter filter = {.name = "ficoco_v", .token = &ops};
    struct wn_instance instance = {.filter = &filter, .priv = probe, .at = WN_AT_TOKEN};
    struct wn_instance *filters[] = {&instance};
    struct wn_segment_plan *plan = NULL;
    int err;

    TRY(wn_segment_plan_create(&plan, filters, 1, rows, true, c->log));
    TRY(c->backend->run(c->backend, wn_segment_plan_get(plan)));
    TRY(wn_segment_plan_finish(plan, rows));
fail:
    wn_segment_plan_destroy(&plan);
    return err;
}

/* The lowest score first, and what becomes of those that go. */
static void check(struct golden_case *c, const struct probe *p, const char *prefix,
                  const char *suffix)
{
    const int32_t n = p->step->n, r = p->step->r;
    int32_t *order = golden_alloc(c, n), *target = golden_alloc(c, (int64_t)r * p->most);
    float *value = golden_alloc(c, (int64_t)r * p->most);
    char name[64];

    if (!order || !target || !value)
        return;
    for (int32_t i = 0; i < n; i++)
        order[n - 1 - p->rank[i]] = i;
    for (int32_t k = 0; k < r * p->most; k++) {
        const int32_t from = order[k / p->most] * p->most + k % p->most;
        target[k] = p->to[from] / p->most;
        value[k] = p->value[from];
    }
    snprintf(name, sizeof(name), "out.%sorder%s", prefix, suffix);
    golden_expect_i32(c, name, order, n);
    snprintf(name, sizeof(name), "out.%stargets%s", prefix, suffix);
    golden_expect_i32(c, name, target, (int64_t)r * p->most);
    snprintf(name, sizeof(name), "out.%stop_values%s", prefix, suffix);
    golden_expect_f32(c, name, value, (int64_t)r * p->most);
}

struct wn_rows *golden_ficoco(struct golden_case *c, const struct golden_ficoco *step,
                              const char *prefix, const char *suffix)
{
    const size_t size = (size_t)step->n * (size_t)step->n;
    struct probe probe = {.c = c, .step = step};
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, step->data, 1, 1, step->n - 1, true,
                                                          step->dim);

    if (!rows)
        return NULL;
    rows->mutual = wn_calloc(size, sizeof(*rows->mutual));
    rows->mutual_width = step->n;
    if (rows->mutual)
        memcpy(rows->mutual, step->logits, size * sizeof(*rows->mutual));
    if (!rows->mutual || run(c, &probe, rows) < 0)
        golden_fail(c, "%s", c->log->last_error);
    else
        check(c, &probe, prefix, suffix);
    if (c->failed)
        wn_rows_destroy(&rows);
    return rows;
}
