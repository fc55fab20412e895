/* SPDX-License-Identifier: MIT */
/* The boxes of a file's header: where the tables lie, and whether all of it is ordinary. */
#include "samples_parts.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>

#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 8
#define MOST_TRACKS 100
#define MOST_BOXES 100000
#define MOST_SAMPLES ((int64_t)64 << 20) /* a month at 25 a second */
#define TAG(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

struct box {
    uint32_t kind;
    int64_t at, end; /* of what it holds */
};

struct track {
    uint32_t id;
    int64_t timescale;
    bool video;
    struct box size, time, shift, chunk, run, key; /* .end 0: there is none */
    bool wide_chunks;
    int n_descriptions;
    bool edited;
    int64_t media_time, shown; /* of the edit, in units of the media and of the film */
};

struct header {
    struct wn_hollow *hollow;
    int64_t timescale;
    struct track track[MOST_TRACKS];
    int n_tracks, n_boxes;
    bool odd;
};

static bool peek(const struct header *h, int64_t at, uint8_t *out, int n)
{
    return wn_hollow_peek(h->hollow, at, out, n);
}

/* ---- single boxes ---- */

static void read_times(struct header *h, const struct box *b, int64_t *timescale)
{
    uint8_t v[24];

    if (b->end - b->at < 24 || !peek(h, b->at, v, 24)) {
        h->odd = true;
        return;
    }
    *timescale = AV_RB32(v + (v[0] == 1 ? 20 : 12));
    h->odd |= *timescale <= 0;
}

/* What shows the whole track: one edit, maybe behind an empty one. */
static void read_edits(struct header *h, struct track *t, const struct box *b)
{
    uint8_t v[8 + 2 * 20];
    const int64_t have = WN_MIN(b->end - b->at, (int64_t)sizeof(v));

    if (have < 8 || !peek(h, b->at, v, (int)have)) {
        h->odd = true;
        return;
    }
    const int width = v[0] == 1 ? 20 : 12;
    const int64_t n = AV_RB32(v + 4);
    if (n < 1 || n > 2 || 8 + n * width > have) {
        h->odd = true;
        return;
    }
    for (int i = 0; i < n; i++) {
        const uint8_t *e = v + 8 + i * width;
        const int64_t shown = v[0] == 1 ? (int64_t)AV_RB64(e) : AV_RB32(e);
        const int64_t from = v[0] == 1 ? (int64_t)AV_RB64(e + 8) : (int32_t)AV_RB32(e + 4);
        const uint32_t rate = AV_RB32(e + width - 4);
        const bool last = i == n - 1;
        h->odd |= rate != 0x10000 || (last ? from < 0 || shown <= 0 : from != -1);
        t->media_time = from;
        t->shown = shown;
    }
    t->edited = true;
}

static void read_leaf(struct header *h, struct track *t, const struct box *b)
{
    uint8_t v[12] = {0};

    if (b->end - b->at >= 12)
        h->odd |= !peek(h, b->at, v, 12);
    switch (b->kind) {
    case TAG('t', 'k', 'h', 'd'):
        h->odd |= !peek(h, b->at + (v[0] == 1 ? 20 : 12), v, 4);
        t->id = AV_RB32(v);
        break;
    case TAG('m', 'd', 'h', 'd'): read_times(h, b, &t->timescale); break;
    case TAG('h', 'd', 'l', 'r'): t->video |= AV_RB32(v + 8) == TAG('v', 'i', 'd', 'e'); break;
    case TAG('e', 'l', 's', 't'): read_edits(h, t, b); break;
    case TAG('s', 't', 's', 'd'): t->n_descriptions = (int)AV_RB32(v + 4); break;
    case TAG('s', 't', 's', 'z'): t->size = *b; break;
    case TAG('s', 't', 't', 's'): t->time = *b; break;
    case TAG('c', 't', 't', 's'): t->shift = *b; break;
    case TAG('s', 't', 's', 'c'): t->run = *b; break;
    case TAG('s', 't', 's', 's'): t->key = *b; break;
    case TAG('s', 't', 'c', 'o'): t->chunk = *b; break;
    case TAG('c', 'o', '6', '4'):
        t->chunk = *b;
        t->wide_chunks = true;
        break;
    /* What changes stamps or key frames, or hides bytes. */
    case TAG('s', 'b', 'g', 'p'): h->odd |= AV_RB32(v + 4) == TAG('r', 'a', 'p', ' '); break;
    case TAG('s', 't', 'p', 's'):
    case TAG('s', 't', 'z', '2'):
    case TAG('c', 's', 'l', 'g'):
    case TAG('s', 'e', 'n', 'c'):
    case TAG('s', 'a', 'i', 'z'):
    case TAG('s', 'a', 'i', 'o'): h->odd = true; break;
    default: break;
    }
}

static bool next_box(struct header *h, int64_t *at, int64_t end, struct box *b)
{
    uint8_t v[16];

    if (h->odd || *at >= end)
        return false;
    if (end - *at < 8 || !peek(h, *at, v, 8) || ++h->n_boxes > MOST_BOXES) {
        h->odd = true;
        return false;
    }
    int64_t size = AV_RB32(v), head = 8;
    if (size == 1) {
        head = 16;
        size = peek(h, *at, v, 16) ? (int64_t)AV_RB64(v + 8) : -1;
    } else if (size == 0) {
        size = end - *at;
    }
    if (size < head || size > end - *at) {
        h->odd = true;
        return false;
    }
    *b = (struct box){AV_RB32(v + 4), *at + head, *at + size};
    *at += size;
    return true;
}

static void read_boxes(struct header *h, int64_t at, int64_t end, struct track *t, int depth)
{
    struct box b;

    while (next_box(h, &at, end, &b)) {
        switch (b.kind) {
        case TAG('t', 'r', 'a', 'k'):
            if (h->n_tracks == MOST_TRACKS || depth >= MOST_DEPTH) {
                h->odd = true;
                return;
            }
            read_boxes(h, b.at, b.end, &h->track[h->n_tracks++], depth + 1);
            break;
        case TAG('m', 'd', 'i', 'a'):
        case TAG('m', 'i', 'n', 'f'):
        case TAG('s', 't', 'b', 'l'):
        case TAG('e', 'd', 't', 's'):
            if (t && depth < MOST_DEPTH)
                read_boxes(h, b.at, b.end, t, depth + 1);
            break;
        case TAG('m', 'v', 'h', 'd'): read_times(h, &b, &h->timescale); break;
        case TAG('m', 'v', 'e', 'x'):
        case TAG('c', 'm', 'o', 'v'): h->odd = true; break;
        default:
            if (t)
                read_leaf(h, t, &b);
            break;
        }
    }
}

static bool find_header(struct header *h)
{
    const int64_t size = wn_hollow_size(h->hollow);
    struct box b, moov = {0};

    for (int64_t at = 0; next_box(h, &at, size, &b);)
        if (b.kind == TAG('m', 'o', 'o', 'v')) {
            h->odd |= moov.end > 0;
            moov = b;
        }
    if (h->odd || !moov.end || !wn_hollow_whole(h->hollow))
        return false;
    read_boxes(h, moov.at, moov.end, NULL, 0);
    return !h->odd && h->timescale > 0;
}

/* ---- tables ---- */

/* `head` bytes before the entries, the count among them at its end. */
static bool set_table(struct header *h, struct wn_table *t, const struct box *b, int head,
                      int width)
{
    uint8_t v[12];

    if (!b->end)
        return true;
    if (b->end - b->at < head || !peek(h, b->at, v, head))
        return false;
    *t = (struct wn_table){.at = b->at + head, .n = AV_RB32(v + head - 4), .width = width};
    return t->n > 0 && t->n <= (b->end - t->at) / width;
}

static bool set_tables(struct header *h, struct wn_samples *s, const struct track *t)
{
    uint8_t v[12];

    if (!t->size.end || !t->time.end || !t->run.end || !t->chunk.end || t->n_descriptions != 1 ||
        t->size.end - t->size.at < 12 || !peek(h, t->size.at, v, 12))
        return false;
    s->same_size = AV_RB32(v + 4);
    s->n = AV_RB32(v + 8);
    if (s->n < 1 || s->n > MOST_SAMPLES ||
        (!s->same_size && !set_table(h, &s->size, &t->size, 12, 4)))
        return false;
    return set_table(h, &s->time, &t->time, 8, 8) && set_table(h, &s->shift, &t->shift, 8, 8) &&
           set_table(h, &s->run, &t->run, 8, 12) && set_table(h, &s->key, &t->key, 8, 4) &&
           set_table(h, &s->chunk, &t->chunk, 8, t->wide_chunks ? 8 : 4);
}

/* Runs that sum up to all samples, of numbers that none reads otherwise. */
static bool good_runs(struct wn_samples *s, struct wn_table *t, bool of_time)
{
    int64_t n = 0, sum = 0;

    for (int64_t i = 0; i < t->n; i++) {
        const uint8_t *b = wn_table_get(s, t, i);
        if (!b || !AV_RB32(b) || AV_RB32(b + 4) > INT32_MAX || (of_time && !AV_RB32(b + 4)))
            return false;
        n += AV_RB32(b);
        sum += (int64_t)AV_RB32(b) * AV_RB32(b + 4);
    }
    if (of_time) {
        s->frames = n;
        s->frames_time = sum;
    }
    return !t->width || n == s->n;
}

static bool good_chunks(struct wn_samples *s)
{
    for (int64_t i = 0; i < s->run.n; i++) {
        const uint8_t *b = wn_table_get(s, &s->run, i);
        if (!b || AV_RB32(b + 8) != 1 || !AV_RB32(b + 4) || (i == 0 && AV_RB32(b) != 1))
            return false;
    }
    return true;
}

/* Once through all samples: what they tell, and places to come back to. */
static bool note_all(struct wn_samples *s)
{
    const int64_t size = wn_hollow_size(s->hollow);
    struct wn_sample x;
    int64_t key = -1, key_dts = 0;

    s->noted = wn_calloc((size_t)(s->n / WN_SAMPLES_STEP) + 1, sizeof(*s->noted));
    if (!s->noted)
        return false;
    s->least_cts = INT64_MAX;
    for (int64_t i = 0; i < s->n; i++) {
        if (i % WN_SAMPLES_STEP == 0)
            s->noted[i / WN_SAMPLES_STEP] = (struct wn_noted){s->place, key, key_dts};
        if (wn_samples_step(s, &x) || x.size > size || x.offset > size - x.size)
            return false;
        s->least_cts = WN_MIN(s->least_cts, x.cts);
        s->most_cts = WN_MAX(s->most_cts, x.cts);
        s->end = WN_MAX(s->end, x.offset + x.size);
        if (x.key) {
            key = i;
            key_dts = x.dts;
        }
    }
    s->last_dts = x.dts;
    /* Every entry names a sample, and no chunk is left over. */
    return (!s->key.width || s->place.key == s->key.n) && s->place.chunk_left == 0 &&
           s->place.chunk == s->chunk.n - 1;
}

static bool begin(struct wn_samples *s)
{
    const uint8_t *time = wn_table_get(s, &s->time, 0);
    const uint8_t *shift = s->shift.width ? wn_table_get(s, &s->shift, 0) : NULL;

    if (!time || (s->shift.width && !shift))
        return false;
    s->place = (struct wn_sample_place){
        .time_left = AV_RB32(time),
        .shift_left = shift ? AV_RB32(shift) : 0,
        .chunk = -1,
    };
    return true;
}

static bool all_shown(const struct wn_samples *s, const struct header *h, const struct track *t)
{
    if (!t->edited)
        return true;
    return s->least_cts >= t->media_time &&
           s->most_cts < t->media_time + av_rescale(t->shown, t->timescale, h->timescale);
}

/* ---- what libav sees ---- */

static int64_t sample_count(const struct header *h, const struct track *t)
{
    uint8_t v[12];

    return t->size.end - t->size.at >= 12 && peek(h, t->size.at, v, 12) ? AV_RB32(v + 8) : 0;
}

static int cut(struct wn_hollow *hollow, const struct box *b, int head, int64_t has, int64_t keep)
{
    return b->end && has > keep ? wn_hollow_patch(hollow, b->at + head - 4, (uint32_t)keep) : WN_OK;
}

/* Whole chunks, about `keep` samples of them. The table of times stays, unless it is long: the
 * frame rate is made of it. */
static int cut_track(struct header *h, const struct track *t, int64_t keep, int64_t *left)
{
    struct wn_samples *s = wn_calloc(1, sizeof(*s));
    int64_t samples = 0, chunks = 0, run = 0;
    int err = s ? WN_OK : WN_ERR_NOMEM;

    if (s) {
        s->hollow = h->hollow;
        if (!set_tables(h, s, t) || !good_chunks(s) || !begin(s))
            err = WN_EOF;
    }
    for (; !err && chunks < s->chunk.n && samples < keep; chunks++) {
        const uint8_t *b = run + 1 < s->run.n ? wn_table_get(s, &s->run, run + 1) : NULL;
        run += b && AV_RB32(b) == chunks + 1;
        b = wn_table_get(s, &s->run, run);
        samples += b ? AV_RB32(b + 4) : 0;
    }
    if (!err && samples > s->n)
        err = WN_EOF;
    if (!err && samples < s->n) {
        TRY(cut(h->hollow, &t->size, 12, s->n, samples));
        TRY(cut(h->hollow, &t->chunk, 8, s->chunk.n, chunks));
        TRY(cut(h->hollow, &t->run, 8, s->run.n, run + 1));
        TRY(cut(h->hollow, &t->shift, 8, s->shift.n, samples));
        TRY(cut(h->hollow, &t->key, 8, s->key.n, samples));
        TRY(cut(h->hollow, &t->time, 8, s->time.n, samples));
    }
    *left = samples;
fail:
    free(s);
    return err;
}

static int cut_all(struct header *h, struct wn_samples *s, int64_t keep)
{
    int err = WN_OK;

    for (int i = 0; i < h->n_tracks && !err; i++) {
        const struct track *t = &h->track[i];
        int64_t left = 0;
        if (t->video || sample_count(h, t) > keep)
            err = cut_track(h, t, keep, &left);
        if (t->video)
            s->cut = left;
    }
    return err;
}

static int open_samples(struct header *h, struct wn_samples *s,
                        const struct wn_samples_params *params)
{
    const struct track *video = NULL;
    int64_t most = 0;

    if (!find_header(h))
        return WN_EOF;
    for (int i = 0; i < h->n_tracks; i++) {
        most = WN_MAX(most, sample_count(h, &h->track[i]));
        if (!h->track[i].video)
            continue;
        if (video)
            return WN_EOF;
        video = &h->track[i];
    }
    if (!video || most <= WN_MAX(params->least, params->keep) || video->timescale <= 0)
        return WN_EOF;
    s->track = video->id;
    s->timescale = video->timescale;
    if (!set_tables(h, s, video) || !good_runs(s, &s->time, true) ||
        !good_runs(s, &s->shift, false) || !good_chunks(s) || !begin(s) || !note_all(s) ||
        !all_shown(s, h, video))
        return WN_EOF;
    wn_samples_go(s, 0);
    return cut_all(h, s, params->keep);
}

int wn_samples_open(struct wn_samples **out, struct wn_hollow *hollow,
                    const struct wn_samples_params *params)
{
    struct wn_samples *s = wn_calloc(1, sizeof(*s));
    struct header *h = wn_calloc(1, sizeof(*h));
    int err = WN_ERR_NOMEM;

    if (!s || !h)
        goto fail;
    s->hollow = h->hollow = hollow;
    TRY(open_samples(h, s, params));
    if (!err) {
        *out = s;
        s = NULL;
    }
fail:
    wn_samples_close(&s);
    free(h);
    if (err)
        wn_hollow_unpatch(hollow);
    return err;
}

/* The first samples in libav's own index are these. */
static bool same_start(struct wn_samples *s, const AVStream *stream)
{
    const int n = avformat_index_get_entries_count(stream);
    struct wn_sample x;
    bool same = n > 0 && n == s->cut;

    wn_samples_go(s, 0);
    for (int i = 0; i < n && same; i++) {
        const AVIndexEntry *e = avformat_index_get_entry((AVStream *)stream, i);
        if (wn_samples_step(s, &x))
            return false;
        if (i == 0)
            s->edit = e->timestamp - x.dts;
        same = e->pos == x.offset && e->size == x.size && e->timestamp == x.dts + s->edit &&
               !(e->flags & AVINDEX_DISCARD_FRAME) && !(e->flags & AVINDEX_KEYFRAME) == !x.key;
    }
    wn_samples_go(s, 0);
    return same;
}

bool wn_samples_match(struct wn_samples *s, AVFormatContext *fmt)
{
    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        AVStream *stream = fmt->streams[i];
        if ((uint32_t)stream->id != s->track)
            continue;
        switch (stream->codecpar->codec_id) {
        case AV_CODEC_ID_H264:
        case AV_CODEC_ID_HEVC:
        case AV_CODEC_ID_AV1:
        case AV_CODEC_ID_VP9: break;
        default: return false; /* packets of others may be split by a parser */
        }
        s->stream = (int)i;
        if (stream->time_base.num != 1 || stream->time_base.den != s->timescale ||
            !same_start(s, stream))
            return false;
        if (s->time.n > s->cut)
            av_reduce(&stream->avg_frame_rate.num, &stream->avg_frame_rate.den,
                      s->timescale * s->frames, s->frames_time, INT_MAX);
        stream->nb_frames = s->n;
        return true;
    }
    return false;
}
