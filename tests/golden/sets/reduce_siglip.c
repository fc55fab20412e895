/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/reduced.h"

static void run(struct golden_case *c)
{
    struct golden_tower_run run;
    int32_t r[WN_MAX_LAYERS] = {0};

    if (golden_run_reduced(c, &run, "tower-f16.gguf",
                           "tome=r=%d:proportional=%d:order=paper:compat=released",
                           (int)golden_int(c, "r"),
                           !strcmp(golden_str(c, "prop_attn"), "true"))) {
        golden_expect_states(c, &run, "", 0);
        golden_expect_groups_of(c, &run);
        for (int32_t l = 0; l < run.n_layers; l++)
            r[l] = run.state[l].n - run.state[l + 1].n;
        golden_expect_i32(c, "out.r_schedule", r, run.n_layers);
    }
    golden_free_reduced(&run);
}

const struct golden_set golden_reduce_siglip = {
    .name = "reduce_siglip",
    .runs_kernels = true,
    .run = run,
};
