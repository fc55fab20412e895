/* SPDX-License-Identifier: MIT */
#include "tests/golden/reduced.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress/plan.h"

static void *copy(struct golden_tower_run *run, const void *from, size_t n, size_t size)
{
    void *to = from ? wn_calloc(n, size) : NULL;

    if (to)
        memcpy(to, from, n * size);
    run->failed |= from && !to;
    return to;
}

static void look(void *arg, int32_t l, const struct wn_rows *rows)
{
    struct golden_tower_run *run = arg;
    struct golden_state *s = &run->state[l];
    if (s->frame_ptr) { /* a cut came between */
        run->before[l] = *s;
        *s = (struct golden_state){0};
    }
    const size_t n = (size_t)rows->n;
    const size_t entries = rows->w.ptr ? (size_t)rows->w.ptr[n] : 0;

    s->n = rows->n;
    s->n_frames = rows->n_frames;
    s->frame_ptr = copy(run, rows->frame_ptr, (size_t)rows->n_frames + 1, sizeof(int32_t));
    s->cell = copy(run, rows->cell, n, sizeof(int32_t));
    s->data = copy(run, rows->data, n * (size_t)rows->dim, sizeof(float));
    s->size = copy(run, rows->size, n, sizeof(float));
    s->w = rows->w;
    s->w.ptr = copy(run, rows->w.ptr, n + 1, sizeof(int32_t));
    s->w.idx = copy(run, rows->w.idx, entries, sizeof(int32_t));
    s->w.weight = copy(run, rows->w.weight, entries, sizeof(float));
}

static void clear_states(struct golden_state *state, int32_t n_layers)
{
    for (int32_t l = 0; state && l <= n_layers; l++) {
        free(state[l].frame_ptr);
        free(state[l].cell);
        free(state[l].data);
        free(state[l].size);
        wn_sources_finish(&state[l].w);
        state[l] = (struct golden_state){0};
    }
}

static int open_filters(struct golden_case *c, struct golden_tower_run *run, const char *text)
{
    const struct wn_vit_info *m = &run->vit->info;
    const struct wn_encoder_info info = {
        .n_layers = m->n_layers,
        .n_read = m->n_layers,
        .depth = m->n_layers,
        .reduces = true,
        .patches = m->n_patches,
        .tower_dim = m->dim,
        .n_heads = m->n_heads,
        .has_cls = m->cls,
    };
    const struct wn_clip clip = {.reduces = true, .still = true};
    struct wn_instance **filters;
    int n, err;

    TRY(wn_chain_parse(&run->chain, text, &clip, c->log));
    filters = wn_chain_at(run->chain, WN_AT_ENCODER, &n);
    TRY(wn_reducer_create(&run->reducer, &(struct wn_compressor_params){
        .filters = filters,
        .n_filters = n,
        .device = c->backend ? c->backend->name : "cpu",
        .pool = c->pool,
        .log = c->log,
    }, &info));
fail:
    return err;
}

static void open_run(struct golden_case *c, struct golden_tower_run *run, const char *file,
                     const char *text)
{
    *run = (struct golden_tower_run){.vit = golden_tower(c, file)};
    run->patches = run->vit ? golden_patches(c, run->vit, "in.pixels", &run->n) : NULL;
    if (!run->patches || c->failed)
        return;
    const struct wn_vit_info *m = &run->vit->info;
    run->n_layers = m->n_layers;
    run->state = wn_calloc((size_t)m->n_layers + 1, sizeof(*run->state));
    run->before = wn_calloc((size_t)m->n_layers + 1, sizeof(*run->before));
    run->cls_attn = wn_calloc((size_t)run->n, wn_vit_tap_size(m, WN_VIT_CLS_ATTN) * sizeof(float));
    if (!run->state || !run->before || !run->cls_attn || open_filters(c, run, text) < 0)
        golden_fail(c, "%s: %s", text, c->log->last_error);
}

/* `n` pictures from number `first` on, together. */
static void run_pictures(struct golden_case *c, struct golden_tower_run *run, int first, int n)
{
    const struct wn_vit_info *m = &run->vit->info;
    const size_t size = (size_t)m->image_size * (size_t)m->image_size * 3;
    const struct wn_vit_tap tap = {m->cls ? WN_VIT_CLS_ATTN : WN_VIT_RECEIVED, m->n_layers - 1,
                                   run->cls_attn};
    const struct wn_vit_reduce with = {.reducer = run->reducer, .look = look, .arg = run};
    struct wn_vit_left left = {0};

    if (wn_vit_run_reduced(run->vit, run->patches + (size_t)first * size, n, &tap, 1, &with,
                           &left) < 0 || run->failed)
        golden_fail(c, "%s", c->log->last_error);
    wn_vit_left_finish(&left);
}

bool golden_run_reduced(struct golden_case *c, struct golden_tower_run *run, const char *file,
                        const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    open_run(c, run, file, text);
    if (!c->failed)
        run_pictures(c, run, 0, run->n);
    return !c->failed;
}

bool golden_open_reduced(struct golden_case *c, struct golden_tower_run *run, const char *file,
                         const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    open_run(c, run, file, text);
    return !c->failed;
}

bool golden_run_picture(struct golden_case *c, struct golden_tower_run *run, int picture)
{
    clear_states(run->state, run->n_layers);
    clear_states(run->before, run->n_layers);
    run_pictures(c, run, picture, 1);
    return !c->failed;
}

void golden_states_before(struct golden_tower_run *run)
{
    for (int32_t l = 0; run->before && l <= run->n_layers; l++) {
        const struct golden_state after = run->state[l];
        if (!run->before[l].frame_ptr)
            continue;
        run->state[l] = run->before[l];
        run->before[l] = after;
    }
}

void golden_free_reduced(struct golden_tower_run *run)
{
    clear_states(run->state, run->n_layers);
    clear_states(run->before, run->n_layers);
    free(run->state);
    free(run->before);
    free(run->patches);
    free(run->cls_attn);
    wn_reducer_destroy(&run->reducer);
    wn_chain_destroy(&run->chain);
    wn_vit_close(&run->vit);
}

void golden_expect_states(struct golden_case *c, const struct golden_tower_run *run,
                          const char *prefix, int32_t first)
{
    for (int32_t l = first; l <= run->n_layers && !c->failed; l++) {
        char name[64];

        snprintf(name, sizeof(name), "out.%sx%d", prefix, (int)l);
        golden_expect_f32(c, name, run->state[l].data,
                          (int64_t)run->state[l].n * run->vit->info.dim);
    }
}

void golden_expect_groups_of(struct golden_case *c, const struct golden_tower_run *run)
{
    const int32_t tokens = run->n * run->vit->info.n_tokens;

    for (int32_t l = 1; l <= run->n_layers && !c->failed; l++) {
        const struct golden_state *s = &run->state[l];
        int32_t *group = golden_alloc(c, tokens);
        char name[64];

        for (int32_t t = 0; group && t < tokens; t++)
            group[t] = s->w.ptr ? -1 : t;
        for (int32_t r = 0; group && s->w.ptr && r < s->n; r++)
            for (int32_t k = s->w.ptr[r]; k < s->w.ptr[r + 1]; k++)
                group[s->w.idx[k]] = r;
        snprintf(name, sizeof(name), "out.group%d", (int)l);
        if (group)
            golden_expect_i32(c, name, group, tokens);
        snprintf(name, sizeof(name), "out.size%d", (int)l);
        golden_expect_f32(c, name, s->size, s->n);
    }
}
