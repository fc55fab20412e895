/* SPDX-License-Identifier: MIT */
/* Holds its candidates, see choose.h. */
#include "decode/choose.h"
#include "decode/select/select.h"

#include <stdlib.h>

struct tdc_segment {
    const AVClass *class;
    int n, chunk, of;
};

#define OFFSET(field) offsetof(struct tdc_segment, field)

static const AVOption options[] = {
    {"n", "segments less one: the cuts are where frames are least like the next", OFFSET(n),
     AV_OPT_TYPE_INT, {.i64 = 24}, 1, 4096, 0, NULL},
    {"chunk", "of a segment the first of every so many candidates stays", OFFSET(chunk),
     AV_OPT_TYPE_INT, {.i64 = 8}, 1, 4096, 0, NULL},
    WN_CHOOSE_OPTION_OF(struct tdc_segment, of, WN_TDC_FRAMES),
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct wn_choose_state *s = arg;
    const struct tdc_segment *o = priv;

    s->options = priv;
    return wn_choose_begin(&s->c, o->of, index->log);
}

/* The first of each chunk, counted from the start of its segment. */
static int32_t first_of_chunks(const int32_t *cut, int32_t n_cuts, int32_t n, int32_t chunk,
                               int32_t *list)
{
    int32_t count = 0, from = 0;

    for (int32_t k = 0; k <= n_cuts; k++) {
        const int32_t to = k < n_cuts ? cut[k] + 1 : n;
        for (int32_t i = from; i < to; i += chunk)
            list[count++] = i;
        from = WN_MAX(from, to);
    }
    return count;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct wn_choose_state *s = arg;
    const struct tdc_segment *o = s->options;
    int32_t *cut = wn_calloc((size_t)s->c.n + 1, sizeof(*cut));
    float *cosine = wn_calloc((size_t)s->c.n + 1, sizeof(*cosine));
    int32_t n = WN_ERR_NOMEM;

    if (cut && cosine)
        n = wn_select_tdc_cuts(s->c.x, s->c.n, WN_THUMB_DIM, o->n, cut, cosine);
    if (n >= 0)
        n = first_of_chunks(cut, n, s->c.n, o->chunk, s->c.list);
    free(cut);
    free(cosine);
    return wn_choose_emit(&s->c, n, run);
}

static const struct wn_frame_ops ops = WN_CHOOSE_OPS;

const struct wn_filter wn_filter_tdc_segment = {
    .name = "tdc_segment",
    .brief = "the first frames of segments that are cut where frames change most; a small colour "
             "layout and histogram stand in for DINOv2",
    .paper = "TDC, segmentation and static frames, Hoar012/TDC-Video @ fb8333e",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct tdc_segment),
    .frame = &ops,
};
