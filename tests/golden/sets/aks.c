/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "decode/select/select.h"
#include "tests/golden/golden.h"

static void run(struct golden_case *c)
{
    const struct wn_aks rule = {
        .most = (int32_t)golden_int(c, "max_num_frames"),
        .ratio = (int32_t)golden_int(c, "ratio"),
        .depth = (int32_t)golden_int(c, "all_depth"),
        .t1 = golden_num(c, "t1"),
        .t2 = golden_num(c, "t2"),
    };
    int64_t shape[8] = {0};
    const float *score = golden_f32(c, "in.scores", shape, NULL);
    const int32_t *id = golden_i32(c, "in.frame_ids", NULL, NULL);
    int32_t *list = wn_calloc((size_t)shape[0], sizeof(*list));

    if (!c->failed && list) {
        const int32_t n = wn_select_aks(score, (int32_t)shape[0], &rule, list);
        for (int32_t i = 0; i < n; i++)
            list[i] = id[list[i]];
        golden_expect_i32(c, "out.selected", list, n);
    }
    free(list);
}

const struct golden_set golden_aks = {
    .name = "aks",
    .run = run,
};
