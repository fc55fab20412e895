/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "decode/select/select.h"
#include "tests/golden/golden.h"

#define CHUNK 8

/* Sizes of scenes, and which frames begin a chunk of them. */
static void check_scenes(struct golden_case *c, const int32_t *cut, int32_t cuts, int32_t n)
{
    int32_t *size = wn_calloc((size_t)cuts + 1, sizeof(*size));
    int32_t *first = wn_calloc((size_t)n, sizeof(*first));

    for (int32_t t = 0, scene = 0, at = 0; size && first && t < n; t++) {
        size[scene]++;
        first[t] = at++ % CHUNK == 0;
        if (scene < cuts && cut[scene] == t) {
            scene++;
            at = 0;
        }
    }
    if (size && first) {
        golden_expect_i32(c, "out.segment_sizes", size, cuts + 1);
        golden_expect_i32(c, "out.static_frame", first, n);
    }
    free(size);
    free(first);
}

static void check(struct golden_case *c, const float *x, int32_t n, int64_t dim, int32_t most,
                  float *some, int32_t *list)
{
    int32_t frame[WN_TDC_FRAMES];
    const int32_t count = wn_select_tdc_frames(n, most, frame);

    for (int32_t i = 0; i < count; i++)
        memcpy(some + i * dim, x + frame[i] * dim, (size_t)dim * sizeof(*x));
    golden_expect_i32(c, "out.frame_index", frame, count);
    float *cosine = some + count * dim;
    const int32_t cuts = wn_select_tdc_cuts(some, count, dim, most, list, cosine);
    golden_expect_i32(c, "out.cut_after", list, cuts);
    golden_expect_f32(c, "mid.cosine", cosine, count - 1);
    check_scenes(c, list, cuts, count);
}

static void run(struct golden_case *c)
{
    const int32_t most = (int32_t)golden_int(c, "max_num_segments");
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.frame_features", shape, NULL);
    const int64_t dim = shape[1] * shape[2];
    float *some = wn_calloc((size_t)(shape[0] * (dim + 1)), sizeof(*some));
    int32_t *list = wn_calloc((size_t)shape[0], sizeof(*list));

    if (!c->failed && some && list)
        check(c, x, (int32_t)shape[0], dim, most, some, list);
    free(some);
    free(list);
}

const struct golden_set golden_tdc_segment = {
    .name = "tdc_segment",
    .run = run,
};
