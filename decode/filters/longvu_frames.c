/* SPDX-License-Identifier: MIT */
/* Holds one window. */
#include "decode/choose.h"
#include "decode/select/select.h"

struct longvu_frames {
    const AVClass *class;
    int window;
    double threshold;
};

struct state {
    struct wn_choose c;
    const struct longvu_frames *o;
};

#define OFFSET(field) offsetof(struct longvu_frames, field)

static const AVOption options[] = {
    {"threshold", "a frame goes when its mean cosine with its window is at least this",
     OFFSET(threshold), AV_OPT_TYPE_DOUBLE, {.dbl = 0.83}, -1, 1, 0, NULL},
    {"window", "frames that are compared; the middle one always stays; fewer where they exceed "
     "256 MiB", OFFSET(window), AV_OPT_TYPE_INT, {.i64 = 16}, 1, 1000, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->o = priv;
    return wn_choose_begin(&s->c, s->o->window, index->log);
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;

    return wn_choose_emit(&s->c, wn_select_longvu(s->c.x, s->c.n, WN_THUMB_DIM, s->o->window,
                                                  s->o->threshold, s->c.list), run);
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    const int err = wn_choose_add(&s->c, p);

    return !err && s->c.n == s->c.most ? flush(s, run) : err;
}

static void end(void *arg)
{
    wn_choose_end(&((struct state *)arg)->c);
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_longvu_frames = {
    .name = "longvu_frames",
    .brief = "drops frames much like the others of their window; a small colour layout and "
             "histogram stand in for DINOv2",
    .paper = "LongVU, frame reduction (arXiv 2410.17434), Vision-CAIR/LongVU @ 1b0be5c",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct longvu_frames),
    .frame = &ops,
};
