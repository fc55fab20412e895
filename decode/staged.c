/* SPDX-License-Identifier: MIT */
#include "staged_state.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 1024          /* thumbs held; joins are looked for in so many at once */
#define EDGE 96            /* of them at each end that are looked at again with their neighbours */
#define MOST_JOINS 512     /* in ROOM pictures */
#define MOST_KEY_THUMBS ((size_t)64 << 20) /* bytes */

int wn_staged_cut(struct staged *s, int64_t frame, double time, double score)
{
    if (wn_staged_add(s->out, &s->room, &(struct wn_staged_cut){frame, time, score}) < 0)
        return wn_nomem(s->log, "scenes");
    return WN_OK;
}

int wn_staged_report(struct staged *s, double done)
{
    if (s->on_progress && s->on_progress(s->opaque, done))
        return wn_fail(s->log, WN_ERR_ABORTED, "stopped by the caller");
    return WN_OK;
}

/* ---- joins of consecutive frames ---- */

/* A cut where motion was assumed. */
static bool is_made_up(const struct staged *s, const struct wn_join *join)
{
    return join->kind == WN_JOIN_CUT && (s->kind[join->at] == WN_STAGED_MIXED ||
                                         s->kind[join->at - 1] == WN_STAGED_MIXED);
}

static int take_joins(struct staged *s, int64_t until)
{
    int n, err;

    wn_staged_fill(s->thumb, s->kind, s->n);
    n = wn_joins_find(s->thumb, s->n, s->join, MOST_JOINS);
    err = n < 0 ? wn_nomem(s->log, "scenes") : WN_OK;

    for (int i = 0; i < n && !err; i++) {
        const int64_t frame = s->first + s->join[i].at;
        if (frame >= s->settled && frame < until && !is_made_up(s, &s->join[i]))
            err = wn_staged_cut(s, frame, s->time[s->join[i].at], s->join[i].score);
    }
    s->settled = WN_MAX(s->settled, until);
    return err;
}

int wn_staged_end_run(struct staged *s)
{
    const int err = s->n ? take_joins(s, s->first + s->n) : WN_OK;

    s->n = 0;
    return err;
}

/* thumb NULL: it was left out. */
static int put(struct staged *s, const struct wn_thumb *thumb, int64_t frame, double time)
{
    int err = WN_OK;

    if (s->n && frame != s->first + s->n)
        TRY(wn_staged_end_run(s));
    if (s->n == ROOM) {
        TRY(take_joins(s, s->first + s->n - EDGE));
        memmove(s->thumb, s->thumb + s->n - 2 * EDGE, 2 * EDGE * sizeof(*s->thumb));
        memmove(s->time, s->time + s->n - 2 * EDGE, 2 * EDGE * sizeof(*s->time));
        memmove(s->kind, s->kind + s->n - 2 * EDGE, 2 * EDGE * sizeof(*s->kind));
        s->first += s->n - 2 * EDGE;
        s->n = 2 * EDGE;
    }
    if (!s->n)
        s->first = frame;
    s->time[s->n] = time;
    s->kind[s->n] = thumb ? WN_STAGED_SEEN : WN_STAGED_HELD;
    if (thumb)
        s->thumb[s->n] = *thumb;
    s->n++;
fail:
    return err;
}

int wn_staged_put(struct staged *s, const struct wn_thumb *thumb, int64_t frame, double time)
{
    return put(s, thumb, frame, time);
}

int wn_staged_leave(struct staged *s, int64_t frame)
{
    int err = WN_OK;

    for (int64_t i = s->first + s->n; s->n && i < frame && !err; i++)
        err = put(s, NULL, i, wn_packet_time(s->x, wn_frame_packet(s->x, i)));
    return err;
}

/* ---- every frame ---- */

static int read_all(struct staged *s)
{
    const double end = s->input->end > 0 ? s->input->end : s->input->duration;
    struct wn_wanted wanted = {.from = 0};
    struct wn_picture *p = NULL;
    int64_t frame = 0;
    int err;

    s->input->no_seek = true; /* frames are numbered from the first */
    for (;;) {
        struct wn_thumb thumb;
        err = wn_input_next(s->input, &wanted, &p);
        if (err)
            break;
        frame = p->number >= 0 ? p->number : frame + 1;
        TRY(wn_thumb_make(&thumb, s->convert, p, s->log));
        TRY(wn_staged_put(s, &thumb, frame, p->time));
        if (!s->out->decoded) {
            s->out->first = frame;
            s->out->start = p->time;
        }
        s->out->frames = frame + 1;
        s->out->end = p->time + s->input->clock.frame;
        s->out->decoded++;
        if (end > 0)
            TRY(wn_staged_report(s, WN_MIN(p->time / end, 1)));
        wn_picture_free(&p);
    }
    if (err == WN_EOF)
        err = wn_staged_end_run(s);
fail:
    wn_picture_free(&p);
    return err;
}

static int begin(struct staged *s, const struct wn_decoder_params *params)
{
    const size_t gops = s->x ? (size_t)s->x->n_gops : 0;
    int err;

    TRY(wn_input_open(&s->input, params));
    s->n_lanes = WN_MAX(wn_reader_lanes(s->input), 1);
    s->convert = wn_calloc((size_t)s->n_lanes + 1, sizeof(*s->convert));
    s->found = wn_calloc(gops, sizeof(*s->found));
    s->ahead = wn_calloc(gops, sizeof(*s->ahead));
    s->calm = wn_calloc(gops, sizeof(*s->calm));
    s->trail = wn_calloc((size_t)s->n_lanes + 1, sizeof(*s->trail));
    if (gops * sizeof(*s->key_thumb) <= MOST_KEY_THUMBS) /* without them more is decoded */
        s->key_thumb = wn_calloc(gops, sizeof(*s->key_thumb));
    s->thumb = wn_calloc(ROOM, sizeof(*s->thumb));
    s->kind = wn_calloc(ROOM, sizeof(*s->kind));
    s->time = wn_calloc(ROOM, sizeof(*s->time));
    s->join = wn_calloc(MOST_JOINS, sizeof(*s->join));
    if (!s->convert || !s->found || !s->ahead || !s->calm || !s->trail || !s->thumb || !s->kind ||
        !s->time || !s->join)
        err = wn_nomem(s->log, "scenes");
fail:
    return err;
}

static void finish(struct staged *s)
{
    wn_input_close(&s->input);
    for (int i = 0; s->convert && i <= s->n_lanes; i++)
        wn_convert_finish(&s->convert[i]);
    free(s->convert);
    free(s->found);
    free(s->ahead);
    free(s->calm);
    free(s->trail);
    free(s->key_thumb);
    free(s->thumb);
    free(s->kind);
    free(s->time);
    free(s->join);
}

/* From the start once more, with a fresh decoder. */
static int start_over(struct staged *s, const struct wn_decoder_params *params)
{
    wn_input_close(&s->input);
    s->out->n = 0;
    s->n = s->settled = 0;
    s->out->decoded = 0;
    return wn_input_open(&s->input, params);
}

int wn_staged_find(struct wn_staged *out, const struct wn_decoder_params *params,
                   const struct wn_packets *packets, const struct wn_staged_rule *rule)
{
    struct wn_decoder_params p = *params;
    struct staged s = {
        .out = out,
        .x = packets,
        .log = params->log,
        .on_progress = params->on_progress,
        .opaque = params->opaque,
    };
    int err;

    p.on_progress = NULL;
    p.rough = true;
    *out = (struct wn_staged){.gops = packets ? packets->n_gops : 0};
    out->whole = wn_staged_no_use(packets, params);
    TRY(begin(&s, &p));
    uint32_t *key = NULL;
    err = out->whole ? WN_AGAIN : WN_OK;
    if (!err) {
        out->start = wn_packet_time(packets, wn_frame_packet(packets, 0));
        out->frames = packets->n_frames;
        out->end = wn_packet_time(packets, wn_frame_packet(packets, packets->n_frames - 1)) +
                   s.input->clock.frame;
        out->whole = "its packets are not as indexed";
        key = wn_calloc((size_t)packets->n_gops, sizeof(*key));
        err = key ? wn_staged_some(&s, key) : wn_nomem(s.log, "key frames");
        free(key);
        if (err == WN_AGAIN)
            err = start_over(&s, &p) < 0 ? WN_ERR_IO : WN_AGAIN;
    }
    if (err == WN_AGAIN)
        TRY(read_all(&s));
    if (err < 0)
        goto fail;
    out->media.size = sizeof(out->media);
    wn_input_media(s.input, &out->media);
    /* Seconds of a frame on average, as detectors count. */
    const double frame = s.input->fps > 0 ? 1 / s.input->fps : s.input->clock.frame;
    if (wn_staged_tidy(out, &s.room, packets, frame, rule) < 0)
        err = wn_nomem(s.log, "scenes");
fail:
    finish(&s);
    if (err < 0) {
        free(out->cut);
        out->cut = NULL;
        out->n = 0;
    }
    return err;
}
