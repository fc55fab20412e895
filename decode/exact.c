/* SPDX-License-Identifier: MIT */
#include "exact.h"

#include "detect/parts.h"
#include "plan.h"
#include "small.h"

#include <stdlib.h>
#include <string.h>

/* Of a frame that was compared: the planes of GOPs' ends are few. */
#define LOOK_BYTES 4096

struct exact_lane {
    struct wn_small small;
    uint8_t *hsv[2];       /* [3][height][width], of this frame and of the one before */
    int64_t last;          /* number of that frame; -1: none */
    bool damaged;          /* a key frame was none */
};

struct exact {
    struct wn_decoder *d;
    struct exact_lane *lane;
    int n_lanes;
    bool hsv, alone;       /* see wn_scene_looks() */
};

bool wn_exact_useful(const struct wn_decoder *d)
{
    return d->input && wn_reader_lanes(d->input) > 1 && wn_decoder_may_choose(d);
}

static int64_t stamp_of(const struct wn_packets *x, int64_t frame)
{
    return wn_packet_stamp(x, wn_frame_packet(x, frame));
}

/* The first and the last of a GOP meet others that another lane decodes. */
static bool ends_gop(const struct wn_packets *x, int64_t frame)
{
    return frame + 1 >= x->n_frames ||
           wn_stamp_gop(x, stamp_of(x, frame)) != wn_stamp_gop(x, stamp_of(x, frame + 1));
}

/* A GOP of which pictures are shown before its key frame: a decoder that begins there misses what
 * they lean on, and complains. */
static bool any_open(const struct wn_packets *x)
{
    int64_t g = -1;

    for (int64_t i = 0; i < x->n; i++) {
        if (g + 1 < x->n_gops && x->key[g + 1] == i)
            g++;
        else if (g >= 0 && wn_packet_stamp(x, i) < wn_packet_stamp(x, x->key[g]))
            return true;
    }
    return false;
}

static struct wn_look *new_look(const struct wn_small *small, bool whole)
{
    const size_t bytes = 3 * (size_t)small->width * (size_t)small->height;
    struct wn_look *look = wn_calloc(1, sizeof(*look) + (whole ? bytes : 0));

    if (!look)
        return NULL;
    look->width = small->width;
    look->height = small->height;
    look->whole = whole;
    return look;
}

/* hue, saturation and luma of the small picture, and how far they are from the frame before. */
static struct wn_look *compare(struct exact *e, struct exact_lane *lane, int64_t number)
{
    const size_t n = (size_t)lane->small.width * (size_t)lane->small.height;
    const bool compared = lane->last >= 0 && lane->last == number - 1;
    struct wn_look *look = new_look(&lane->small, e->alone || !compared ||
                                                      ends_gop(e->d->packets, number));

    for (int i = 0; i < 2; i++)
        if (!lane->hsv[i])
            lane->hsv[i] = wn_calloc(n, 3);
    if (!look || !lane->hsv[0] || !lane->hsv[1]) {
        free(look);
        return NULL;
    }
    uint8_t *now = lane->hsv[number & 1];
    const uint8_t *before = lane->hsv[~number & 1];
    wn_hsv(lane->small.rgb, n, now, now + n, now + 2 * n);
    for (size_t k = 0; compared && k < 3; k++)
        look->apart[k] = wn_distance(now + k * n, before + k * n, n);
    look->hsv = true;
    look->compared = compared;
    if (look->whole)
        memcpy(look->data, now, 3 * n);
    lane->last = number;
    return look;
}

/* On a worker: what the detector needs of a picture, which is let go. */
static int look_at(void *opaque, int number, struct wn_picture *picture)
{
    struct exact *e = opaque;
    struct exact_lane *lane = &e->lane[number];
    const int err = wn_small_make(&lane->small, picture, e->d->log);

    if (err < 0)
        return err;
    if (!picture->key && (!picture->number || ends_gop(e->d->packets, picture->number - 1)))
        lane->damaged = true;
    if (e->hsv) {
        picture->look = compare(e, lane, picture->number);
    } else {
        picture->look = new_look(&lane->small, true);
        if (picture->look)
            memcpy(picture->look->data, lane->small.rgb,
                   3 * (size_t)lane->small.width * (size_t)lane->small.height);
    }
    av_frame_free(&picture->frame);
    return picture->look ? WN_OK : wn_nomem(e->d->log, "a small picture");
}

/* Whether the detector can go on from the look before to this one. */
static bool follows(const struct wn_look *look, const struct wn_look *before)
{
    return !before->width ||
           (look->width == before->width && look->height == before->height &&
            (look->compared || before->whole));
}

static int put_all(struct wn_decoder *d, int (*ready)(struct wn_decoder *d, void *opaque),
                   void *opaque)
{
    struct wn_look before = {.width = 0};
    struct wn_picture *p = NULL;
    int64_t n = 0;
    int err;

    for (;; n++) {
        err = wn_reader_next(d->reader, &p);
        if (err)
            break;
        if (p->number != d->chosen[n] || !follows(p->look, &before)) {
            wn_picture_free(&p);
            return WN_AGAIN;
        }
        before = *p->look;
        TRY(wn_run_put(d->run, p));
        TRY(ready(d, opaque));
    }
    if (err != WN_EOF)
        return err;
    if (n < d->n_chosen || d->input->read_damaged)
        return WN_AGAIN;
    TRY(wn_run_flush(d->run));
    err = ready(d, opaque);
fail:
    return err;
}

/* What is lost, decoders make up from the pictures before, which lanes do not have. */
static bool is_damaged(const struct exact *e, int64_t complaints)
{
    for (int i = 0; i < e->n_lanes; i++)
        if (e->lane[i].damaged)
            return true;
    return wn_notes_complaints(&e->d->input->file->notes) > complaints && !any_open(e->d->packets);
}

static int open_reader(struct exact *e)
{
    struct wn_decoder *d = e->d;
    int32_t w, h;

    wn_detect_size(d->shared->media.width, d->shared->media.height, &w, &h);
    return wn_reader_create(&d->reader, &(struct wn_reader_params){
                                            .input = d->input,
                                            .packets = d->packets,
                                            .frame = d->chosen,
                                            .n = d->n_chosen,
                                            .prepare = look_at,
                                            .opaque = e,
                                            .picture_bytes = e->alone ? 3LL * w * h : LOOK_BYTES,
                                        });
}

int wn_exact_read(struct wn_decoder *d, const struct wn_instance *filter,
                  int (*ready)(struct wn_decoder *d, void *opaque), void *opaque)
{
    const struct wn_index index = wn_decoder_facts(d);
    const int64_t errors = d->input->errors;
    struct exact e = {.d = d, .n_lanes = wn_reader_lanes(d->input)};
    int err;

    wn_scene_looks(filter, &e.hsv, &e.alone);
    e.lane = wn_calloc((size_t)e.n_lanes, sizeof(*e.lane));
    if (!e.lane)
        return wn_nomem(d->log, "scenes");
    for (int i = 0; i < e.n_lanes; i++)
        e.lane[i].last = -1;
    TRY(wn_plan_choose(&d->chosen, &d->n_chosen, d->packets, NULL, 0, &index));
    TRY(open_reader(&e));
    const int64_t complaints = wn_notes_complaints(&d->input->file->notes);
    err = put_all(d, ready, opaque);
    if (!err && (d->input->errors > errors || is_damaged(&e, complaints)))
        err = WN_AGAIN;
fail:
    wn_decoder_forget_plan(d);
    for (int i = 0; i < e.n_lanes; i++) {
        wn_small_finish(&e.lane[i].small);
        free(e.lane[i].hsv[0]);
        free(e.lane[i].hsv[1]);
    }
    free(e.lane);
    if (err != WN_AGAIN)
        return err;
    wn_say(d->log, WN_LOG_DEBUG, "%s: it is not as its packets promise; it is read through",
           d->input->file->name);
    d->input->errors = errors;
    d->input->read_damaged = false;
    err = wn_input_rewind(d->input);
    return err < 0 ? err : WN_AGAIN;
}
