/* SPDX-License-Identifier: MIT */
/* Holds no picture, only what is compared of the one kept last. */
#include "decode/frame_filter.h"
#include "decode/thumb.h"

struct dedup {
    const AVClass *class;
    int bits;
    double diff, cell, gap;
};

struct state {
    struct dedup o;
    struct wn_converter convert;
    struct wn_thumb last;
    uint64_t hash[2];
    double time;
    int32_t scene;
    bool any;
    struct wn_log *log;
};

#define OFFSET(field) offsetof(struct dedup, field)
#define NUMBER(name, field, help, def, high) \
    {name, help, OFFSET(field), AV_OPT_TYPE_DOUBLE, {.dbl = def}, 0, high, 0, NULL}

static const AVOption options[] = {
    {"bits", "of 128 of a difference hash that may differ; 128: the hash has no say", OFFSET(bits),
     AV_OPT_TYPE_INT, {.i64 = 6}, 0, 128, 0, NULL},
    NUMBER("diff", diff, "mean difference of 32 x 32 cells that may be, levels of 255", 2, 765),
    NUMBER("cell", cell, "difference that the one cell which changed most may have, levels", 10,
           765),
    NUMBER("gap", gap, "a frame is kept when the last one is so many seconds ago; 0: never", 0,
           1e9),
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->o = *(const struct dedup *)priv;
    s->log = index->log;
    return WN_OK;
}

static bool is_same(const struct state *s, const struct wn_picture *p, const struct wn_thumb *thumb,
                    const uint64_t hash[2])
{
    double mean, most;

    if (!s->any || p->scene != s->scene || (s->o.gap > 0 && p->time - s->time >= s->o.gap))
        return false;
    wn_thumb_difference(&s->last, thumb, &mean, &most);
    return wn_thumb_bits(s->hash, hash) <= s->o.bits && mean <= s->o.diff && most <= s->o.cell;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    struct wn_thumb thumb;
    uint64_t hash[2];

    const int err = wn_thumb_make(&thumb, &s->convert, p, s->log);
    if (!err)
        wn_thumb_hash(&thumb, hash);
    if (err || is_same(s, p, &thumb, hash)) {
        wn_picture_free(&p);
        return err;
    }
    s->any = true;
    s->last = thumb;
    s->hash[0] = hash[0];
    s->hash[1] = hash[1];
    s->time = p->time;
    s->scene = p->scene;
    return wn_frame_emit(run, p);
}

static void end(void *arg)
{
    wn_convert_finish(&((struct state *)arg)->convert);
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .picture = picture,
    .end = end,
};

const struct wn_filter wn_filter_dedup = {
    .name = "dedup",
    .brief = "drops frames that look like the one kept last, so that a slow drift is kept",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct dedup),
    .frame = &ops,
};
