/* SPDX-License-Identifier: MIT */
/* Without `n` a frame is kept each time that `energy` was gathered since the one kept before, and
 * nothing is held. With `n` at most 2 n frames are held (up to 16 where they are small): when there
 * are more, the one goes without which the smallest step of motion is left. */
#include "decode/frame_filter.h"
#include "decode/thumb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES (256 << 20)

struct motion {
    const AVClass *class;
    double energy;
    int n;
};

struct held {
    struct wn_picture *picture;
    double at; /* motion before it */
};

struct state {
    struct wn_converter convert;
    struct wn_thumb last;
    const struct motion *o;
    double total, kept_at;
    int32_t scene;
    int64_t seen;
    struct held *item;
    int n, most;
    struct wn_log *log;
};

#define OFFSET(field) offsetof(struct motion, field)

static const AVOption options[] = {
    {"energy", "motion between frames that stay: the sum over pictures of the mean change of their "
     "32 x 32 cells, levels of 0 to 255", OFFSET(energy), AV_OPT_TYPE_DOUBLE, {.dbl = 16}, 0, 1e9,
     0, NULL},
    {"n", "so many frames at equal shares of all motion instead; 0: by energy", OFFSET(n),
     AV_OPT_TYPE_INT, {.i64 = 0}, 0, 4096, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->o = priv;
    s->log = index->log;
    s->most = WN_MAX(2 * s->o->n, 16);
    s->item = wn_calloc((size_t)s->most + 1, sizeof(*s->item));
    return s->item ? WN_OK : wn_nomem(index->log, "motion");
}

/* Without the one that is missed least; first and last stay. */
static void drop_one(struct state *s)
{
    int least = 1;

    for (int i = 2; i + 1 < s->n; i++)
        if (s->item[i + 1].at - s->item[i - 1].at < s->item[least + 1].at - s->item[least - 1].at)
            least = i;
    wn_picture_free(&s->item[least].picture);
    memmove(s->item + least, s->item + least + 1, (size_t)(s->n - least - 1) * sizeof(*s->item));
    s->n--;
}

static void hold(struct state *s, struct wn_picture *p)
{
    if (!s->n) {
        const int64_t fit = MOST_BYTES / wn_picture_bytes(p), least = WN_MAX(s->o->n + 1, 4);
        s->most = (int)WN_MIN(s->most, WN_MAX(fit, least));
    }
    s->item[s->n++] = (struct held){p, s->total};
    if (s->n > s->most)
        drop_one(s);
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    struct wn_thumb thumb;
    const int err = wn_thumb_make(&thumb, &s->convert, p, s->log);

    if (err) {
        wn_picture_free(&p);
        return err;
    }
    const bool first = !s->seen++ || p->scene != s->scene;
    if (s->seen > 1)
        s->total += wn_thumb_motion(&s->last, &thumb);
    s->last = thumb;
    s->scene = p->scene;
    if (s->o->n) {
        hold(s, p);
        return WN_OK;
    }
    if (!first && s->total - s->kept_at < s->o->energy) {
        wn_picture_free(&p);
        return WN_OK;
    }
    s->kept_at = s->total;
    return wn_frame_emit(run, p);
}

/* The held frame nearest to each middle of n equal shares, in order, none twice. */
static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;
    const int count = WN_MIN(s->o->n, s->n);
    int from = 0, err = WN_OK;

    for (int k = 0; k < count && !err; k++) {
        const double target = (k + 0.5) * s->total / count;
        const int last = s->n - (count - k); /* leave one for each share to come */
        int best = from;
        for (int i = from + 1; i <= last; i++)
            if (fabs(s->item[i].at - target) < fabs(s->item[best].at - target))
                best = i;
        struct wn_picture *p = s->item[best].picture;
        s->item[best].picture = NULL;
        from = best + 1;
        err = wn_frame_emit(run, p);
    }
    return err;
}

static void end(void *arg)
{
    struct state *s = arg;

    for (int i = 0; s->item && i < s->n; i++)
        wn_picture_free(&s->item[i].picture);
    free(s->item);
    wn_convert_finish(&s->convert);
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_motion = {
    .name = "motion",
    .brief = "frames by how much moves: few where nothing does, many where much does",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct motion),
    .frame = &ops,
};
