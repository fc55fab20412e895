/* SPDX-License-Identifier: MIT */
#include "tests/golden/chain.h"

static void check(struct golden_case *c, const char *order, const char *name)
{
    const char *ratio = golden_str(c, "ratio");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    struct wn_rows *rows = x ? golden_rows(c, x, 1, 1, (int32_t)shape[0], false,
                                           (int32_t)shape[1]) : NULL;

    if (golden_run_chain(c, &rows, false, "divprune=keep=%s:order=%s", ratio, order))
        golden_expect_i32(c, name, golden_sources(rows), rows->n);
    wn_rows_destroy(&rows);
}

static void run(struct golden_case *c)
{
    check(c, "spatial", "out.idx");
    check(c, "paper", "out.order");
}

const struct golden_set golden_divprune = {
    .name = "divprune",
    .runs_kernels = true,
    .run = run,
};
