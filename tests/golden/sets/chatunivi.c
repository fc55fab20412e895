/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

/* Element i of a list in the metadata, or 0. */
static double item(struct golden_case *c, const char *key, size_t i)
{
    json_t *list = golden_meta(c, key);
    const double v = json_number_value(json_array_get(list, i));

    json_decref(list);
    return v;
}

/* Level i: `rows` of them from row `first` on. */
static void check_level(struct golden_case *c, const struct wn_rows *rows, int i, int32_t first,
                        int32_t count, int32_t n)
{
    int32_t *cluster = wn_calloc((size_t)n, sizeof(*cluster));
    char name[64];

    snprintf(name, sizeof(name), "mid.stage%d", i);
    golden_expect_f32(c, name, rows->data + (int64_t)first * rows->dim, (int64_t)count * rows->dim);
    for (int32_t r = first; cluster && r < first + count; r++) {
        for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++)
            cluster[rows->w.idx[k]] = r - first;
    }
    snprintf(name, sizeof(name), "mid.token_to_cluster%d", i);
    if (cluster)
        golden_expect_i32(c, name, cluster, n);
    free(cluster);
}

static void run(struct golden_case *c)
{
    int64_t shape[8] = {0}, level_shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const int32_t n = (int32_t)shape[1];
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)shape[0], 1, n, false, (int32_t)shape[2])
                             : NULL;
    const double level[] = {item(c, "sample_ratio", 0), item(c, "sample_ratio", 1),
                            item(c, "sample_ratio", 2)};
    const int k = (int)item(c, "k", 0), later = (int)item(c, "k", 1);

    if (golden_run_chain(c, &rows, false,
                         "chatunivi=keep=%g:second=%g:third=%g:k=%d:later=%d:order=paper", level[0],
                         level[1], level[2], k, WN_MAX(later, 1))) {
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        for (int i = 0, first = 0; i < 3 && level[i] > 0; i++) {
            char name[64];
            snprintf(name, sizeof(name), "mid.stage%d", i);
            golden_f32(c, name, level_shape, NULL);
            check_level(c, rows, i, first, (int32_t)level_shape[1], n);
            first += (int)level_shape[1];
        }
    }
    wn_rows_destroy(&rows);
}

const struct golden_set golden_chatunivi = {
    .name = "chatunivi",
    .runs_kernels = true,
    .run = run,
};
