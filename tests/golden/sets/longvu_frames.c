/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "decode/select/select.h"
#include "tests/golden/golden.h"

static void run(struct golden_case *c)
{
    const int32_t window = (int32_t)golden_int(c, "window_size");
    const double threshold = golden_num(c, "threshold");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.frame_features", shape, NULL);
    int32_t *list = wn_calloc((size_t)shape[0], sizeof(*list));

    if (!c->failed && list) {
        const int32_t n = wn_select_longvu(x, (int32_t)shape[0], shape[1] * shape[2], window,
                                           threshold, list);
        golden_expect_i32(c, "out.frame_index", list, n);
    }
    free(list);
}

const struct golden_set golden_longvu_frames = {
    .name = "longvu_frames",
    .run = run,
};
