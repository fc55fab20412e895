/* SPDX-License-Identifier: MIT */
/* Where the end is known, the picture shown at the middle of each part is found in one pass that
 * holds one picture. Pushed pictures have no known end: they are thinned out as they come, which
 * holds at most 2 n of them (up to 16 where they are small). */
#include "decode/thin.h"

#include <math.h>

struct uniform {
    const AVClass *class;
    int n;
};

struct state {
    struct wn_thin thin;
    struct wn_picture *held; /* the last one seen, not emitted */
    double start, part;      /* part 0: the end is not known */
    int n, next;
};

#define OFFSET(field) offsetof(struct uniform, field)

static const AVOption options[] = {
    {"n", "frames, each at the middle of one of n equal parts of the time", OFFSET(n),
     AV_OPT_TYPE_INT, {.i64 = 8}, 1, 100000, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->n = ((const struct uniform *)priv)->n;
    s->start = index->start;
    if (index->end > index->start)
        s->part = (index->end - index->start) / s->n;
    else if (wn_thin_begin(&s->thin, s->n, index->log) < 0)
        return wn_nomem(index->log, "uniform");
    return WN_OK;
}

static double target(const struct state *s)
{
    return s->start + (s->next + 0.5) * s->part;
}

static void plan(const void *state, struct wn_wanted *wanted)
{
    const struct state *s = state;

    if (s->part > 0 && s->next < s->n)
        wanted->from = fmax(wanted->from, target(s));
}

static int emit_held(struct state *s, struct wn_frame_run *run)
{
    struct wn_picture *held = s->held;

    s->held = NULL;
    return held ? wn_frame_emit(run, held) : WN_OK;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    bool wanted = false;
    int err = WN_OK;

    if (s->part <= 0) {
        wn_thin_add(&s->thin, p, 0);
        return WN_OK;
    }
    const double slack = fmin(1e-3, 0.1 * s->part); /* containers round stamps to milliseconds */
    for (; s->next < s->n && target(s) + slack < p->time; s->next++)
        wanted = true;
    if (wanted && !s->held) /* the stream begins behind the first middle */
        return wn_frame_emit(run, p);
    if (wanted)
        err = emit_held(s, run);
    wn_picture_free(&s->held);
    if (err < 0 || s->next == s->n)
        wn_picture_free(&p);
    s->held = p;
    return err;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;

    if (s->part <= 0)
        return wn_thin_choose(&s->thin, s->n, false, run);
    return s->next < s->n ? emit_held(s, run) : WN_OK;
}

static void end(void *arg)
{
    struct state *s = arg;

    wn_picture_free(&s->held);
    wn_thin_end(&s->thin);
}

static bool marks_only(const void *priv)
{
    return true;
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .needs_end = true,
    .begin = begin,
    .plan = plan,
    .marks_only = marks_only,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_uniform = {
    .name = "uniform",
    .brief = "n frames spread evenly over the whole time",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct uniform),
    .frame = &ops,
};
