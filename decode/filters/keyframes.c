/* SPDX-License-Identifier: MIT */
/* With `max` and a file whose key frames were counted, each is kept or dropped as it comes. Where
 * none could be counted they are thinned out: at most 2 max of them are held (up to 16 where they
 * are small). */
#include "decode/thin.h"

struct keyframes {
    const AVClass *class;
    int max;
};

struct state {
    struct wn_thin thin;
    int64_t max, keys, seen, given;
    bool thins;
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
    s->keys = index->keys;
    s->thins = s->max && !s->keys;
    if (s->thins && wn_thin_begin(&s->thin, (int)s->max, index->log) < 0)
        return wn_nomem(index->log, "keyframes");
    return WN_OK;
}

static void plan(const void *state, struct wn_wanted *wanted)
{
    wanted->key_only = true;
}

/* The middles of max equal parts of all key frames. */
static bool is_wanted(struct state *s)
{
    const int64_t i = s->seen++;

    if (s->keys <= s->max)
        return true;
    if (s->given >= s->max || i < (2 * s->given + 1) * s->keys / (2 * s->max))
        return false;
    s->given++;
    return true;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;

    if (!p->key) {
        wn_picture_free(&p);
        return WN_OK;
    }
    if (s->thins) {
        wn_thin_add(&s->thin, p, 0);
        return WN_OK;
    }
    if (!s->max || is_wanted(s))
        return wn_frame_emit(run, p);
    wn_picture_free(&p);
    return WN_OK;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;

    return s->thins ? wn_thin_choose(&s->thin, (int)s->max, false, run) : WN_OK;
}

static void end(void *arg)
{
    wn_thin_end(&((struct state *)arg)->thin);
}

static bool marks_only(const void *priv)
{
    return true;
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .plan = plan,
    .marks_only = marks_only,
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
