/* SPDX-License-Identifier: MIT */
/* The tables of a file: whether they are ordinary, and what libav is to see of them. */
#include "samples_parts.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>

#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

/* `head` bytes before the entries, the count among them at its end. */
static bool set_table(struct wn_header *h, struct wn_table *t, const struct wn_box *b, int head,
                      int width)
{
    uint8_t v[12];

    if (!b->end)
        return true;
    if (b->end - b->at < head || !wn_hollow_peek(h->hollow, b->at, v, head))
        return false;
    *t = (struct wn_table){.at = b->at + head, .n = AV_RB32(v + head - 4), .width = width};
    return t->n > 0 && t->n <= (b->end - t->at) / width;
}

static bool set_tables(struct wn_header *h, struct wn_samples *s, const struct wn_track_header *t)
{
    uint8_t v[12];

    if (!t->size.end || !t->time.end || !t->run.end || !t->chunk.end || t->n_descriptions != 1 ||
        t->size.end - t->size.at < 12 || !wn_hollow_peek(h->hollow, t->size.at, v, 12))
        return false;
    s->same_size = AV_RB32(v + 4);
    s->n = AV_RB32(v + 8);
    if (s->n < 1 || s->n > WN_MOST_SAMPLES ||
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

static bool all_shown(const struct wn_samples *s, const struct wn_header *h,
                      const struct wn_track_header *t)
{
    if (!t->edited)
        return true;
    return s->least_cts >= t->media_time &&
           s->most_cts < t->media_time + av_rescale(t->shown, t->timescale, h->timescale);
}

/* ---- what libav sees ---- */

static int cut(struct wn_hollow *hollow, const struct wn_box *b, int head, int64_t has,
               int64_t keep)
{
    return b->end && has > keep ? wn_hollow_patch(hollow, b->at + head - 4, (uint32_t)keep) : WN_OK;
}

/* Whole chunks, about `keep` samples of them. The table of times stays, unless it is long: the
 * frame rate is made of it. */
static int cut_track(struct wn_header *h, const struct wn_track_header *t, int64_t keep,
                     int64_t *left)
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

static int cut_all(struct wn_header *h, struct wn_samples *s, int64_t keep)
{
    int err = WN_OK;

    for (int i = 0; i < h->n_tracks && !err; i++) {
        const struct wn_track_header *t = &h->track[i];
        int64_t left = 0;
        if (t->video || wn_sample_count(h, t) > keep)
            err = cut_track(h, t, keep, &left);
        if (t->video)
            s->cut = left;
    }
    return err;
}

static bool has_second_header(const struct wn_header *h)
{
    const int64_t size = wn_hollow_size(h->hollow);
    struct wn_box b = {0};

    for (int64_t at = h->end; !wn_box_next(h->hollow, &at, size, &b);)
        if (b.kind == WN_TAG('m', 'o', 'o', 'v'))
            return true;
    return false;
}

static int open_samples(struct wn_header *h, struct wn_samples *s,
                        const struct wn_samples_params *params)
{
    const struct wn_track_header *video = NULL;
    int64_t most = 0;

    if (!wn_hollow_whole(h->hollow) || has_second_header(h))
        return WN_EOF;
    for (int i = 0; i < h->n_tracks; i++) {
        most = WN_MAX(most, wn_sample_count(h, &h->track[i]));
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
    struct wn_header *h = wn_calloc(1, sizeof(*h));
    int err = WN_ERR_NOMEM;

    if (!s || !h)
        goto fail;
    s->hollow = h->hollow = hollow;
    TRY(wn_header_read(h));
    if (!err)
        TRY(h->fragments ? wn_fragments_open(s, h, params) : open_samples(h, s, params));
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

/* The first samples in libav's own index are these. Of fragments it has read the first. */
static bool same_start(struct wn_samples *s, const AVStream *stream)
{
    const int n = avformat_index_get_entries_count(stream);
    struct wn_sample x;
    bool same = n > 0 && (s->fragments ? n <= s->n : n == s->cut);

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
        if (s->fragments || s->time.n > s->cut)
            av_reduce(&stream->avg_frame_rate.num, &stream->avg_frame_rate.den,
                      s->timescale * s->frames, s->frames_time, INT_MAX);
        if (s->fragments)
            stream->duration = s->length;
        else
            stream->nb_frames = s->n;
        return true;
    }
    return false;
}
