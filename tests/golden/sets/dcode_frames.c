/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "decode/select/select.h"
#include "tests/golden/golden.h"

static void run(struct golden_case *c)
{
    const int32_t most = (int32_t)golden_int(c, "N");
    const double share = golden_num(c, "uniform_ratio");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.frame_embed", shape, NULL);
    int32_t *list = wn_calloc((size_t)most, sizeof(*list));
    int32_t *even = wn_calloc((size_t)most, sizeof(*even)), n_even = 0;

    if (!c->failed && list && even) {
        const int32_t n = wn_select_dcode(x, (int32_t)shape[0], shape[1], most, share, list, even,
                                          &n_even);
        golden_expect_i32(c, "out.selected", list, n);
        golden_expect_i32(c, "out.uniform", even, n_even);
    }
    free(list);
    free(even);
}

const struct golden_set golden_dcode_frames = {
    .name = "dcode_frames",
    .run = run,
};
