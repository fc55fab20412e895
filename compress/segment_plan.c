/* SPDX-License-Identifier: MIT */
#include "segment_plan.h"

#include <stdlib.h>
#include <string.h>

/* A plan's buffer on the host, once it has run. */
struct mirror {
    wn_buf buf;
    void *data;
    bool mine; /* false: the rows' own array, which the plan only read */
};

/* What a filter, or a stage of it, did, as buffers and then on the host. */
struct step {
    const struct wn_filter *filter;
    struct wn_build b;
    const int32_t *ptr, *base, *w_ptr, *w_idx;
    const float *w;
};

struct wn_segment_plan {
    struct wn_plan *plan;
    struct step *step;
    int n_steps;
    struct wn_view last;
    struct mirror *mirror;
    int n_mirrors;
    struct wn_log *log;
};

/* The host's copy of a buffer; NULL after a failure or for WN_NONE. */
static void *mirror(struct wn_segment_plan *sp, wn_buf buf)
{
    int n;
    const struct wn_plan_buffer *b = wn_plan_buffers(sp->plan, &n);

    if (buf == WN_NONE || wn_plan_error(sp->plan, NULL))
        return NULL;
    for (int i = 0; i < sp->n_mirrors; i++) {
        if (sp->mirror[i].buf == buf)
            return sp->mirror[i].data;
    }
    struct mirror m = {
        .buf = buf,
        .data = b[buf].own ? NULL : (void *)(uintptr_t)b[buf].input,
    };
    struct mirror *list = wn_regrow(sp->mirror, (size_t)sp->n_mirrors + 1, sizeof(*list));
    if (list)
        sp->mirror = list;
    if (list && !m.data) {
        m.data = wn_alloc((size_t)b[buf].n, 4);
        m.mine = m.data;
        if (m.data)
            wn_plan_output(sp->plan, buf, m.data);
    }
    if (!list || !m.data) {
        wn_plan_fail(sp->plan, WN_ERR_NOMEM, "out of memory for what the filters leave");
        return NULL;
    }
    list[sp->n_mirrors++] = m;
    return m.data;
}

/* The mirror's data becomes the caller's; NULL when it is the rows' own. */
static void *claim(struct wn_segment_plan *sp, wn_buf buf)
{
    for (int i = 0; i < sp->n_mirrors; i++) {
        if (sp->mirror[i].buf == buf && sp->mirror[i].mine) {
            sp->mirror[i].mine = false;
            return sp->mirror[i].data;
        }
    }
    return NULL;
}

static struct wn_view first_view(struct wn_segment_plan *sp, const struct wn_rows *r,
                                 int32_t *count, unsigned needs)
{
    struct wn_plan *plan = sp->plan;
    const int64_t n = r->n;
    const int64_t attn_width = (int64_t)r->attn_layers * r->attn_heads;
    const int64_t keys_width = (int64_t)r->keys_layers * r->keys_heads * r->keys_dim;
    int n_buffers;

    for (int32_t f = 0; f < r->n_frames; f++)
        count[f] = r->frame_ptr[f + 1] - r->frame_ptr[f];
    struct wn_view v = {
        .n = r->n,
        .n_frames = r->n_frames,
        .dim = r->dim,
        .ptr = wn_plan_input(plan, "ptr", r->frame_ptr, (int64_t)r->n_frames + 1),
        .cell = wn_plan_input(plan, "cell", r->cell, n),
        .data = wn_plan_input(plan, "data", r->data, n * r->dim),
        .score = r->score ? wn_plan_input(plan, "score", r->score, n) : WN_NONE,
        .size = r->size ? wn_plan_input(plan, "size", r->size, n) : WN_NONE,
        .attn = needs & WN_NEED_CLS && r->attn
                    ? wn_plan_input(plan, "attention", r->attn, n * attn_width) : WN_NONE,
        .keys = needs & WN_NEED_KEYS && r->keys
                    ? wn_plan_input(plan, "keys", r->keys, n * keys_width) : WN_NONE,
        .logits = needs & WN_NEED_LOGITS && r->logits
                      ? wn_plan_input(plan, "logits", r->logits, n) : WN_NONE,
        .mutual = r->mutual ? wn_plan_input(plan, "mutual", r->mutual, n * r->mutual_width)
                            : WN_NONE,
    };
    const wn_buf counts = wn_plan_owned(plan, "count", count, r->n_frames);
    const struct wn_plan_buffer *b = wn_plan_buffers(plan, &n_buffers);
    if (counts != WN_NONE)
        v.count = b[counts].own;
    return v;
}

/* What filters from `from` on need, together. */
static unsigned needed(const struct wn_stages *stages, int from)
{
    unsigned needs = 0;

    for (int i = from; i < stages->n; i++) {
        needs |= stages->filter[i]->filter->needs;
        if (stages->cut) /* the cut was given no taps but those that are read */
            needs |= WN_NEED_CLS | WN_NEED_KEYS;
    }
    return needs;
}

static int add_step(struct wn_segment_plan *sp, const struct wn_filter *filter,
                    const struct wn_build *b)
{
    struct step *list = wn_regrow(sp->step, (size_t)sp->n_steps + 1, sizeof(*list));

    if (!list)
        return wn_nomem(sp->log, "a plan");
    sp->step = list;
    list[sp->n_steps++] = (struct step){
        .filter = filter,
        .b = *b,
    };
    return WN_OK;
}

/* A stage inside a filter. */
static int add_stage(struct wn_build *b)
{
    return add_step(b->stages, wn_filter_find(b->filter), b);
}

static int build_one(const struct wn_instance *in, struct wn_build *b)
{
    return b->cut ? in->filter->encoder->build(in->priv, b) : in->filter->token->build(in->priv, b);
}

static int build_steps(struct wn_segment_plan *sp, const struct wn_stages *stages,
                       const struct wn_rows *rows, struct wn_view view)
{
    static const struct wn_limits usual = {WN_MATRIX_MOST, WN_MAX_BUFFER_BYTES / 4};
    struct wn_instance *const *filters = stages->filter;
    const int n = stages->n;
    int err = WN_OK;

    for (int i = 0; i < n && !err; i++) {
        const struct wn_filter *filter = filters[i]->filter;
        const unsigned needs = needed(stages, i + 1);
        struct wn_build b = {
            .plan = sp->plan,
            .rows = rows,
            .cls_row = stages->cls_row,
            .need_attn = needs & WN_NEED_CLS,
            .need_keys = needs & WN_NEED_KEYS,
            .need_logits = needs & WN_NEED_LOGITS,
            .filter = filter->name,
            .cut = stages->cut ? stages->cut[i] : NULL,
            .in = view,
            .out = view,
            .base = WN_NONE,
            .w_ptr = WN_NONE,
            .w_idx = WN_NONE,
            .w = WN_NONE,
            .limits = stages->limits ? *stages->limits : usual,
            .log = sp->log,
            .next = add_stage,
            .stages = sp,
        };
        err = build_one(filters[i], &b);
        if (!err)
            err = add_step(sp, filter, &b);
        view = b.out;
    }
    sp->last = view;
    return err;
}

static void ask_for_results(struct wn_segment_plan *sp)
{
    for (int i = 0; i < sp->n_steps; i++) {
        struct step *s = &sp->step[i];

        if (s->b.base == WN_NONE)
            continue;
        s->ptr = mirror(sp, s->b.out.ptr);
        s->base = mirror(sp, s->b.base);
        s->w_ptr = mirror(sp, s->b.w_ptr);
        s->w_idx = mirror(sp, s->b.w_idx);
        s->w = mirror(sp, s->b.w);
    }
    mirror(sp, sp->last.ptr);
    mirror(sp, sp->last.cell);
    mirror(sp, sp->last.data);
    mirror(sp, sp->last.score);
    mirror(sp, sp->last.size);
}

int wn_segment_plan_stages(struct wn_segment_plan **out, const struct wn_stages *stages,
                           const struct wn_rows *rows, struct wn_log *log)
{
    struct wn_segment_plan *sp = wn_calloc(1, sizeof(*sp));
    int32_t *count = wn_calloc((size_t)rows->n_frames, sizeof(*count));
    const char *why;
    int err = WN_ERR_NOMEM;

    if (!sp || !count)
        goto no_memory;
    sp->log = log;
    if (wn_plan_create(&sp->plan) < 0)
        goto no_memory;
    const struct wn_view view = first_view(sp, rows, count, needed(stages, 0));
    TRY(build_steps(sp, stages, rows, view));
    ask_for_results(sp);
    err = wn_plan_error(sp->plan, &why);
    if (err < 0) {
        wn_fail(log, err, "%s", why);
        goto fail;
    }
    free(count);
    *out = sp;
    return WN_OK;
no_memory:
    wn_nomem(log, "a plan");
fail:
    free(count);
    wn_segment_plan_destroy(&sp);
    return err;
}

int wn_segment_plan_create(struct wn_segment_plan **out, struct wn_instance *const *filters, int n,
                           const struct wn_rows *rows, bool cls_row, struct wn_log *log)
{
    const struct wn_stages stages = {.filter = filters, .n = n, .cls_row = cls_row};

    return wn_segment_plan_stages(out, &stages, rows, log);
}

void wn_segment_plan_destroy(struct wn_segment_plan **plan)
{
    struct wn_segment_plan *sp = *plan;

    if (!sp)
        return;
    for (int i = 0; i < sp->n_mirrors; i++) {
        if (sp->mirror[i].mine)
            free(sp->mirror[i].data);
    }
    free(sp->mirror);
    free(sp->step);
    wn_plan_destroy(&sp->plan);
    free(sp);
    *plan = NULL;
}

const struct wn_plan *wn_segment_plan_get(const struct wn_segment_plan *plan)
{
    return plan->plan;
}

/* ---- results ---- */

/* W of one step as it came back: a selection, or CSR. */
static int step_sources(struct wn_sources *w, const struct step *s, int32_t n_src)
{
    const int32_t n = s->ptr[s->b.in.n_frames];
    const int32_t entries = s->w_ptr ? s->w_ptr[n] : n;

    *w = (struct wn_sources){
        .n = n,
        .n_src = n_src,
        .ptr = wn_calloc((size_t)n + 1, sizeof(*w->ptr)),
        .idx = wn_calloc((size_t)entries, sizeof(*w->idx)),
        .weight = wn_calloc((size_t)entries, sizeof(*w->weight)),
        .linear = !s->filter->not_linear,
    };
    if (!w->ptr || !w->idx || !w->weight)
        return WN_ERR_NOMEM;
    for (int32_t r = 0; r <= n; r++)
        w->ptr[r] = s->w_ptr ? s->w_ptr[r] : r;
    for (int32_t k = 0; k < entries; k++) {
        w->idx[k] = s->w_ptr ? s->w_idx[k] : s->base[k];
        w->weight[k] = s->w_ptr ? s->w[k] : 1.0f;
    }
    return WN_OK;
}

/* W of the whole chain over the rows that came in; w->ptr NULL: the identity. */
static int chain_sources(const struct wn_segment_plan *sp, const struct wn_sources *before,
                         int32_t n, struct wn_sources *w)
{
    struct wn_sources all = {0}, next = {0};
    int err;

    for (int i = 0; i < sp->n_steps; i++) {
        const struct step *s = &sp->step[i];
        struct wn_sources one = {0};

        if (s->b.base == WN_NONE)
            continue;
        err = step_sources(&one, s, n);
        if (!err)
            err = wn_sources_compose(&next, &one, all.ptr ? &all : before);
        wn_sources_finish(&one);
        wn_sources_finish(&all);
        if (err < 0)
            return err;
        all = next;
        n = all.n;
    }
    *w = all;
    return WN_OK;
}

/* Replaces an array of the rows by what the plan made, cut to n elements of `width`. */
static void replace(struct wn_segment_plan *sp, wn_buf buf, void **array, int32_t n, size_t width)
{
    void *made = claim(sp, buf);

    if (!made)
        return; /* no filter touched it */
    free(*array);
    *array = made;
    void *cut = n > 0 ? realloc(made, (size_t)n * width * 4) : NULL;
    if (cut)
        *array = cut;
}

int wn_segment_plan_finish(struct wn_segment_plan *sp, struct wn_rows *rows)
{
    struct wn_sources w = {0};

    if (chain_sources(sp, &rows->w, rows->n, &w) < 0)
        return wn_nomem(sp->log, "the sources of the tokens");
    if (w.ptr) {
        wn_sources_finish(&rows->w);
        rows->w = w;
        rows->n = w.n;
    }
    replace(sp, sp->last.data, (void **)&rows->data, rows->n, (size_t)rows->dim);
    replace(sp, sp->last.cell, (void **)&rows->cell, rows->n, 1);
    replace(sp, sp->last.score, (void **)&rows->score, rows->n, 1);
    replace(sp, sp->last.size, (void **)&rows->size, rows->n, 1);
    replace(sp, sp->last.ptr, (void **)&rows->frame_ptr, rows->n_frames + 1, 1);
    wn_rows_drop_taps(rows);
    wn_rows_drop_frames(rows);
    return WN_OK;
}

void wn_rows_drop_taps(struct wn_rows *rows)
{
    free(rows->attn);
    free(rows->attn_layer);
    free(rows->keys);
    free(rows->keys_layer);
    free(rows->logits);
    free(rows->mutual);
    rows->attn = rows->keys = rows->logits = rows->mutual = NULL;
    rows->attn_layer = rows->keys_layer = NULL;
}

void wn_rows_drop_frames(struct wn_rows *rows)
{
    int32_t n = 0;

    for (int32_t f = 0; f < rows->n_frames; f++) {
        struct wn_row_frame *frame = &rows->frames[f];
        if (rows->frame_ptr[f] == rows->frame_ptr[f + 1]) {
            wn_layout_unref(&frame->layout);
            wn_frame_unref(&frame->picture);
            continue;
        }
        rows->frames[n] = *frame;
        if (rows->global && n != f)
            memcpy(rows->global + (size_t)n * (size_t)rows->global_dim,
                   rows->global + (size_t)f * (size_t)rows->global_dim,
                   (size_t)rows->global_dim * sizeof(float));
        rows->frame_ptr[n++] = rows->frame_ptr[f];
    }
    rows->frame_ptr[n] = rows->frame_ptr[rows->n_frames];
    rows->n_frames = n;
}
