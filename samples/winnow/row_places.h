/* SPDX-License-Identifier: MIT */
/* Where rows stand when a prompt holds nothing else: the position of each, as the model counts. */
#ifndef WINNOW_ROW_PLACES_H
#define WINNOW_ROW_PLACES_H

#include "winnow.h"

/* pos[s][i] for row i of a segment whose first one stands at *next, which moves on; s is 0, or with
 * M-RoPE 0 to 3. Arrays of tokens->n each. 0, or -1 out of memory. */
int row_places(const struct wn_segment *segment, const struct wn_tokens *tokens, int64_t *next,
               int32_t *const pos[4]);

#endif
