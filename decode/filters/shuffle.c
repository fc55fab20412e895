/* SPDX-License-Identifier: MIT */
/* A control for measurements: what is seen stays, when it was seen is wrong. What an answer loses
 * by it, it owed to order. Holds every picture until the last one came. */
#include <stdlib.h>

#include "decode/frame_filter.h"

#define MOST_BYTES (256 << 20)

struct shuffle {
    const AVClass *class;
    int seed;
};

struct state {
    struct wn_pictures list;
    int64_t bytes;
    uint64_t lot;
    struct wn_log *log;
};

static const AVOption options[] = {
    {"seed", "another seed, another order", offsetof(struct shuffle, seed), AV_OPT_TYPE_INT,
     {.i64 = 0}, 0, INT32_MAX, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->lot = (uint64_t)((const struct shuffle *)priv)->seed;
    s->log = index->log;
    return WN_OK;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;

    s->bytes += wn_picture_bytes(p);
    wn_pictures_put(&s->list, p);
    if (s->bytes > MOST_BYTES)
        return wn_fail(s->log, WN_ERR_LIMIT, "shuffle would hold more than %d MiB of pictures: "
                       "choose fewer frames before it", MOST_BYTES >> 20);
    return WN_OK;
}

/* SplitMix64. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Time, number and scene stay in their places. */
static void swap(struct wn_picture *a, struct wn_picture *b)
{
    AVFrame *frame = a->frame;
    struct wn_frame *rgb = a->rgb;
    const struct wn_shape shape = a->shape;

    a->frame = b->frame;
    a->rgb = b->rgb;
    a->shape = b->shape;
    b->frame = frame;
    b->rgb = rgb;
    b->shape = shape;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;
    struct wn_picture **at = wn_calloc((size_t)s->list.n + 1, sizeof(*at)), *p = s->list.head;
    int err = at ? WN_OK : wn_nomem(s->log, "an order of pictures");

    for (int i = 0; at && i < s->list.n; i++, p = p->next)
        at[i] = p;
    for (int i = s->list.n; at && i > 1; i--)
        swap(at[i - 1], at[draw(&s->lot) % (uint64_t)i]);
    free(at);
    while (!err && (p = wn_pictures_take(&s->list)))
        err = wn_frame_emit(run, p);
    s->bytes = 0;
    return err;
}

static void end(void *arg)
{
    wn_pictures_clear(&((struct state *)arg)->list);
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_shuffle = {
    .name = "shuffle",
    .brief = "a control for measurements: the frames in another order, at the times they had",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct shuffle),
    .frame = &ops,
};
