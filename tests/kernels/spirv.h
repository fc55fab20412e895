/* SPDX-License-Identifier: MIT */
#ifndef KT_SPIRV_H
#define KT_SPIRV_H

#include "run.h"

/* What no input shows: the kernel's shader computes floats by sums and products that are marked as
 * not to be fused or reordered, and by nothing else. */
void kt_check_spirv(struct kt *kt);

#endif
