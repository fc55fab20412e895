/* SPDX-License-Identifier: MIT */
/* Holds at most 2 n pictures of the scene that is running (up to 16 where they are small). */
#include "decode/small.h"
#include "decode/thin.h"

enum { BY_CENTRAL, BY_SHARP };

struct pick {
    const AVClass *class;
    int n, by;
};

struct state {
    struct wn_thin thin;
    struct wn_small small;
    int n, by;
    int32_t scene;
    struct wn_log *log;
};

#define OFFSET(field) offsetof(struct pick, field)

static const AVOption options[] = {
    {"n", "frames of each scene", OFFSET(n), AV_OPT_TYPE_INT, {.i64 = 1}, 1, 1000, 0, NULL},
    {"by", "central: the middles of n equal parts; sharp: the sharpest of each part", OFFSET(by),
     AV_OPT_TYPE_INT, {.i64 = BY_CENTRAL}, BY_CENTRAL, BY_SHARP, 0, "by"},
    {"central", NULL, 0, AV_OPT_TYPE_CONST, {.i64 = BY_CENTRAL}, 0, 0, 0, "by"},
    {"sharp", NULL, 0, AV_OPT_TYPE_CONST, {.i64 = BY_SHARP}, 0, 0, 0, "by"},
    {"sharpest", NULL, 0, AV_OPT_TYPE_CONST, {.i64 = BY_SHARP}, 0, 0, 0, "by"},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    const struct pick *o = priv;
    struct state *s = arg;

    s->n = o->n;
    s->by = o->by;
    s->log = index->log;
    return wn_thin_begin(&s->thin, o->n, index->log) < 0 ? wn_nomem(index->log, "pick") : WN_OK;
}

/* Variance of the Laplacian of the small picture's green plane, which is nearest to luma. */
static double sharpness(const struct wn_small *small)
{
    const int32_t w = small->width, h = small->height;
    const ptrdiff_t row = w;
    int64_t sum = 0, squares = 0, n = 0;

    for (int32_t y = 1; y + 1 < h; y++) {
        const uint8_t *g = small->rgb + (h + y) * row;
        for (int32_t x = 1; x + 1 < w; x++, n++) {
            const uint8_t *p = g + x;
            const int64_t l = 4 * p[0] - p[-1] - p[1] - p[-row] - p[row];
            sum += l;
            squares += l * l;
        }
    }
    if (!n)
        return 0;
    const double mean = (double)sum / (double)n;
    return (double)squares / (double)n - mean * mean;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    double score = 0;
    int err = WN_OK;

    if (p->scene != s->scene)
        err = wn_thin_choose(&s->thin, s->n, s->by == BY_SHARP, run);
    s->scene = p->scene;
    if (err >= 0 && s->by == BY_SHARP) {
        err = wn_small_make(&s->small, p, s->log);
        score = err < 0 ? 0 : sharpness(&s->small);
    }
    if (err < 0) {
        wn_picture_free(&p);
        return err;
    }
    wn_thin_add(&s->thin, p, score);
    return WN_OK;
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;

    return wn_thin_choose(&s->thin, s->n, s->by == BY_SHARP, run);
}

static void end(void *arg)
{
    struct state *s = arg;

    wn_thin_end(&s->thin);
    wn_small_finish(&s->small);
}

static bool marks_only(const void *priv)
{
    return ((const struct pick *)priv)->by == BY_CENTRAL;
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .marks_only = marks_only,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_pick = {
    .name = "pick",
    .brief = "n frames of each scene",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct pick),
    .frame = &ops,
};
