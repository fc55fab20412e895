/* SPDX-License-Identifier: MIT */
/* Processes that decode: see pipeline/decoder.h. */
#ifndef WN_JAIL_H
#define WN_JAIL_H

#include "pipeline/decoder.h"

double wn_jail_seconds(const struct wn_jail *jail);
/* A new process: `to` speaks with it, `status` gives what waitpid() told once it has ended; close
 * both. -1: errno says why. Any thread may call it. */
int wn_jail_start(struct wn_jail *jail, int *to, int *status);

/* A file that another process decodes; the decoder's own functions lead here. */
struct wn_far;
struct wn_state;
int wn_far_open(struct wn_far **out, const struct wn_decoder_params *params);
void wn_far_close(struct wn_far **far);
int wn_far_set_filters(struct wn_far *far, struct wn_instance **filters, int n);
int wn_far_next(struct wn_far *far, struct wn_frame **out);
/* What it told last; strings live as long as far. */
void wn_far_state(const struct wn_far *far, struct wn_media *media, double *seconds);

#endif
