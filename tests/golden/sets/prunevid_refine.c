/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "compress/kernels.h"
#include "compress/plan.h"
#include "tests/golden/golden.h"

/* One row of labels: what they become, and where the windows begin. */
static int refine(struct golden_case *c, const int32_t *label, int32_t n, int32_t *now,
                  int32_t *start)
{
    const struct wn_windows_params p = {n};
    struct wn_plan *plan = NULL;
    int err;

    TRY(wn_plan_create(&plan));
    const wn_buf buf[] = {wn_plan_input(plan, "label", label, n), wn_plan_temp(plan, "longest", n),
                          wn_plan_temp(plan, "now", n), wn_plan_temp(plan, "start", n)};
    wn_plan_call(plan, &wn_kernel_windows, &p, buf);
    wn_plan_output(plan, buf[2], now);
    wn_plan_output(plan, buf[3], start);
    TRY(c->backend->run(c->backend, plan));
fail:
    wn_plan_destroy(&plan);
    return err;
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0}, lengths_shape[8] = {0};
    const int32_t *label = golden_i32(c, "in.cluster", shape, NULL);
    const int32_t rows = (int32_t)shape[0], n = (int32_t)shape[1];

    golden_i32(c, "out.segment_lengths", lengths_shape, NULL);
    const int64_t most = lengths_shape[1];
    int32_t *now = wn_calloc((size_t)(rows * n), sizeof(*now));
    int32_t *start = wn_calloc((size_t)n, sizeof(*start));
    int32_t *length = wn_calloc((size_t)(rows * most), sizeof(*length));

    for (int32_t r = 0; !c->failed && now && start && length && r < rows; r++) {
        int64_t k = -1;
        if (refine(c, label + r * n, n, now + r * n, start) < 0)
            golden_fail(c, "%s", c->log->last_error);
        for (int32_t t = 0; !c->failed && t < n; t++) {
            k += start[t] == t;
            if (k < most)
                length[r * most + k]++;
        }
    }
    if (!c->failed) {
        golden_expect_i32(c, "out.refined", now, (int64_t)rows * n);
        golden_expect_i32(c, "out.segment_lengths", length, rows * most);
    }
    free(now);
    free(start);
    free(length);
}

const struct golden_set golden_prunevid_refine = {
    .name = "prunevid_refine",
    .runs_kernels = true,
    .run = run,
};
