/* SPDX-License-Identifier: MIT */
/* `--device auto`: which of two backends was faster for plans of one shape, remembered on disk. A
 * wrong or lost memory costs time, never a result. */
#ifndef WN_CHOICE_H
#define WN_CHOICE_H

#include "plan.h"

enum wn_choice { WN_CHOICE_OPEN, WN_CHOICE_CPU, WN_CHOICE_GPU };

/* Of plans which take the same time within a factor of about two on this device. */
uint64_t wn_choice_key(const struct wn_plan *plan, const char *device);
enum wn_choice wn_choice_find(const char *cache_dir, uint64_t key);
void wn_choice_keep(const char *cache_dir, uint64_t key, enum wn_choice choice);

#endif
