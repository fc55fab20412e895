/* SPDX-License-Identifier: MIT */
/* Key frames, and of the GOPs between them those that packet sizes do not explain. */
#include "staged_state.h"

#include <stdlib.h>
#include <string.h>

#define MOST_OPEN 0.7      /* share of the frames to be decoded, above which all of them are */
#define FLAT 6.0           /* contrast of a picture that shows nearly nothing */
#define LIKE 0.3           /* of the key frames' distance, within which a frame is like one */
#define LEAST_LIKE 5.0     /* levels, the same */
#define CALM 8             /* frames in a row, after which the rest of a GOP is left alone */
#define LEAST_EARLY 3      /* GOPs of a file whose encoder marks cuts, and a quarter of all */
#define BEHIND 8           /* packets behind one that stands out: they may be shown before it */
#define LAST 4             /* frames of a GOP that are looked at each */
#define CHANGED 36.0       /* levels between key frames of two shots */
#define STRIDE 8           /* frames in which motion changes a picture */
#define SLACK 6            /* frames more, where some are left out */
#define MOTION 0.6         /* of the distance to the next key frame, that it then has changed */
#define ASTRAY 0.75        /* of both halves of a way, that the whole is at most */
#define LEAST_OPEN 16      /* frames of it that are looked at */

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

/* ---- key frames ---- */

typedef int prepare_fn(void *opaque, int lane, struct wn_picture *picture);

static int open_reader(struct staged *s, struct wn_reader **reader, const uint32_t *frame,
                       const bool *spare, int64_t n, prepare_fn *prepare)
{
    return wn_reader_create(reader, &(struct wn_reader_params){
                                        .input = s->input,
                                        .packets = s->x,
                                        .frame = frame,
                                        .spare = spare,
                                        .leaves_off = spare,
                                        .n = n,
                                        .prepare = prepare,
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
    if (s->key_thumb)
        s->key_thumb[n] = *thumb;
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

    TRY(open_reader(s, &reader, frame, NULL, s->x->n_gops, shrink));
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
        TRY(wn_staged_report(s, 0.5 * (double)k->n / (double)s->x->n_gops));
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
    int64_t longest = 0, early = 0;

    for (int64_t i = 0; i < s->x->n_gops; i++) {
        wn_gop_get(s->x, i, &g);
        longest = WN_MAX(longest, g.n);
    }
    for (int64_t i = 0; i + 1 < s->x->n_gops; i++) {
        wn_gop_get(s->x, i, &g);
        early += wn_gop_is_early(g.n, longest);
    }
    for (int64_t i = 0; i < s->x->n_gops; i++)
        wn_gop_judge(s->x, i, &(struct wn_gop_look){
                                  .ahead = s->ahead[i],
                                  .across = k->across[i],
                                  .flat = k->flat[i],
                                  .next_flat = i + 1 < k->n && k->flat[i + 1],
                                  .longest = longest,
                                  .around = around(s, i),
                                  .marks = early >= LEAST_EARLY && early * 4 >= s->x->n_gops,
                              }, &s->found[i]);
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

/* ---- GOPs that are opened ---- */

static bool is_open(const struct staged *s, int64_t gop)
{
    return s->found[gop].verdict == WN_GOP_OPEN;
}

/* Where looking at this GOP ends at the latest; its next key frame is known, if thumbs are kept. */
static uint32_t open_end(const struct staged *s, int64_t gop)
{
    const struct wn_gop_finding *f = &s->found[gop];

    if (gop + 1 >= s->x->n_gops)
        return (uint32_t)s->x->n_frames;
    if (f->ends)
        return (uint32_t)WN_MIN(WN_MAX(f->until, s->key[gop] + LEAST_OPEN), s->key[gop + 1]);
    return s->key_thumb ? s->key[gop + 1] : s->key[gop + 1] + 1;
}

static int64_t open_frames(const struct staged *s, uint32_t *frame)
{
    int64_t n = 0;
    uint32_t next = 0;

    for (int64_t i = 0; i < s->x->n_gops; i++) {
        const uint32_t end = is_open(s, i) ? open_end(s, i) : 0;
        for (uint32_t f = WN_MAX(s->key[i], next); f < end; f++, n++)
            if (frame)
                frame[n] = f;
        next = WN_MAX(next, end);
    }
    return n;
}

static int64_t gop_of(const struct staged *s, int64_t frame)
{
    int64_t low = 0, high = s->x->n_gops;

    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (s->key[middle] <= frame)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Pictures that no others lean on are needed only where a cut may be, to tell its frame, and at the
 * end of a GOP. */
static int mark_spare(const struct staged *s, const uint32_t *frame, bool *spare, int64_t n)
{
    bool *note = NULL;
    struct wn_gop g = {.n = 0};

    for (int64_t i = 0, end = 0; i < n; i++) {
        if (frame[i] >= end) {
            const int64_t gop = gop_of(s, frame[i]);
            end = gop + 1 < s->x->n_gops ? s->key[gop + 1] : s->x->n_frames;
            wn_gop_get(s->x, gop, &g);
            free(note);
            note = wn_calloc((size_t)g.n, sizeof(*note));
            if (!note)
                return wn_nomem(s->log, "packets");
            wn_gop_notes(s->x, gop, BEHIND, note);
        }
        const int64_t packet = wn_frame_packet(s->x, frame[i]) - g.first;
        spare[i] = frame[i] + LAST < end && packet > 0 && packet < g.n && !note[packet];
    }
    free(note);
    return WN_OK;
}

/* The picture this many frames before, or a little earlier; NULL: there is none. */
static const struct wn_thumb *back(const struct wn_trail *t, int64_t frame, int64_t frames)
{
    for (int k = 1; k < t->n; k++) {
        const int i = (t->at - 1 - k + 2 * WN_TRAIL) % WN_TRAIL;
        if (t->frame[i] <= frame - frames)
            return t->frame[i] > frame - frames - SLACK ? &t->thumb[i] : NULL;
    }
    return NULL;
}

static void leave_trail(struct wn_trail *t, int64_t gop, const struct wn_thumb *thumb,
                        int64_t frame)
{
    if (t->gop != gop)
        t->n = t->at = 0;
    t->gop = gop;
    t->thumb[t->at] = *thumb;
    t->frame[t->at] = frame;
    t->at = (t->at + 1) % WN_TRAIL;
    t->n = WN_MIN(t->n + 1, WN_TRAIL);
}

/* Motion that changes a picture in a few frames by nearly as much as the next key frame does, and
 * that does not lead from one picture to another, explains that one. */
static bool is_motion(const struct wn_trail *t, int64_t frame, const struct wn_thumb *now,
                      double apart)
{
    const struct wn_thumb *a = back(t, frame, 2 * STRIDE), *b = back(t, frame, STRIDE);

    if (!a || !b)
        return false;
    const double first = distance(a, b), second = distance(b, now);
    return WN_MIN(first, second) > MOTION * apart && distance(a, now) < ASTRAY * (first + second);
}

/* On a worker, which decodes a GOP from its beginning: behind the last packet of note, once frames
 * look like the next key frame or are on their way to it, there is no more to be found. A packet of
 * note behind a change to what the next key frame shows is a flash. */
static int look_at(void *opaque, int lane, struct wn_picture *p)
{
    struct staged *s = opaque;
    const int64_t gop = gop_of(s, p->number);
    const struct wn_gop_finding *f = &s->found[gop];
    const int err = shrink(opaque, lane, p);

    if (err || !s->key_thumb || gop + 1 >= s->x->n_gops)
        return err;
    const int64_t key = s->key[gop], least = WN_MAX(f->until, key + LEAST_OPEN);
    const double apart = distance(thumb_of(p), &s->key_thumb[gop + 1]);
    const bool like = apart < WN_MAX(LIKE * s->ahead[gop], LEAST_LIKE);
    leave_trail(&s->trail[lane], gop, thumb_of(p), p->number);
    if (!like)
        s->calm[gop] = (uint32_t)p->number + 1;
    if (like && p->number >= WN_MAX(s->calm[gop], key) + CALM)
        return p->number >= least || (s->calm[gop] > key && s->ahead[gop] >= CHANGED &&
                                      p->number >= f->but_one) ? WN_EOF : WN_OK;
    return f->steady && p->number >= least && p->number + STRIDE < s->key[gop + 1] &&
           is_motion(&s->trail[lane], p->number, thumb_of(p), apart) ? WN_EOF : WN_OK;
}

/* The key frame behind a GOP that was read to its end, unless it will be read itself. */
static int put_next_key(struct staged *s, int64_t last)
{
    const int64_t gop = gop_of(s, last) + 1;

    if (!s->key_thumb || last < 0 || gop >= s->x->n_gops || s->key[gop] != last + 1)
        return WN_OK;
    return wn_staged_put(s, &s->key_thumb[gop], last + 1,
                         wn_packet_time(s->x, wn_frame_packet(s->x, last + 1)));
}

static int read_open(struct staged *s, const uint32_t *frame, const bool *spare, int64_t n)
{
    struct wn_reader *reader = NULL;
    struct wn_picture *p = NULL;
    int64_t last = -1;
    int err;

    TRY(open_reader(s, &reader, frame, spare, n, look_at));
    for (;;) {
        err = wn_reader_next(reader, &p);
        if (err)
            break;
        if (last >= 0 && gop_of(s, last) == gop_of(s, p->number))
            TRY(wn_staged_leave(s, p->number));
        else if (p->number != last + 1)
            TRY(put_next_key(s, last));
        last = p->number;
        TRY(wn_staged_put(s, thumb_of(p), p->number, p->time));
        s->out->decoded++;
        TRY(wn_staged_report(s, 0.5 + 0.5 * (double)last / (double)s->x->n_frames));
        wn_picture_free(&p);
    }
    if (err == WN_EOF) {
        TRY(put_next_key(s, last));
        err = wn_reader_deceived(reader) ? WN_AGAIN : wn_staged_end_run(s);
    }
fail:
    wn_picture_free(&p);
    wn_reader_destroy(&reader);
    return err;
}

/* Cuts that need no decoding. */
static int add_seen(struct staged *s)
{
    int err = WN_OK;

    for (int64_t i = 0; i < s->x->n_gops && !err; i++) {
        int64_t frame = -1;
        if (s->found[i].verdict == WN_GOP_CUT_AT_END || (is_open(s, i) && s->found[i].ends))
            frame = s->key[i + 1];
        if (s->found[i].verdict == WN_GOP_CUT_INSIDE)
            frame = s->found[i].frame;
        if (frame >= 0)
            err = wn_staged_cut(s, frame, wn_packet_time(s->x, wn_frame_packet(s->x, frame)),
                                s->ahead[i]);
    }
    return err;
}

/* WN_AGAIN: every frame must be read after all. */
int wn_staged_some(struct staged *s, uint32_t *key)
{
    uint32_t *frame = NULL;
    bool *spare = NULL;
    int err;

    for (int64_t i = 0; i < s->x->n_gops; i++) {
        const int64_t f = wn_packet_frame(s->x, s->x->key[i]);
        if (f < 0 || (i && f <= key[i - 1]))
            return WN_AGAIN;
        key[i] = (uint32_t)f;
    }
    s->key = key;
    err = look_at_keys(s, key);
    if (err)
        return err;
    const int64_t n = open_frames(s, NULL);
    s->out->whole = "too much of it changes";
    if ((double)n > MOST_OPEN * (double)s->x->n_frames)
        return WN_AGAIN;
    frame = wn_calloc((size_t)n, sizeof(*frame));
    spare = wn_calloc((size_t)n, sizeof(*spare));
    if (frame && spare) {
        open_frames(s, frame);
        err = mark_spare(s, frame, spare, n);
        if (!err && n)
            err = read_open(s, frame, spare, n);
    } else {
        err = wn_nomem(s->log, "a list of frames");
    }
    free(frame);
    free(spare);
    if (!err)
        err = add_seen(s);
    for (int64_t i = 0; i < s->x->n_gops; i++)
        s->out->opened += is_open(s, i);
    s->out->whole = err ? s->out->whole : NULL;
    return err;
}

