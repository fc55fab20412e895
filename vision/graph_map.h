/* SPDX-License-Identifier: MIT */
/* What a trace tells of the output rows. */
#ifndef WN_GRAPH_MAP_H
#define WN_GRAPH_MAP_H

#include "prov.h"
#include "trace.h"

/* out: provenance of the output, [dim][rows]; tokens: of Q, [d_head][heads][tokens]; either may be
 * NULL. n_rows, patch_h and patch_w are set. */
int wn_graph_map_fill(struct wn_graph_map *map, const struct wn_sets *sets,
                      const struct wn_prov *out, const struct wn_prov *tokens);

#endif
