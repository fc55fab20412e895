/* SPDX-License-Identifier: MIT */
/* Only marks: every picture goes on, with its scene and that scene's score. A detector may find a
 * cut some pictures late, so as many are held: at most `min_len` for content, `window` for
 * adaptive, none for the others. `fade` would hold a whole black stretch: past MOST pictures, or
 * MOST_BYTES and more than FEW, the cut moves to the oldest one held. */
#include "decode/detect/detect.h"
#include "decode/small.h"
#include "decode/frame_filter.h"
#include "decode/staged.h"

#include <math.h>

#define MOST 256
#define FEW 16
#define MOST_BYTES (512 << 20)

struct scene {
    const AVClass *class;
    int detector, method, min_len, window, mode, kernel, size, lowpass, bins, final_cut;
    double threshold, max_len, min_content, hue, sat, lum, edges, bias;
};

struct state {
    struct wn_detector *detector;
    struct wn_small small;
    struct wn_pictures held;
    int64_t first;   /* count of the oldest picture held */
    int32_t scene;
    double score;    /* of the scene's cut */
    double start, max_len; /* of it, seconds */
    const struct wn_staged *staged; /* NULL: pictures are looked at */
    struct wn_log *log;
};

#define OFFSET(field) offsetof(struct scene, field)
#define INT(name, field, help, def, low, high, unit) \
    {name, help, OFFSET(field), AV_OPT_TYPE_INT, {.i64 = def}, low, high, 0, unit}
#define NUMBER(name, field, help, def, low, high) \
    {name, help, OFFSET(field), AV_OPT_TYPE_DOUBLE, {.dbl = def}, low, high, 0, NULL}
#define WORD(name, value, unit) {name, NULL, 0, AV_OPT_TYPE_CONST, {.i64 = value}, 0, 0, 0, unit}

static const AVOption options[] = {
    INT("detector", detector, "content, adaptive, hash, histogram, fade or scdet",
        WN_DETECT_CONTENT, 0, WN_DETECT_SCDET, "detector"),
    WORD("content", WN_DETECT_CONTENT, "detector"),
    WORD("adaptive", WN_DETECT_ADAPTIVE, "detector"),
    WORD("hash", WN_DETECT_HASH, "detector"),
    WORD("histogram", WN_DETECT_HISTOGRAM, "detector"),
    WORD("fade", WN_DETECT_FADE, "detector"),
    WORD("scdet", WN_DETECT_SCDET, "detector"),
    NUMBER("threshold", threshold,
           "score of a cut; 0: the detector's own (content 27, adaptive 3, "
           "hash 0.395, histogram 0.05, fade 12, scdet 10)",
           0, 0, 1e6),
    INT("method", method,
        "exact: every frame is looked at; staged: key frames and packet sizes tell which stretches "
        "are, by rules of its own for cuts, dissolves and fades; a file for which that is no use "
        "gets the detector", 0, 0, 1, "method"),
    WORD("exact", 0, "method"),
    WORD("staged", 1, "method"),
    NUMBER("max_len", max_len, "seconds after which a scene is cut whatever it shows; 0: never", 0,
           0, 1e9),
    INT("min_len", min_len, "shortest scene, frames", 15, 0, MOST, NULL),
    INT("mode", mode, "of content, what happens to cuts that are too near: merge or suppress", 0, 0,
        1, "mode"),
    WORD("merge", 0, "mode"),
    WORD("suppress", 1, "mode"),
    NUMBER("hue", hue, "weight in the content score", 1, -1e6, 1e6),
    NUMBER("sat", sat, "weight in the content score", 1, -1e6, 1e6),
    NUMBER("lum", lum, "weight in the content score", 1, -1e6, 1e6),
    NUMBER("edges", edges, "weight in the content score", 0, -1e6, 1e6),
    INT("kernel", kernel, "size to which edges grow, odd, pixels; 0: by picture size", 0, 0, 99,
        NULL),
    INT("window", window, "of adaptive: neighbours on each side", 2, 1, 100, NULL),
    NUMBER("min_content", min_content, "of adaptive: least content score of a cut", 15, 0, 1e6),
    INT("size", size, "of hash: bits a side", 16, 2, 64, NULL),
    INT("lowpass", lowpass, "of hash: 2 keeps the lower half of frequencies", 2, 1, 16, NULL),
    INT("bins", bins, "of histogram", 256, 2, 256, NULL),
    NUMBER("bias", bias, "of fade: place of the cut, -1 fade out to 1 fade in", 0, -1, 1),
    INT("final", final_cut, "of fade: 1 makes a fade out at the end a cut", 0, 0, 1, NULL),
    {NULL},
};

static int init(void *priv, struct wn_log *log)
{
    const struct scene *o = priv;

    if (fabs(o->hue) + fabs(o->sat) + fabs(o->lum) + fabs(o->edges) <= 0)
        return wn_fail(log, WN_ERR_ARG, "filter scene: all weights are 0");
    if (o->kernel && (o->kernel < 3 || o->kernel % 2 == 0))
        return wn_fail(log, WN_ERR_ARG, "filter scene: kernel=%d must be odd and at least 3",
                       o->kernel);
    return WN_OK;
}

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    const struct scene *o = priv;
    struct wn_detect_params p = wn_detect_defaults((enum wn_detect_kind)o->detector);
    struct state *s = arg;

    if (o->threshold > 0)
        p.threshold = o->threshold;
    p.min_len = o->min_len;
    p.fps = index->fps > 0 ? index->fps : 25;
    p.weight[0] = o->hue;
    p.weight[1] = o->sat;
    p.weight[2] = o->lum;
    p.weight[3] = o->edges;
    p.kernel = o->kernel;
    p.suppress = o->mode == 1;
    p.window = o->window;
    p.min_content = o->min_content;
    p.size = o->size;
    p.lowpass = o->lowpass;
    p.bins = o->bins;
    p.bias = o->bias;
    p.final_cut = o->final_cut;
    s->log = index->log;
    s->max_len = o->max_len;
    s->staged = o->method == 1 ? index->staged : NULL;
    if (wn_detector_create(&s->detector, &p) < 0)
        return wn_nomem(index->log, "scene");
    return WN_OK;
}

static void mark(struct state *s, int64_t cut, double score)
{
    struct wn_picture *p = s->held.head;

    if (cut == WN_NO_CUT)
        return;
    for (int64_t i = s->first; p && p->next && i < cut; i++)
        p = p->next;
    if (p) {
        p->cut = true;
        p->scene_score = score;
    }
}

static bool too_many(const struct state *s)
{
    return s->held.n > MOST ||
           (s->held.n > FEW && s->held.n * wn_picture_bytes(s->held.head) > MOST_BYTES);
}

static int release(struct state *s, int64_t settled, struct wn_frame_run *run)
{
    while (s->held.n && (s->first < settled || too_many(s))) {
        struct wn_picture *p = wn_pictures_take(&s->held);
        s->first++;
        if (p->cut) {
            s->scene++;
            s->score = p->scene_score;
            s->start = p->time;
        } else if (s->max_len > 0 && p->time >= s->start + s->max_len - 1e-6) {
            s->scene++;
            s->score = 0;
            s->start += floor((p->time - s->start + 1e-6) / s->max_len) * s->max_len;
        }
        p->scene = s->scene;
        p->scene_score = s->score;
        const int err = wn_frame_emit(run, p);
        if (err < 0)
            return err;
    }
    return WN_OK;
}

static int look(struct state *s, const struct wn_picture *p, struct wn_detect_result *r)
{
    const struct wn_look *l = p->look;
    int err;

    if (l && l->hsv) {
        err = wn_detector_feed_hsv(s->detector, l->whole ? l->data : NULL,
                                   l->compared ? l->apart : NULL, l->width, l->height, p->time, r);
    } else if (l) {
        err = wn_detector_feed(s->detector, l->data, l->width, l->height, p->time, r);
    } else {
        const struct wn_small *small = &s->small;
        TRY(wn_small_make(&s->small, p, s->log));
        err = wn_detector_feed(s->detector, small->rgb, small->width, small->height, p->time, r);
    }
    return err < 0 ? wn_nomem(s->log, "scene") : WN_OK;
fail:
    return err;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    struct wn_detect_result r;

    if (s->staged) {
        wn_staged_mark(s->staged, p);
        return wn_frame_emit(run, p);
    }
    const int err = look(s, p, &r);

    wn_pictures_put(&s->held, p);
    if (err < 0)
        return err;
    mark(s, r.cut, r.cut_score);
    return release(s, wn_detector_settled(s->detector), run);
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;

    mark(s, wn_detector_finish(s->detector), 0);
    return release(s, INT64_MAX, run);
}

static void end(void *arg)
{
    struct state *s = arg;

    wn_detector_destroy(&s->detector);
    wn_small_finish(&s->small);
    wn_pictures_clear(&s->held);
}

static bool marks_only(const void *priv)
{
    return ((const struct scene *)priv)->method == 1;
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .marks_only = marks_only,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_scene = {
    .name = "scene",
    .brief = "marks where scenes begin; keeps every frame",
    .paper =
        "PySceneDetect 0.7.1, Breakthrough/PySceneDetect @ 131c5f60c9d4; scdet: FFmpeg vf_scdet",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct scene),
    .init = init,
    .frame = &ops,
};
