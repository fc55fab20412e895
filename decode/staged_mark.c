/* SPDX-License-Identifier: MIT */
/* The list of cuts, and what a chain needs of it. */
#include "staged.h"

#include "detect/detect.h"

#include <libavutil/opt.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_GOP 12 /* frames, on average: below, key frames cost as much as all */

int wn_staged_add(struct wn_staged *out, int *room, const struct wn_staged_cut *cut)
{
    if (out->n == *room) {
        const int more = *room ? 2 * *room : 64;
        struct wn_staged_cut *grown = wn_regrow(out->cut, (size_t)more, sizeof(*grown));
        if (!grown)
            return WN_ERR_NOMEM;
        out->cut = grown;
        *room = more;
    }
    out->cut[out->n++] = *cut;
    return WN_OK;
}

static int by_frame(const void *pa, const void *pb)
{
    const struct wn_staged_cut *a = pa, *b = pb;

    return (a->frame > b->frame) - (a->frame < b->frame);
}

/* In order, and none nearer than so many frames to the one before or to the start: of such the one
 * that changes most. Frames may have been dropped where nothing moves, so their time counts. */
static void drop_near(struct wn_staged *out, double min_len, double frame)
{
    int kept = 0;

    if (out->n)
        qsort(out->cut, (size_t)out->n, sizeof(*out->cut), by_frame);
    for (int i = 0; i < out->n; i++) {
        const double from = kept ? out->cut[kept - 1].time : out->start;
        if (out->cut[i].time - from >= (WN_MAX(min_len, 1) - 0.5) * frame)
            out->cut[kept++] = out->cut[i];
        else if (kept && out->cut[i].score > out->cut[kept - 1].score)
            out->cut[kept - 1] = out->cut[i];
    }
    out->n = kept;
}

/* The first frame at or after this time, of a scene that begins at `cut`. */
static int64_t frame_at(const struct wn_packets *x, double frame,
                        const struct wn_staged_cut *cut, double time)
{
    int64_t low = -1, high = x && x->regular ? x->n_frames : 0;

    if (!high) /* no index: by its rate */
        return cut->frame + llrint((time - cut->time) / frame);
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (wn_packet_time(x, wn_frame_packet(x, middle)) < time)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Long scenes become windows, the last one shorter. */
static int add_windows(struct wn_staged *out, int *room, const struct wn_packets *x, double frame,
                       double length)
{
    const int n = out->n;
    int err = WN_OK;

    for (int i = -1; i < n && !err; i++) {
        const struct wn_staged_cut from = i < 0 ? (struct wn_staged_cut){out->first, out->start, 0}
                                                : out->cut[i];
        const double end = i + 1 < n ? out->cut[i + 1].time : out->end;
        for (int64_t k = 1; from.time + (double)k * length < end - 1e-3 && !err; k++) {
            const double time = from.time + (double)k * length;
            err = wn_staged_add(out, room, &(struct wn_staged_cut){
                                               frame_at(x, frame, &from, time), time, 0});
        }
    }
    if (out->n)
        qsort(out->cut, (size_t)out->n, sizeof(*out->cut), by_frame);
    return err;
}

int wn_staged_tidy(struct wn_staged *out, int *room, const struct wn_packets *packets,
                   double frame, const struct wn_staged_rule *rule)
{
    drop_near(out, rule->min_len, frame);
    return rule->max_len > 0 ? add_windows(out, room, packets, frame, rule->max_len) : WN_OK;
}

const char *wn_staged_no_use(const struct wn_packets *x, const struct wn_decoder_params *params)
{
    if (!x || !x->regular)
        return "it has no index to go by";
    if (params->start > 0 || params->end > 0)
        return "a part of it was asked for";
    if (x->n_gops < 3)
        return "it has too few key frames";
    if (x->n_frames < LEAST_GOP * x->n_gops)
        return "its key frames are too near to each other";
    return NULL;
}

static int64_t option(const struct wn_instance *filter, const char *name)
{
    int64_t value = 0;

    return av_opt_get_int(filter->priv, name, 0, &value) < 0 ? 0 : value;
}

void wn_scene_looks(const struct wn_instance *filter, bool *hsv, bool *alone)
{
    double edges = 0;

    av_opt_get_double(filter->priv, "edges", 0, &edges);
    *hsv = wn_detect_sees_hsv((enum wn_detect_kind)option(filter, "detector"));
    *alone = !*hsv || edges > 0;
}

bool wn_staged_wanted(const struct wn_instance *filter)
{
    return !strcmp(filter->filter->name, "scene") && option(filter, "method") == 1;
}

struct wn_staged_rule wn_staged_options(const struct wn_instance *filter)
{
    struct wn_staged_rule rule = {.min_len = (int)option(filter, "min_len")};

    av_opt_get_double(filter->priv, "max_len", 0, &rule.max_len);
    return rule;
}

void wn_staged_mark(const struct wn_staged *staged, struct wn_picture *p)
{
    int low = 0, high = staged->n; /* cuts before `low` are at or before the picture */

    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (staged->cut[middle].time <= p->time + 1e-6)
            low = middle + 1;
        else
            high = middle;
    }
    p->scene = low;
    p->scene_score = low ? staged->cut[low - 1].score : 0;
}
