/* SPDX-License-Identifier: MIT */
/* How a picture of one size (or a pair of them) stands in a prompt: libmtmd's chunks of it, found
 * once a size by cutting up a synthetic picture and following its graphs. */
#ifndef WN_UNIT_H
#define WN_UNIT_H

#include <mtmd.h>

#include "taps.h"

struct wn_unit {
    int32_t width, height;
    bool pair;
    struct wn_layout *layout;
    int32_t n_tokens;             /* glue: tokens of all parts */
    int32_t n_chunks;             /* that are pictures */
    struct wn_graph_map **map;    /* [n_chunks] */
};

struct wn_mtmd {
    mtmd_context *ctx;
    struct wn_hook hook;
    struct wn_log *log;
};

/* One picture, or two that the model may merge; NULL when out of memory or refused. */
mtmd_input_chunks *wn_unit_chunks(const struct wn_mtmd *m, const uint8_t *const *rgb, int n,
                                  int32_t width, int32_t height);
int wn_unit_create(struct wn_unit **out, struct wn_mtmd *m, int32_t width, int32_t height,
                   bool pair);
void wn_unit_destroy(struct wn_unit **unit);

#endif
