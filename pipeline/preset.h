/* SPDX-License-Identifier: MIT */
/* Presets, and what a budget means for filters that were given no count. */
#ifndef WN_PRESET_H
#define WN_PRESET_H

#include "filter.h"

/* The chain with a preset at its start replaced by what it stands for on this clip, and a budget
 * appended where clip asks for one and none is named. Freed by the caller; NULL: out of memory. */
char *wn_preset_expand(const char *text, const struct wn_clip *clip);

/* Frames that the chain's frame filters leave, at most; 0: cannot be told. */
double wn_preset_frames(const struct wn_chain *chain, const struct wn_clip *clip);
/* What stands behind a preset at the start of text; NULL when it starts with none. */
const char *wn_preset_tail(const char *text);

/* Filters with a `keep` that the user did not set (given[i] false) take their share from the
 * budget, when the number of frames can be told beforehand; else they stay at their defaults. */
int wn_preset_share(struct wn_chain *chain, const bool *given, const struct wn_clip *clip);

#endif
