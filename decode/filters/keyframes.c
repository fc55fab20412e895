/* SPDX-License-Identifier: MIT */
/* With `max`, key frames are thinned out as they come: at most 2 max of them are held (up to 16
 * where they are small). */
#include "decode/thin.h"

struct keyframes {
    const AVClass *class;
    int max;
};

struct state {
    struct wn_thin thin;
    int max;
};

#define OFFSET(field) offsetof(struct keyframes, field)

static const AVOption options[] = {
    {"max", "most frames, spread evenly among the key frames; 0: all of them", OFFSET(max),
     AV_OPT_TYPE_INT, {.i64 = 0}, 0, 100000, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->max = ((const struct keyframes *)priv)->max;
    if (s->max && wn_thin_begin(&s->thin, s->max) < 0)
        return wn_nomem(index->log, "keyframes");
    return WN_OK;
}

static void plan(const void *state, struct wn_wanted *wanted)
{
    wanted->key_only = true;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;

    if (!p->key) {
        wn_picture_free(&p);
        return WN_OK;
    }
    if (!s->max)
        return wn_frame_emit(run, p);
    wn_thin_add(&s->thin, p, 0);
    return WN_OK;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;

    return s->max ? wn_thin_choose(&s->thin, s->max, false, run) : WN_OK;
}

static void end(void *arg)
{
    wn_thin_end(&((struct state *)arg)->thin);
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .plan = plan,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_keyframes = {
    .name = "keyframes",
    .brief = "only frames that the codec stored whole; as the first filter decodes nothing else",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct keyframes),
    .frame = &ops,
};
