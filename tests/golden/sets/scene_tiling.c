/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "decode/select/select.h"
#include "tests/golden/golden.h"

static void run(struct golden_case *c)
{
    const double alpha = golden_num(c, "alpha");
    const int32_t k = (int32_t)strtol(golden_str(c, "k"), NULL, 10); /* None: 0 */
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.frame_embed", shape, NULL);
    const int32_t n = (int32_t)shape[0];
    float *cosine = wn_calloc((size_t)n, sizeof(*cosine));
    float *depth = wn_calloc((size_t)n, sizeof(*depth));
    int32_t *list = wn_calloc((size_t)n, sizeof(*list));

    if (!c->failed && cosine && depth && list) {
        int32_t m = wn_select_tiling(x, n, shape[1], alpha, k, true, cosine, depth, list);
        golden_expect_i32(c, "out.boundaries_left", list, m);
        m = wn_select_tiling(x, n, shape[1], alpha, k, false, cosine, depth, list);
        golden_expect_i32(c, "out.boundaries", list, m);
        golden_expect_f32(c, "mid.sim", cosine, n - 1);
        golden_expect_f32(c, "mid.depth", depth, n - 1);
    }
    free(cosine);
    free(depth);
    free(list);
}

const struct golden_set golden_scene_tiling = {
    .name = "scene_tiling",
    .run = run,
};
