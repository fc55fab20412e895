/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "tests/golden/chain.h"

/* CLS, then the patches; the tensors are of the last layer of some encoder with one head. */
static struct wn_rows *image(struct golden_case *c)
{
    int64_t shape[8] = {0}, key_shape[8] = {0};
    const float *hidden = golden_f32(c, "in.hidden", shape, NULL);
    const float *keys = golden_f32(c, "in.k", key_shape, NULL);
    const float *q = golden_f32(c, "in.q", NULL, NULL);
    const int32_t n = (int32_t)shape[1], dim = (int32_t)key_shape[2];
    struct wn_rows *rows = c->failed ? NULL : golden_rows(c, hidden, 1, 1, n - 1, true,
                                                          (int32_t)shape[2]);

    if (!rows)
        return NULL;
    golden_set_keys(c, rows, keys, dim, 23);
    rows->encoder_layers = 24;
    rows->logits = wn_calloc((size_t)n, sizeof(*rows->logits));
    for (int32_t i = 0; rows->logits && i < n; i++) {
        double sum = 0;
        for (int32_t k = 0; k < dim; k++)
            sum += (double)q[k] * keys[(int64_t)i * dim + k];
        rows->logits[i] = (float)(sum / sqrt(dim));
    }
    return rows;
}

static void run(struct golden_case *c)
{
    /* Only the files of PruMerge+ say so in the name of the function they ran. */
    const char *function = golden_str(c, "functions");
    const bool plus = function[0] && function[strlen(function) - 1] == 's';
    struct wn_rows *rows = image(c), *all = image(c);

    if (golden_run_chain(c, &rows, true, "prumerge=k=%d:plus=%d:order=paper",
                         (int)golden_int(c, "k_neighbours"), plus)) {
        int32_t *idx = golden_alloc(c, rows->n);
        for (int32_t r = 0; idx && r < rows->n; r++)
            idx[r] = rows->cell[r] - 1;
        golden_expect_i32(c, "out.idx", idx, rows->n - 1); /* the last row is what went */
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * rows->dim);
    }
    /* When all stay, every row shows its score. */
    if (golden_run_chain(c, &all, true, "prumerge=keep=1e9"))
        golden_expect_f32(c, "mid.cls_attn", all->score, all->n);
    wn_rows_destroy(&rows);
    wn_rows_destroy(&all);
}

const struct golden_set golden_prumerge = {
    .name = "prumerge",
    .runs_kernels = true,
    .run = run,
};
