/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/golden/ficoco.h"

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0};
    struct golden_ficoco step = {
        .logits = golden_f32(c, "in.att_logits", shape, NULL),
        .n = (int32_t)shape[0],
        .r = (int32_t)golden_int(c, "r"),
    };
    const float *state = golden_f32(c, "in.state", shape, NULL);
    const int64_t cells = shape[0];

    step.side = (int32_t)lround(sqrt((double)cells));
    step.data = golden_f32(c, "in.hidden", shape, NULL);
    step.dim = (int32_t)shape[1];
    step.grid = golden_alloc(c, cells);
    for (int64_t k = 0; state && step.grid && k < cells; k++)
        step.grid[k] = isinf(state[k]) ? 3e38f : state[k];
    struct wn_rows *rows = golden_ficoco(c, &step, "", "");
    if (rows) {
        for (int64_t k = 0; k < cells; k++)
            step.grid[k] = step.grid[k] > 1e30f ? INFINITY : step.grid[k];
        golden_expect_f32(c, "out.state", step.grid, cells);
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_ficoco_v = {
    .name = "ficoco_v",
    .runs_kernels = true,
    .run = run,
};
