/* SPDX-License-Identifier: MIT */
#include "decode/frame_filter.h"

#include <math.h>

struct fps {
    const AVClass *class;
    double fps;
};

struct state {
    double fps, origin, next;
};

#define OFFSET(field) offsetof(struct fps, field)

static const AVOption options[] = {
    {"fps", "frames a second: the first at or after each k/fps, none twice", OFFSET(fps),
     AV_OPT_TYPE_DOUBLE, {.dbl = 2}, 1e-6, 1000, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->fps = ((const struct fps *)priv)->fps;
    s->origin = s->next = index->start;
    return WN_OK;
}

static void plan(const void *state, struct wn_wanted *wanted)
{
    wanted->from = fmax(wanted->from, ((const struct state *)state)->next);
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    const double slack = fmin(1e-3, 0.1 / s->fps); /* containers round stamps to milliseconds */

    if (p->time + slack < s->next) {
        wn_picture_free(&p);
        return WN_OK;
    }
    s->next = s->origin + (floor((p->time - s->origin + slack) * s->fps) + 1) / s->fps;
    return wn_frame_emit(run, p);
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
};

const struct wn_filter wn_filter_fps = {
    .name = "fps",
    .brief = "frames at a fixed rate",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct fps),
    .frame = &ops,
};
