/* SPDX-License-Identifier: MIT */
/* Holds its candidates, see choose.h. */
#include "decode/choose.h"
#include "decode/select/select.h"

#include <stdlib.h>

struct aks {
    const AVClass *class;
    int n, of, depth;
    double t1, t2;
};

#define OFFSET(field) offsetof(struct aks, field)

static const AVOption options[] = {
    {"n", "frames at most", OFFSET(n), AV_OPT_TYPE_INT, {.i64 = 32}, 1, 4096, 0, NULL},
    {"t1", "a stretch is not halved when its best scores are so far above its mean", OFFSET(t1),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.8}, 0, 1, 0, NULL},
    {"t2", "and its scores' deviation is above this", OFFSET(t2), AV_OPT_TYPE_DOUBLE,
     {.dbl = -100}, -100, 1, 0, NULL},
    {"depth", "halvings at most", OFFSET(depth), AV_OPT_TYPE_INT, {.i64 = 5}, 0, 20, 0, NULL},
    WN_CHOOSE_OPTION_OF(struct aks, of, 128),
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct wn_choose_state *s = arg;
    const struct aks *o = priv;

    s->options = priv;
    return wn_choose_begin(&s->c, WN_MAX(o->of, o->n), index->log);
}

/* How little each candidate is like the mean of all. */
static void rarity(const float *x, int32_t n, float *mean, float *score)
{
    for (int64_t c = 0; c < WN_THUMB_DIM; c++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += x[i * WN_THUMB_DIM + c];
        mean[c] = (float)(sum / n);
    }
    for (int64_t i = 0; i < n; i++)
        score[i] = (float)(1 - wn_select_cos(x + i * WN_THUMB_DIM, mean, WN_THUMB_DIM));
}

/* So many halvings that each part still has a frame; the authors' 64 frames allow all of theirs. */
static int halvings(const struct aks *o)
{
    int depth = 0;

    while (depth < o->depth && o->n >> (depth + 1))
        depth++;
    return depth;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct wn_choose_state *s = arg;
    const struct aks *o = s->options;
    const struct wn_aks rule = {
        .most = o->n, .ratio = 1, .depth = halvings(o), .t1 = o->t1, .t2 = o->t2,
    };
    float mean[WN_THUMB_DIM], *score = wn_calloc((size_t)s->c.n, sizeof(*score));
    int32_t n = WN_ERR_NOMEM;

    if (score) {
        rarity(s->c.x, s->c.n, mean, score);
        n = wn_select_aks(score, s->c.n, &rule, s->c.list);
    }
    free(score);
    return wn_choose_emit(&s->c, n, run);
}

static const struct wn_frame_ops ops = WN_CHOOSE_OPS;

const struct wn_filter wn_filter_aks = {
    .name = "aks",
    .brief = "frames by score, spread over the time where scores do not stand out; how unlike the "
             "whole video a small colour layout and histogram is stands in for a question's score",
    .paper = "AKS (arXiv 2502.21271), ncTimTang/AKS @ 4667501",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct aks),
    .frame = &ops,
};
