/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tests/golden/ficoco.h"
#include "tests/golden/reduced.h"

static const char file[] = "tower-full-f16.gguf";

static void run_tome(struct golden_case *c)
{
    struct golden_tower_run run;
    json_t *r = golden_meta(c, "r");
    const bool list = json_is_array(r);
    int32_t went[WN_MAX_LAYERS] = {0};

    if (golden_run_reduced(c, &run, file, "tome=r=%d:inflect=%g:proportional=%d:order=paper",
                           (int)json_integer_value(list ? json_array_get(r, 0) : r),
                           list ? json_number_value(json_array_get(r, 1)) : 0,
                           !strcmp(golden_str(c, "prop_attn"), "true"))) {
        golden_expect_states(c, &run, "", 0);
        golden_expect_groups_of(c, &run);
        for (int32_t l = 0; l < run.n_layers; l++)
            went[l] = run.state[l].n - run.state[l + 1].n;
        golden_expect_i32(c, "out.r_schedule", went, run.n_layers);
    }
    golden_free_reduced(&run);
    json_decref(r);
}

static void run_diffrate(struct golden_case *c)
{
    struct golden_tower_run run;
    json_t *rates = golden_meta(c, "rates"), *pair;
    char text[256] = "";
    size_t i, at = 0;

    json_array_foreach(rates, i, pair)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d/%d", i ? "+" : "",
                               (int)json_integer_value(json_array_get(pair, 0)),
                               (int)json_integer_value(json_array_get(pair, 1)));
    if (golden_run_reduced(c, &run, file, "diffrate=rates=%s:order=paper:compat=released", text)) {
        golden_expect_states(c, &run, "", 0);
        golden_expect_groups_of(c, &run);
    }
    golden_free_reduced(&run);
    json_decref(rates);
}

/* How many CLS rows and rows a clip has, and how many clips there are. */
static void check_clips(struct golden_case *c, const struct golden_tower_run *run, int32_t l)
{
    const struct golden_state *s = &run->state[l];
    int32_t info[3] = {0, s->frame_ptr[1], s->n_frames};
    char name[32];

    for (int32_t i = 0; i < s->frame_ptr[1]; i++)
        info[0] += s->w.idx[s->w.ptr[i]] % run->vit->info.n_tokens == 0;
    snprintf(name, sizeof(name), "out.info%d", (int)l);
    golden_expect_i32(c, name, info, 3);
    snprintf(name, sizeof(name), "out.size%d", (int)l);
    golden_expect_f32(c, name, s->size, s->n);
}

static void run_tempme(struct golden_case *c)
{
    struct golden_tower_run run;
    json_t *layer = golden_meta(c, "merge_layer"), *frames = golden_meta(c, "merge_frame_num");
    json_t *share = golden_meta(c, "merge_token_proportion"), *item;
    char joins[64] = "", weights[300] = "";
    size_t i, at = 0;

    json_array_foreach(layer, i, item)
        at += (size_t)snprintf(joins + at, sizeof(joins) - at, "%s%d/%d", i ? "+" : "",
                               (int)json_integer_value(item),
                               (int)json_integer_value(json_array_get(frames, i)));
    if (!strcmp(golden_str(c, "lora"), "true"))
        c->lora = c->path;
    if (golden_int(c, "frame_pos"))
        snprintf(weights, sizeof(weights), ":weights=%s", c->path);
    if (golden_run_reduced(c, &run, file,
                           "tempme=joins=%s:across=%g:within=%g:r=%d:order=paper%s", joins,
                           json_number_value(json_array_get(share, 0)),
                           json_number_value(json_array_get(share, 1)),
                           (int)golden_int(c, "tome_r"), weights)) {
        golden_states_before(&run);
        golden_expect_states(c, &run, "", 1);
        for (int32_t l = 1; l <= run.n_layers; l++)
            check_clips(c, &run, l);
    }
    golden_free_reduced(&run);
    json_decref(layer);
    json_decref(frames);
    json_decref(share);
}

/* What each layer chose, by the authors' logits. */
static void check_choices(struct golden_case *c, const char *prefix, int32_t layer, float *grid,
                          int32_t side)
{
    int64_t shape[8] = {0};
    char name[64], suffix[16];

    snprintf(name, sizeof(name), "mid.%satt_logits.%d", prefix, (int)layer);
    snprintf(suffix, sizeof(suffix), ".%d", (int)layer);
    const float *logits = golden_f32(c, name, shape, NULL);
    const struct golden_ficoco step = {
        .logits = logits,
        .data = logits,
        .n = (int32_t)shape[0],
        .dim = (int32_t)shape[0],
        .r = (int32_t)golden_int(c, "r"),
        .grid = grid,
        .side = side,
    };
    struct wn_rows *rows = golden_ficoco(c, &step, prefix, suffix);
    wn_rows_destroy(&rows);
}

static void run_ficoco(struct golden_case *c)
{
    const int32_t after = (int32_t)golden_int(c, "control_encoding_layer");
    const int images = (int)golden_int(c, "images");
    struct golden_tower_run run;
    float *grid = NULL;
    int32_t side = 0, cells = 0;

    if (golden_open_reduced(c, &run, file, "ficoco_v=r=%d:after=%d:beta=%g:compat=released",
                            (int)golden_int(c, "r"), (int)after, golden_num(c, "beta"))) {
        cells = run.vit->info.n_patches;
        grid = golden_alloc(c, cells);
        while (side * side < cells)
            side++;
        for (int32_t k = 0; grid && k < cells; k++)
            grid[k] = 1e9f;
    }
    for (int i = 0; grid && i < images && golden_run_picture(c, &run, i); i++) {
        char prefix[16] = "";
        if (images > 1)
            snprintf(prefix, sizeof(prefix), "img%d.", i);
        golden_expect_states(c, &run, prefix, 0);
        for (int32_t l = after + 1; l < run.n_layers; l++)
            check_choices(c, prefix, l, grid, side);
    }
    golden_free_reduced(&run);
}

static void run(struct golden_case *c)
{
    if (golden_has(c, "rates"))
        run_diffrate(c);
    else if (golden_has(c, "control_encoding_layer"))
        run_ficoco(c);
    else if (golden_has(c, "merge_layer"))
        run_tempme(c);
    else
        run_tome(c);
}

/* What the authors put behind the tower for retrieval. */
static const char *const beyond[] = {"out.video_feat", NULL};

const struct golden_set golden_reduce_clip = {
    .name = "reduce_clip",
    .runs_kernels = true,
    .beyond = beyond,
    .run = run,
};
