/* SPDX-License-Identifier: MIT */
/* Holds its candidates, see choose.h. */
#include "decode/choose.h"
#include "decode/select/select.h"

#include <stdlib.h>

struct dcode_frames {
    const AVClass *class;
    int n, of;
    double share;
};

#define OFFSET(field) offsetof(struct dcode_frames, field)

static const AVOption options[] = {
    {"n", "frames", OFFSET(n), AV_OPT_TYPE_INT, {.i64 = 15}, 1, 4096, 0, NULL},
    {"share", "of them that are spread evenly; each of the rest is the one least like those chosen",
     OFFSET(share), AV_OPT_TYPE_DOUBLE, {.dbl = 0.85}, 0, 1, 0, NULL},
    WN_CHOOSE_OPTION_OF(struct dcode_frames, of, 64),
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct wn_choose_state *s = arg;
    const struct dcode_frames *o = priv;

    s->options = priv;
    return wn_choose_begin(&s->c, WN_MAX(o->of, o->n), index->log);
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct wn_choose_state *s = arg;
    const struct dcode_frames *o = s->options;
    int32_t n_even, *even = wn_calloc((size_t)o->n, sizeof(*even));

    const int32_t n = even ? wn_select_dcode(s->c.x, s->c.n, WN_THUMB_DIM, o->n, o->share,
                                             s->c.list, even, &n_even) : WN_ERR_NOMEM;
    free(even);
    return wn_choose_emit(&s->c, n, run);
}

static const struct wn_frame_ops ops = WN_CHOOSE_OPS;

const struct wn_filter wn_filter_dcode_frames = {
    .name = "dcode_frames",
    .brief = "some frames evenly, then those least like them; a small colour layout and histogram "
             "stand in for CLIP",
    .paper = "D-CoDe, supplementary frames (arXiv 2510.08818), hukcc/D-CoDe @ e4436b5",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct dcode_frames),
    .frame = &ops,
};
