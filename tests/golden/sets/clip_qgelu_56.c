/* SPDX-License-Identifier: MIT */
#include "tests/golden/tower.h"

static void run(struct golden_case *c)
{
    golden_run_tower(c, WN_VIT_CROP, "mid.resized_cropped_u8");
}

const struct golden_set golden_clip_qgelu_56 = {
    .name = "clip_qgelu_56",
    .beyond = golden_tower_beyond,
    .run = run,
};
