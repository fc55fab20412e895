/* SPDX-License-Identifier: MIT */
#include "tests/golden/tower.h"

static const char *const beyond[] = {"out.pool_max", NULL}; /* no model pools so */

const struct golden_set golden_llava_onevision_even = {
    .name = "llava_onevision_even",
    .beyond = beyond,
    .run = golden_run_onevision,
};
