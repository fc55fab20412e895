/* SPDX-License-Identifier: MIT */
/* Rows to try filters on, and a run of a chain over them. */
#ifndef WN_COMPRESS_MAKE_H
#define WN_COMPRESS_MAKE_H

#include "compress/segment_plan.h"

struct lot { /* of numbers; the same ones for the same seed */
    uint64_t state;
};
uint32_t lot_next(struct lot *lot);
int32_t lot_below(struct lot *lot, int32_t n); /* 0 .. n - 1 */
float lot_float(struct lot *lot);              /* -1 .. 1 */

enum data_kind { PLAIN, TIES, EQUAL, ZERO, HUGE_AND_TINY, STILL };

struct make {
    uint64_t seed;
    int32_t n_frames, grid_h, grid_w, dim;
    bool cls;            /* a CLS row, last in each frame */
    bool received;       /* an encoder without a CLS token */
    bool keys, attn;
    bool mixed;          /* odd frames have another grid: a row more, a column less */
    enum data_kind kind;
};
/* An encoder of 6 layers with 4 heads; taps of layers 3 and 4 (received: of 5). */
struct wn_rows *make_rows(const struct make *m);
struct wn_rows *copy_rows(const struct wn_rows *rows);

/* *rows becomes what the chain leaves; destroyed and NULL on failure. */
int run_chain(struct wn_rows **rows, const char *text, bool cls_row, struct wn_backend *backend,
              struct wn_log *log);
/* The same with other limits of what a plan stores. */
int run_limited(struct wn_rows **rows, const char *text, bool cls_row, struct wn_backend *backend,
                const struct wn_limits *limits, struct wn_log *log);
/* The same bits in every array; says which differs first. */
bool same_rows(const struct wn_rows *a, const struct wn_rows *b, const char **what);

#endif
