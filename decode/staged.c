/* SPDX-License-Identifier: MIT */
#include "staged.h"

#include "detect/joins.h"
#include "parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_OPEN 0.7      /* share of the frames to be decoded, above which all of them are */
#define FLAT 6.0           /* contrast of a picture that shows nearly nothing */
#define ROOM 1024          /* thumbs held; joins are looked for in so many at once */
#define EDGE 96            /* of them at each end that are looked at again with their neighbours */
#define MOST_JOINS 512     /* in ROOM pictures */

struct staged {
    struct wn_staged *out;
    const struct wn_packets *x;
    struct wn_input *input;
    struct wn_log *log;
    struct wn_converter *convert; /* [n_lanes] */
    int n_lanes;
    enum wn_gop_verdict *verdict; /* [n_gops] */
    int64_t *inside;              /* [n_gops] frame of a cut */
    double *ahead;                /* [n_gops] */
    int room;
    int (*on_progress)(void *opaque, double done);
    void *opaque;

    struct wn_thumb *thumb;       /* [ROOM] of consecutive frames */
    struct wn_join *join;
    double *time;                 /* [ROOM] */
    int64_t first, n, settled;    /* number of thumb[0]; joins before `settled` were taken */
};

static int add_cut(struct staged *s, int64_t frame, double time, double score)
{
    if (wn_staged_add(s->out, &s->room, &(struct wn_staged_cut){frame, time, score}) < 0)
        return wn_nomem(s->log, "scenes");
    return WN_OK;
}

/* ---- thumbs ---- */

/* On a worker: the frame becomes a gray one that holds the thumb's three planes. */
static int shrink(void *opaque, int lane, struct wn_picture *p)
{
    struct staged *s = opaque;
    struct wn_thumb thumb;
    const int err = wn_thumb_make(&thumb, &s->convert[lane], p, s->log);

    if (err)
        return err;
    av_frame_unref(p->frame);
    p->frame->buf[0] = av_buffer_alloc(sizeof(thumb));
    if (!p->frame->buf[0])
        return wn_nomem(s->log, "a small picture");
    memcpy(p->frame->buf[0]->data, &thumb, sizeof(thumb));
    return WN_OK;
}

static const struct wn_thumb *thumb_of(const struct wn_picture *p)
{
    return (const struct wn_thumb *)p->frame->buf[0]->data;
}

static double distance(const struct wn_thumb *a, const struct wn_thumb *b)
{
    double mean, most;

    wn_thumb_difference(a, b, &mean, &most);
    return mean;
}

static int report(struct staged *s, double done)
{
    if (s->on_progress && s->on_progress(s->opaque, done))
        return wn_fail(s->log, WN_ERR_ABORTED, "stopped by the caller");
    return WN_OK;
}

/* ---- joins of consecutive frames ---- */

static int take_joins(struct staged *s, int64_t until)
{
    const int n = wn_joins_find(s->thumb, s->n, s->join, MOST_JOINS);
    int err = n < 0 ? wn_nomem(s->log, "scenes") : WN_OK;

    for (int i = 0; i < n && !err; i++) {
        const int64_t frame = s->first + s->join[i].at;
        if (frame >= s->settled && frame < until)
            err = add_cut(s, frame, s->time[s->join[i].at], s->join[i].score);
    }
    s->settled = WN_MAX(s->settled, until);
    return err;
}

static int end_run(struct staged *s)
{
    const int err = s->n ? take_joins(s, s->first + s->n) : WN_OK;

    s->n = 0;
    return err;
}

static int put_thumb(struct staged *s, const struct wn_thumb *thumb, int64_t frame, double time)
{
    int err = WN_OK;

    if (s->n && frame != s->first + s->n)
        TRY(end_run(s));
    if (s->n == ROOM) {
        TRY(take_joins(s, s->first + s->n - EDGE));
        memmove(s->thumb, s->thumb + s->n - 2 * EDGE, 2 * EDGE * sizeof(*s->thumb));
        memmove(s->time, s->time + s->n - 2 * EDGE, 2 * EDGE * sizeof(*s->time));
        s->first += s->n - 2 * EDGE;
        s->n = 2 * EDGE;
    }
    if (!s->n)
        s->first = frame;
    s->time[s->n] = time;
    s->thumb[s->n++] = *thumb;
fail:
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
        TRY(put_thumb(s, &thumb, frame, p->time));
        if (!s->out->decoded) {
            s->out->first = frame;
            s->out->start = p->time;
        }
        s->out->frames = frame + 1;
        s->out->end = p->time + s->input->clock.frame;
        s->out->decoded++;
        if (end > 0)
            TRY(report(s, WN_MIN(p->time / end, 1)));
        wn_picture_free(&p);
    }
    if (err == WN_EOF)
        err = end_run(s);
fail:
    wn_picture_free(&p);
    return err;
}

/* ---- chosen frames ---- */

static int open_reader(struct staged *s, struct wn_reader **reader, const uint32_t *frame,
                       int64_t n)
{
    return wn_reader_create(reader, &(struct wn_reader_params){
                                        .input = s->input,
                                        .packets = s->x,
                                        .frame = frame,
                                        .n = n,
                                        .prepare = shrink,
                                        .opaque = s,
                                        .picture_bytes = sizeof(struct wn_thumb),
                                    });
}

struct keys { /* what is known of the key frames so far */
    struct wn_thumb last[2];
    int64_t n;
    double *across;
    bool *flat;
};

static void see_key(struct staged *s, struct keys *k, const struct wn_thumb *thumb)
{
    const int64_t n = k->n++;

    k->flat[n] = wn_thumb_contrast(thumb) < FLAT;
    s->ahead[n] = k->across[n] = -1;
    if (n > 0)
        s->ahead[n - 1] = distance(&k->last[(n - 1) & 1], thumb);
    if (n > 1)
        k->across[n - 2] = distance(&k->last[n & 1], thumb);
    k->last[n & 1] = *thumb;
}

/* Reads the key frames in [0, n_gops); fewer when the index deceives: WN_AGAIN. */
static int read_keys(struct staged *s, struct keys *k, const uint32_t *frame)
{
    struct wn_reader *reader = NULL;
    struct wn_picture *p = NULL;
    int err;

    TRY(open_reader(s, &reader, frame, s->x->n_gops));
    for (;;) {
        err = wn_reader_next(reader, &p);
        if (err)
            break;
        if (k->n >= s->x->n_gops || p->number != frame[k->n]) {
            err = WN_AGAIN; /* one cannot be decoded */
            break;
        }
        see_key(s, k, thumb_of(p));
        s->out->decoded++;
        TRY(report(s, 0.5 * (double)k->n / (double)s->x->n_gops));
        wn_picture_free(&p);
    }
    if (err == WN_EOF)
        err = k->n == s->x->n_gops ? WN_OK : WN_AGAIN;
fail:
    wn_picture_free(&p);
    wn_reader_destroy(&reader);
    return err;
}

static double around(const struct staged *s, int64_t g)
{
    const double before = g > 0 ? s->ahead[g - 1] : -1;
    const double after = g + 1 < s->x->n_gops ? s->ahead[g + 1] : -1;

    return before < 0 ? after : after < 0 ? before : WN_MIN(before, after);
}

static void judge(struct staged *s, const struct keys *k)
{
    struct wn_gop g;
    int64_t longest = 0;

    for (int64_t i = 0; i < s->x->n_gops; i++) {
        wn_gop_get(s->x, i, &g);
        longest = WN_MAX(longest, g.n);
    }
    for (int64_t i = 0; i < s->x->n_gops; i++)
        s->verdict[i] = wn_gop_judge(s->x, i, &(struct wn_gop_look){
                                                  .ahead = s->ahead[i],
                                                  .across = k->across[i],
                                                  .flat = k->flat[i],
                                                  .next_flat = i + 1 < k->n && k->flat[i + 1],
                                                  .longest = longest,
                                                  .around = around(s, i),
                                              }, &s->inside[i]);
}

static int look_at_keys(struct staged *s, const uint32_t *frame)
{
    struct keys k = {.n = 0};
    int err = WN_ERR_NOMEM;

    k.across = wn_calloc((size_t)s->x->n_gops, sizeof(*k.across));
    k.flat = wn_calloc((size_t)s->x->n_gops, sizeof(*k.flat));
    if (k.across && k.flat)
        err = read_keys(s, &k, frame);
    else
        wn_nomem(s->log, "key frames");
    if (!err)
        judge(s, &k);
    free(k.across);
    free(k.flat);
    return err;
}

/* Frames of the GOPs that are to be opened, each with the key frame behind it. */
static int64_t open_frames(const struct staged *s, const uint32_t *key, uint32_t *frame)
{
    int64_t n = 0;
    uint32_t next = 0;

    for (int64_t i = 0; i < s->x->n_gops; i++) {
        const uint32_t end =
            i + 1 < s->x->n_gops ? key[i + 1] + 1 : (uint32_t)s->x->n_frames;
        if (s->verdict[i] != WN_GOP_OPEN)
            continue;
        for (uint32_t f = WN_MAX(key[i], next); f < end; f++, n++)
            if (frame)
                frame[n] = f;
        next = end;
    }
    return n;
}

static int read_open(struct staged *s, const uint32_t *frame, int64_t n)
{
    struct wn_reader *reader = NULL;
    struct wn_picture *p = NULL;
    int64_t done = 0;
    int err;

    TRY(open_reader(s, &reader, frame, n));
    for (;;) {
        err = wn_reader_next(reader, &p);
        if (err)
            break;
        TRY(put_thumb(s, thumb_of(p), p->number, p->time));
        s->out->decoded++;
        TRY(report(s, 0.5 + 0.5 * (double)++done / (double)n));
        wn_picture_free(&p);
    }
    if (err == WN_EOF)
        err = wn_reader_deceived(reader) ? WN_AGAIN : end_run(s);
fail:
    wn_picture_free(&p);
    wn_reader_destroy(&reader);
    return err;
}

/* Cuts that need no decoding. */
static int add_seen(struct staged *s, const uint32_t *key)
{
    int err = WN_OK;

    for (int64_t i = 0; i < s->x->n_gops && !err; i++) {
        int64_t frame = -1;
        if (s->verdict[i] == WN_GOP_CUT_AT_END)
            frame = key[i + 1];
        if (s->verdict[i] == WN_GOP_CUT_INSIDE)
            frame = s->inside[i];
        if (frame >= 0)
            err = add_cut(s, frame, wn_packet_time(s->x, wn_frame_packet(s->x, frame)),
                          s->ahead[i]);
    }
    return err;
}

/* WN_AGAIN: every frame must be read after all. */
static int read_some(struct staged *s, uint32_t *key)
{
    uint32_t *frame = NULL;
    int err;

    for (int64_t i = 0; i < s->x->n_gops; i++) {
        const int64_t f = wn_packet_frame(s->x, s->x->key[i]);
        if (f < 0 || (i && f <= key[i - 1]))
            return WN_AGAIN;
        key[i] = (uint32_t)f;
    }
    err = look_at_keys(s, key);
    if (err)
        return err;
    const int64_t n = open_frames(s, key, NULL);
    s->out->whole = "too much of it changes";
    if ((double)n > MOST_OPEN * (double)s->x->n_frames)
        return WN_AGAIN;
    frame = wn_calloc((size_t)n, sizeof(*frame));
    if (!frame)
        return wn_nomem(s->log, "a list of frames");
    open_frames(s, key, frame);
    err = n ? read_open(s, frame, n) : WN_OK;
    free(frame);
    if (!err)
        err = add_seen(s, key);
    for (int64_t i = 0; i < s->x->n_gops; i++)
        s->out->opened += s->verdict[i] == WN_GOP_OPEN;
    s->out->whole = err ? s->out->whole : NULL;
    return err;
}

static int begin(struct staged *s, const struct wn_decoder_params *params)
{
    const size_t gops = s->x ? (size_t)s->x->n_gops : 0;
    int err;

    TRY(wn_input_open(&s->input, params));
    s->n_lanes = WN_MAX(wn_reader_lanes(s->input), 1);
    s->convert = wn_calloc((size_t)s->n_lanes + 1, sizeof(*s->convert));
    s->verdict = wn_calloc(gops, sizeof(*s->verdict));
    s->inside = wn_calloc(gops, sizeof(*s->inside));
    s->ahead = wn_calloc(gops, sizeof(*s->ahead));
    s->thumb = wn_calloc(ROOM, sizeof(*s->thumb));
    s->time = wn_calloc(ROOM, sizeof(*s->time));
    s->join = wn_calloc(MOST_JOINS, sizeof(*s->join));
    if (!s->convert || !s->verdict || !s->inside || !s->ahead || !s->thumb || !s->time || !s->join)
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
    free(s->verdict);
    free(s->inside);
    free(s->ahead);
    free(s->thumb);
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
        out->frames = packets->n_frames;
        out->end = wn_packet_time(packets, wn_frame_packet(packets, packets->n_frames - 1)) +
                   s.input->clock.frame;
        out->whole = "its packets are not as indexed";
        key = wn_calloc((size_t)packets->n_gops, sizeof(*key));
        err = key ? read_some(&s, key) : wn_nomem(s.log, "key frames");
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
    if (wn_staged_tidy(out, &s.room, packets, s.input->clock.frame, rule) < 0)
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
