/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/chain.h"

/* The authors' noise comes as a score. */
static void run(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const float *noise = golden_f32(c, "in.noise_uniform", NULL, NULL);
    const int clusters = (int)golden_int(c, "cluster_num");
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, x, 1, 1, (int32_t)shape[0], false,
                                                          (int32_t)shape[1]);

    if (rows) {
        rows->score = wn_calloc((size_t)rows->n, sizeof(*rows->score));
        if (rows->score)
            memcpy(rows->score, noise, (size_t)rows->n * sizeof(*noise));
    }
    if (golden_run_chain(c, &rows, false, "sparsevlm_merge=keep=%d:noise=score:order=paper",
                         clusters))
        golden_expect_f32(c, "out.merged", rows->data, (int64_t)rows->n * rows->dim);
    wn_rows_destroy(&rows);
}

const struct golden_set golden_sparsevlm_merge = {
    .name = "sparsevlm_merge",
    .runs_kernels = true,
    .run = run,
};
