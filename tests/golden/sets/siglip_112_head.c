/* SPDX-License-Identifier: MIT */
#include "tests/golden/tower.h"

static void run(struct golden_case *c)
{
    golden_run_tower(c, WN_VIT_SQUEEZE, "mid.resized_u8");
}

const struct golden_set golden_siglip_112_head = {
    .name = "siglip_112_head",
    .beyond = golden_tower_beyond,
    .run = run,
};
