/* SPDX-License-Identifier: MIT */
/* Every frame of a file for a filter `scene` that comes first, its GOPs decoded on the pool,
 * several at once: decoders of one thread each do more together than one decoder with as many
 * threads, and what the detector looks at is made while a picture is in the cache. */
#ifndef WN_DECODE_EXACT_H
#define WN_DECODE_EXACT_H

#include "decoder_state.h"

/* Whether the machine and the kind of file allow it, and the file's clock is sound. */
bool wn_exact_useful(const struct wn_decoder *decoder);
/* Puts all frames through decoder->run, which begins with that filter, and the end. `ready` is
 * called after each. decoder->packets is regular. WN_AGAIN: the file is not what its index says, or
 * damaged; it is back at its start, to be read through with a new run. */
int wn_exact_read(struct wn_decoder *decoder, const struct wn_instance *filter,
                  int (*ready)(struct wn_decoder *decoder, void *opaque), void *opaque);

#endif
