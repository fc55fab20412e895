/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include "run.h"

#include <stdlib.h>

int wn_plan_prefix(struct wn_instance *const *filters, int n)
{
    int k = 0;

    while (k < n && filters[k]->filter->frame->marks_only &&
           filters[k]->filter->frame->marks_only(filters[k]->priv))
        k++;
    return k;
}

struct chosen {
    uint32_t *frame;
    int64_t n, room;
};

static int take_all(struct chosen *c, struct wn_run *run)
{
    for (struct wn_picture *p = wn_run_take(run); p; p = wn_run_take(run)) {
        const int64_t number = p->number;
        wn_picture_free(&p);
        if (c->n == c->room) {
            const int64_t room = c->room ? 2 * c->room : 256;
            uint32_t *grown = wn_regrow(c->frame, (size_t)room, sizeof(*grown));
            if (!grown)
                return WN_ERR_NOMEM;
            c->frame = grown;
            c->room = room;
        }
        c->frame[c->n++] = (uint32_t)number;
    }
    return WN_OK;
}

static int show_all(struct chosen *c, struct wn_run *run, const struct wn_packets *x,
                    const struct wn_index *index)
{
    int64_t gop = 0;
    int err = WN_OK;

    for (int64_t i = 0; i < x->n_frames && !err; i++) {
        const int64_t packet = wn_frame_packet(x, i);
        const double time = wn_packet_time(x, packet);
        struct wn_picture *p = NULL;
        if (time < index->start)
            continue;
        if (index->last > 0 && time >= index->last)
            break;
        TRY(wn_picture_create_mark(&p));
        while (gop < x->n_gops && x->key[gop] < packet)
            gop++;
        while (gop > 0 && (gop == x->n_gops || x->key[gop] > packet))
            gop--;
        p->time = time;
        p->number = i;
        p->key = x->key[gop] == packet;
        TRY(wn_run_put(run, p));
        err = take_all(c, run);
    }
fail:
    return err;
}

int wn_plan_choose(uint32_t **frame, int64_t *n, const struct wn_packets *x,
                   struct wn_instance *const *filters, int n_filters, const struct wn_index *index)
{
    struct chosen c = {0};
    struct wn_run *run = NULL;
    int err;

    TRY(wn_run_create(&run, filters, n_filters, index));
    TRY(show_all(&c, run, x, index));
    TRY(wn_run_flush(run));
    TRY(take_all(&c, run));
    *frame = c.frame;
    *n = c.n;
    c.frame = NULL;
fail:
    free(c.frame);
    wn_run_destroy(&run);
    return err == WN_ERR_NOMEM ? wn_nomem(index->log, "the choice of frames") : err;
}

void wn_plan_stretch(struct wn_stretch *out, const struct wn_packets *x, const uint32_t *frame,
                     int64_t n, int64_t from)
{
    const int64_t gop = wn_stamp_gop(x, wn_packet_stamp(x, wn_frame_packet(x, frame[from])));
    const int64_t next = gop + 1 < x->n_gops ? wn_packet_stamp(x, x->key[gop + 1]) : INT64_MAX;
    struct wn_stretch s = {.from = from, .to = from, .first = x->key[gop], .gops = 1};

    s.last = s.first;
    for (; s.to < n; s.to++) {
        const int64_t packet = wn_frame_packet(x, frame[s.to]);
        if (s.to > from && wn_packet_stamp(x, packet) >= next)
            break;
        s.last = WN_MAX(s.last, packet);
    }
    for (int64_t i = s.first; i <= s.last; i++)
        s.bytes += wn_packet_bytes(x, i);
    *out = s;
}

void wn_plan_long_stretch(struct wn_stretch *out, const struct wn_packets *x, const uint32_t *frame,
                          int64_t n, int64_t from, int64_t wanted)
{
    struct wn_stretch more;

    wn_plan_stretch(out, x, frame, n, from);
    while (out->to < n && out->last - out->first + 1 < wanted) {
        wn_plan_stretch(&more, x, frame, n, out->to);
        if (more.first > out->last + 1)
            break;
        for (int64_t i = out->last + 1; i <= more.last; i++)
            out->bytes += wn_packet_bytes(x, i);
        out->to = more.to;
        out->last = WN_MAX(out->last, more.last);
        out->gops++;
    }
}
