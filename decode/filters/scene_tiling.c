/* SPDX-License-Identifier: MIT */
/* Holds its candidates, see choose.h. */
#include "decode/choose.h"
#include "decode/select/select.h"

#include <stdlib.h>

struct scene_tiling {
    const AVClass *class;
    int k, of;
    double alpha;
};

#define OFFSET(field) offsetof(struct scene_tiling, field)

static const AVOption options[] = {
    {"k", "deepest valleys that are cuts; 0: by alpha, 15 at most", OFFSET(k), AV_OPT_TYPE_INT,
     {.i64 = 0}, 0, 4096, 0, NULL},
    {"alpha", "a cut is deeper than the mean and so many deviations", OFFSET(alpha),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.5}, -100, 100, 0, NULL},
    WN_CHOOSE_OPTION_OF(struct scene_tiling, of, 128),
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct wn_choose_state *s = arg;
    const struct scene_tiling *o = priv;

    s->options = priv;
    return wn_choose_begin(&s->c, o->of, index->log);
}

/* The list holds the last frame of each tile; its middle one takes its place. */
static void to_middles(int32_t *list, int32_t n)
{
    for (int32_t i = 0, from = 0; i < n; i++) {
        const int32_t last = list[i];
        list[i] = (from + last) / 2;
        from = last + 1;
    }
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct wn_choose_state *s = arg;
    const struct scene_tiling *o = s->options;
    float *work = wn_calloc(2 * (size_t)s->c.n + 2, sizeof(*work));
    int32_t n = WN_ERR_NOMEM;

    if (work)
        n = wn_select_tiling(s->c.x, s->c.n, WN_THUMB_DIM, o->alpha, o->k, false, work,
                             work + s->c.n, s->c.list);
    to_middles(s->c.list, n);
    free(work);
    return wn_choose_emit(&s->c, n, run);
}

static const struct wn_frame_ops ops = WN_CHOOSE_OPS;

const struct wn_filter wn_filter_scene_tiling = {
    .name = "scene_tiling",
    .brief = "the middle frame of each stretch between valleys of likeness; a small colour layout "
             "and histogram stand in for the encoder's vector",
    .paper = "VideoLLaMB, SceneTiling (arXiv 2409.01071), bigai-nlco/VideoLLaMB @ a885b99",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct scene_tiling),
    .frame = &ops,
};
