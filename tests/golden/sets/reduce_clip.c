/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

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

static void run(struct golden_case *c)
{
    if (golden_has(c, "rates"))
        run_diffrate(c);
    else
        run_tome(c);
}

const struct golden_set golden_reduce_clip = {
    .name = "reduce_clip",
    .runs_kernels = true,
    .run = run,
};
