/* SPDX-License-Identifier: MIT */
/* Which encoder a model gets. */
#ifndef WN_SELECT_H
#define WN_SELECT_H

#include "../pipeline/encoder.h"

int wn_encoder_own_open(struct wn_encoder **out, const struct wn_encoder_params *params);

#endif
