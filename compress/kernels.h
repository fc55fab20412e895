/* SPDX-License-Identifier: MIT */
/* Every kernel, by kind: its buffers in order, its params and its one-sentence formula. The structs
 * mirror the push constants of shaders/NAME.comp. F: frames (or other segments), n: most rows. */
#ifndef WN_KERNELS_H
#define WN_KERNELS_H

#include "kernels_merge.h"
#include "kernels_pairs.h"
#include "kernels_select.h"

#endif
