/* SPDX-License-Identifier: MIT */
#ifndef WN_DECODE_PUSHED_H
#define WN_DECODE_PUSHED_H

#include "picture.h"
#include "pipeline/decoder.h"

/* A copy of an app's picture; checks all that can be checked. */
int wn_pushed_picture(struct wn_picture **out, const struct wn_image *image,
                      const struct wn_decoder_params *params, struct wn_log *log);

#endif
