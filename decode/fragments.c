/* SPDX-License-Identifier: MIT */
/* The pictures of an MP4 file in fragments, each of which lists its own. libav keeps an entry in
 * memory for every sample that it has read; here the lists are read where they lie.
 *
 * Taken are files whose header lists no samples, and whose fragments say when they are decoded
 * (tfdt), in rising order, and where their bytes lie. Others are left to libav: those with a table
 * of segments (sidx), by which libav may date them, among them. */
#include "samples_parts.h"

#include <libavutil/intreadwrite.h>

#include <stdlib.h>
#include <string.h>

#define MOST_IN_FRAGMENT 1000 /* boxes */

enum { /* of tfhd */
    HAS_BASE = 0x1,
    HAS_DESCRIPTION = 0x2,
    HAS_DURATION = 0x8,
    HAS_SIZE = 0x10,
    HAS_FLAGS = 0x20,
    BASE_IS_MOOF = 0x20000,
};

enum { /* of trun */
    RUN_OFFSET = 0x1,
    RUN_FIRST_FLAGS = 0x4,
    RUN_DURATION = 0x100,
    RUN_SIZE = 0x200,
    RUN_FLAGS = 0x400,
    RUN_SHIFT = 0x800,
};

#define NOT_SYNC 0x00010000     /* of a sample's flags */
#define LEANS_ON_OTHERS 0x01000000

/* What is known of a track in a fragment before its runs. */
struct part {
    bool ours, timed;
    uint32_t flags;
};

/* So many bytes there; NULL: they are not all there. */
static const uint8_t *piece(struct wn_samples *s, int64_t at, int64_t n)
{
    struct wn_table *t = &s->piece;

    if (at < 0 || n < 0 || n > WN_TABLE_BYTES || at > t->n - n)
        return NULL;
    if (at < t->first || at + n > t->first + t->have)
        t->have = 0; /* from here on, then */
    return wn_table_get(s, t, at);
}

/* The next box: small ones follow each other, and are read together. */
static int next_box(struct wn_samples *s, int64_t *at, int64_t end, struct wn_box *b)
{
    if (*at >= end)
        return WN_EOF;
    const uint8_t *v = end - *at >= 8 ? piece(s, *at, 8) : NULL;
    const int64_t size = v ? AV_RB32(v) : 0;
    if (v && size < 8) /* a large one */
        return wn_box_next(s->hollow, at, end, b);
    if (!v || size > end - *at)
        return WN_ERR_DATA;
    *b = (struct wn_box){AV_RB32(v + 4), *at, *at + 8, *at + size};
    *at += size;
    return WN_OK;
}

/* Numbers of 32 bits behind each other in a box. */
struct numbers {
    struct wn_samples *s;
    int64_t at, end;
    bool missing;
};

static uint32_t next_number(struct numbers *n)
{
    const uint8_t *v = n->end - n->at >= 4 ? piece(n->s, n->at, 4) : NULL;

    n->missing |= !v;
    n->at += 4;
    return v ? AV_RB32(v) : 0;
}

static int64_t next_long(struct numbers *n)
{
    const uint64_t high = next_number(n);

    return (int64_t)(high << 32 | next_number(n));
}

static int read_head(struct wn_samples *s, const struct wn_box *b, int64_t moof, bool first,
                     struct part *part)
{
    struct wn_fragment_place *f = &s->place.fragment;
    struct numbers n = {s, b->at, b->end, false};

    part->flags = next_number(&n);
    part->ours = next_number(&n) == s->track;
    if (!part->ours)
        return n.missing ? WN_ERR_DATA : WN_OK;
    if (!(part->flags & (HAS_BASE | BASE_IS_MOOF)) && !first)
        return WN_ERR_DATA; /* behind the bytes of another track */
    f->base = part->flags & HAS_BASE ? next_long(&n) : moof;
    if (part->flags & HAS_DESCRIPTION && next_number(&n) != s->defaults.description)
        return WN_ERR_DATA;
    f->duration = part->flags & HAS_DURATION ? next_number(&n) : s->defaults.duration;
    f->size = part->flags & HAS_SIZE ? next_number(&n) : s->defaults.size;
    f->flags = part->flags & HAS_FLAGS ? next_number(&n) : s->defaults.flags;
    return n.missing || f->base < 0 ? WN_ERR_DATA : WN_OK;
}

static int read_time(struct wn_samples *s, const struct wn_box *b)
{
    struct numbers n = {s, b->at, b->end, false};
    const bool wide = next_number(&n) >> 24 == 1;

    s->place.dts = wide ? next_long(&n) : next_number(&n);
    return n.missing || s->place.dts < 0 || s->place.dts > INT64_MAX / 4 ? WN_ERR_DATA : WN_OK;
}

static bool is_plain_group(struct wn_samples *s, const struct wn_box *b)
{
    struct numbers n = {s, b->at + 4, b->end, false};

    return next_number(&n) != WN_TAG('r', 'a', 'p', ' ') && !n.missing;
}

/* A track of a fragment, up to its first run. */
static int read_part(struct wn_samples *s, const struct wn_box *traf, int64_t moof, bool first,
                     struct part *part)
{
    struct wn_box b;
    int64_t at = traf->at, run = 0;
    int err;

    while (!(err = next_box(s, &at, traf->end, &b))) {
        const bool head = b.kind == WN_TAG('t', 'f', 'h', 'd');
        if (head == (b.head > traf->at))
            return WN_ERR_DATA; /* it is the first one, and the only one */
        if (head)
            TRY(read_head(s, &b, moof, first, part));
        if (!part->ours)
            return WN_OK;
        if (b.kind == WN_TAG('t', 'f', 'd', 't')) {
            if (part->timed || run)
                return WN_ERR_DATA;
            part->timed = true;
            TRY(read_time(s, &b));
        } else if (b.kind == WN_TAG('t', 'r', 'u', 'n')) {
            run = run ? run : b.head;
        } else if (b.kind == WN_TAG('s', 'b', 'g', 'p') || b.kind == WN_TAG('s', 'g', 'p', 'd')) {
            if (!is_plain_group(s, &b))
                return WN_ERR_DATA;
        } else if (!head) {
            return WN_ERR_DATA;
        }
    }
    if (err == WN_EOF && run && part->timed) {
        s->place.fragment.box = run;
        s->place.fragment.end = traf->end;
        return WN_OK;
    }
    return WN_ERR_DATA;
fail:
    return err;
}

/* WN_EOF: nothing of our track is in it. */
static int read_fragment(struct wn_samples *s, const struct wn_box *moof)
{
    struct wn_box b;
    int64_t at = moof->at;
    bool found = false, first = true;
    int err, n = 0;

    while (!(err = next_box(s, &at, moof->end, &b)) && ++n < MOST_IN_FRAGMENT) {
        struct part part = {0};
        if (b.kind == WN_TAG('m', 'f', 'h', 'd'))
            continue;
        if (b.kind != WN_TAG('t', 'r', 'a', 'f'))
            return WN_ERR_DATA;
        const struct wn_sample_place before = s->place;
        TRY(read_part(s, &b, moof->head, first, &part));
        if (part.ours && found)
            return WN_ERR_DATA;
        if (!part.ours)
            s->place = before;
        found |= part.ours;
        first = false;
    }
    return err != WN_EOF ? WN_ERR_DATA : found ? WN_OK : WN_EOF;
fail:
    return err;
}

static int next_fragment(struct wn_samples *s)
{
    struct wn_fragment_place *f = &s->place.fragment;
    const int64_t size = wn_hollow_size(s->hollow);
    struct wn_box b;
    int err = WN_EOF;

    while (err == WN_EOF && !(err = next_box(s, &f->next, size, &b))) {
        switch (b.kind) {
        case WN_TAG('m', 'o', 'o', 'f'): err = read_fragment(s, &b); break;
        case WN_TAG('m', 'o', 'o', 'v'):
        case WN_TAG('s', 'i', 'd', 'x'): return WN_ERR_DATA;
        default: err = WN_EOF; break;
        }
    }
    return err;
}

static int entry_width(uint32_t flags)
{
    return 4 * (!!(flags & RUN_DURATION) + !!(flags & RUN_SIZE) + !!(flags & RUN_FLAGS) +
                !!(flags & RUN_SHIFT));
}

static int read_run(struct wn_samples *s, const struct wn_box *b)
{
    struct wn_fragment_place *f = &s->place.fragment;
    struct numbers n = {s, b->at, b->end, false};

    f->run_flags = next_number(&n);
    f->left = next_number(&n);
    if (!(f->run_flags & RUN_OFFSET) ||
        (f->run_flags & RUN_FIRST_FLAGS && f->run_flags & RUN_FLAGS))
        return WN_ERR_DATA;
    s->place.offset = f->base + (int32_t)next_number(&n);
    f->first_flags = f->run_flags & RUN_FIRST_FLAGS ? next_number(&n) : f->flags;
    f->first = true;
    f->entry = n.at;
    return n.missing || s->place.offset < 0 || f->left > WN_MOST_SAMPLES ||
           f->left * entry_width(f->run_flags) > b->end - n.at ? WN_ERR_DATA : WN_OK;
}

/* To the next run that has samples, in this fragment or a later one. */
static int next_run(struct wn_samples *s)
{
    struct wn_fragment_place *f = &s->place.fragment;
    int err = WN_OK;

    while (!err && f->left == 0) {
        struct wn_box b;
        err = next_box(s, &f->box, f->end, &b);
        if (err == WN_EOF)
            err = next_fragment(s);
        else if (!err && b.kind == WN_TAG('t', 'r', 'u', 'n'))
            err = read_run(s, &b);
    }
    return err;
}

int wn_fragments_step(struct wn_samples *s, struct wn_sample *out)
{
    struct wn_sample_place *p = &s->place;
    struct wn_fragment_place *f = &p->fragment;
    const uint32_t has = f->run_flags;
    const uint8_t *v;

    if (f->left == 0)
        return WN_EOF;
    const int width = entry_width(has);
    v = width ? piece(s, f->entry, width) : (const uint8_t *)"";
    if (!v)
        return WN_ERR_DATA;
    *out = (struct wn_sample){.offset = p->offset, .dts = p->dts};
    out->duration = has & RUN_DURATION ? AV_RB32(v) : f->duration;
    v += has & RUN_DURATION ? 4 : 0;
    out->size = has & RUN_SIZE ? AV_RB32(v) : f->size;
    v += has & RUN_SIZE ? 4 : 0;
    const uint32_t flags = has & RUN_FLAGS ? AV_RB32(v) : f->first ? f->first_flags : f->flags;
    v += has & RUN_FLAGS ? 4 : 0;
    out->cts = p->dts + (has & RUN_SHIFT ? (int32_t)AV_RB32(v) : 0);
    out->key = !(flags & (NOT_SYNC | LEANS_ON_OTHERS));
    p->sample++;
    p->dts += out->duration;
    p->offset += out->size;
    f->entry += width;
    f->left--;
    f->first = false;
    return f->left ? WN_OK : WN_MIN(next_run(s), 0); /* the place tells when the next one is due */
}

/* ---- opening ---- */

static int note(struct wn_samples *s, int64_t key, int64_t key_dts, int64_t *room)
{
    const int64_t i = s->place.sample / WN_SAMPLES_STEP;

    if (s->place.sample % WN_SAMPLES_STEP)
        return WN_OK;
    if (i >= *room) {
        *room = i + i / 2 + 16;
        struct wn_noted *grown = wn_regrow(s->noted, (size_t)*room, sizeof(*grown));
        if (!grown)
            return WN_ERR_NOMEM;
        s->noted = grown;
    }
    s->noted[i] = (struct wn_noted){s->place, key, key_dts};
    return WN_OK;
}

/* Once through all samples, as libav would have to read them: in rising order. */
static int note_all(struct wn_samples *s)
{
    const int64_t size = wn_hollow_size(s->hollow);
    int64_t key = -1, key_dts = 0, room = 0, last = -1;
    struct wn_sample x;
    int err = next_run(s);

    while (!err && s->place.fragment.left) {
        TRY(note(s, key, key_dts, &room));
        err = wn_fragments_step(s, &x);
        if (!err && (x.size <= 0 || x.size > INT32_MAX / 2 || x.offset > size - x.size ||
                     x.dts <= last || x.cts < x.dts || s->n++ >= WN_MOST_SAMPLES))
            err = WN_ERR_DATA;
        last = x.dts;
        s->frames_time += x.duration;
        s->length = x.dts + x.duration;
        s->end = WN_MAX(s->end, x.offset + x.size);
        if (x.key) {
            key = s->place.sample - 1;
            key_dts = x.dts;
        }
    }
    s->frames = s->n;
fail:
    return err == WN_ERR_NOMEM ? err : err < 0 || !s->n ? WN_EOF : WN_OK;
}

static const struct wn_track_header *only_video(const struct wn_header *h)
{
    const struct wn_track_header *video = NULL;

    for (int i = 0; i < h->n_tracks; i++) {
        if (wn_sample_count(h, &h->track[i]) > 0 || (h->track[i].video && video))
            return NULL;
        if (h->track[i].video)
            video = &h->track[i];
    }
    return video && video->timescale > 0 && video->n_descriptions == 1 ? video : NULL;
}

int wn_fragments_open(struct wn_samples *s, const struct wn_header *h,
                      const struct wn_samples_params *params)
{
    const struct wn_track_header *video = only_video(h);
    int n = 0;

    for (int i = 0; video && i < h->n_defaults; i++)
        if (h->defaults[i].track == video->id) {
            s->defaults = h->defaults[i];
            n++;
        }
    if (n != 1)
        return WN_EOF;
    s->fragments = true;
    s->track = video->id;
    s->timescale = video->timescale;
    s->piece = (struct wn_table){.n = wn_hollow_size(s->hollow), .width = 1};
    s->place.fragment.next = h->end;
    const int err = note_all(s);
    if (err || s->n <= WN_MAX(params->least, params->keep))
        return err ? err : WN_EOF;
    return wn_samples_go(s, 0) < 0 ? WN_EOF : WN_OK;
}
