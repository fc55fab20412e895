/* SPDX-License-Identifier: MIT */
#include "samples_parts.h"

#include <libavutil/intreadwrite.h>

#include <stdlib.h>

const uint8_t *wn_table_get(const struct wn_samples *s, struct wn_table *t, int64_t i)
{
    if (i < 0 || i >= t->n)
        return NULL;
    if (i < t->first || i >= t->first + t->have) {
        const int64_t n = WN_MIN(t->n - i, WN_TABLE_BYTES / t->width);
        t->have = 0;
        if (!wn_hollow_peek(s->hollow, t->at + i * t->width, t->bytes, n * t->width))
            return NULL;
        t->first = i;
        t->have = n;
    }
    return t->bytes + (i - t->first) * t->width;
}

static int next_chunk(struct wn_samples *s, struct wn_sample_place *p)
{
    const uint8_t *b = wn_table_get(s, &s->chunk, ++p->chunk);

    if (!b)
        return WN_ERR_DATA;
    p->offset = s->chunk.width == 8 ? (int64_t)AV_RB64(b) : AV_RB32(b);
    while (p->run + 1 < s->run.n) {
        b = wn_table_get(s, &s->run, p->run + 1);
        if (!b)
            return WN_ERR_DATA;
        if (AV_RB32(b) != p->chunk + 1)
            break;
        p->run++;
    }
    b = wn_table_get(s, &s->run, p->run);
    if (!b)
        return WN_ERR_DATA;
    p->chunk_left = AV_RB32(b + 4);
    return p->chunk_left > 0 && p->offset >= 0 ? WN_OK : WN_ERR_DATA;
}

/* Moves a place in a table of runs on by one sample. */
static bool advance(const struct wn_samples *s, struct wn_table *t, int64_t *entry, int64_t *left)
{
    if (--*left > 0)
        return true;
    const uint8_t *b = wn_table_get(s, t, ++*entry);
    *left = b ? AV_RB32(b) : 0;
    return b != NULL;
}

static bool read_key(struct wn_samples *s, struct wn_sample_place *p)
{
    if (!s->key.width)
        return true;
    const uint8_t *b = wn_table_get(s, &s->key, p->key);
    const bool key = b && AV_RB32(b) == p->sample + 1;
    p->key += key;
    return key;
}

int wn_samples_step(struct wn_samples *s, struct wn_sample *out)
{
    struct wn_sample_place *p = &s->place;
    const uint8_t *time, *shift = NULL, *size = NULL;

    if (s->fragments)
        return wn_fragments_step(s, out);
    if (p->sample >= s->n)
        return WN_EOF;
    if (p->chunk_left == 0 && next_chunk(s, p) < 0)
        return WN_ERR_DATA;
    time = wn_table_get(s, &s->time, p->time);
    if (s->shift.width)
        shift = wn_table_get(s, &s->shift, p->shift);
    if (!s->same_size)
        size = wn_table_get(s, &s->size, p->sample);
    if (!time || (s->shift.width && !shift) || (!s->same_size && !size))
        return WN_ERR_DATA;
    *out = (struct wn_sample){
        .offset = p->offset,
        .size = size ? AV_RB32(size) : s->same_size,
        .dts = p->dts,
        .cts = p->dts + (shift ? AV_RB32(shift + 4) : 0),
        .duration = AV_RB32(time + 4),
        .key = read_key(s, p),
    };
    p->sample++;
    p->dts += out->duration;
    p->offset += out->size;
    p->chunk_left--;
    if (p->sample < s->n && (!advance(s, &s->time, &p->time, &p->time_left) ||
                             (shift && !advance(s, &s->shift, &p->shift, &p->shift_left))))
        return WN_ERR_DATA;
    return WN_OK;
}

void wn_samples_close(struct wn_samples **samples)
{
    if (!*samples)
        return;
    free((*samples)->noted);
    free(*samples);
    *samples = NULL;
}

bool wn_samples_fragmented(const struct wn_samples *s)
{
    return s->fragments;
}

int wn_samples_stream(const struct wn_samples *s)
{
    return s->stream;
}

int64_t wn_samples_end(const struct wn_samples *s)
{
    return s->end;
}

static int read_bytes(struct wn_samples *s, const struct wn_sample *x, AVPacket *packet)
{
    const int ret = av_new_packet(packet, (int)x->size);

    if (ret >= 0 && !wn_hollow_peek(s->hollow, x->offset, packet->data, x->size)) {
        av_packet_unref(packet);
        return AVERROR(EIO);
    }
    return ret;
}

int wn_samples_read(struct wn_samples *s, AVPacket *packet, bool with_bytes)
{
    struct wn_sample x;
    const int err = wn_samples_step(s, &x);

    if (err)
        return err == WN_EOF ? AVERROR_EOF : AVERROR_INVALIDDATA;
    if (with_bytes) {
        const int ret = read_bytes(s, &x, packet);
        if (ret < 0)
            return ret;
    } else {
        packet->size = (int)x.size;
    }
    packet->stream_index = s->stream;
    packet->dts = x.dts + s->edit;
    packet->pts = x.cts + s->edit;
    packet->duration = x.duration;
    packet->pos = x.offset;
    packet->flags = x.key ? AV_PKT_FLAG_KEY : 0;
    return 0;
}

int64_t wn_samples_at(const struct wn_samples *s)
{
    return s->place.sample;
}

int wn_samples_go(struct wn_samples *s, int64_t sample)
{
    struct wn_sample x;
    int err = WN_OK;

    s->place = s->noted[WN_MIN(sample, s->n - 1) / WN_SAMPLES_STEP].place;
    while (!err && s->place.sample < sample)
        err = wn_samples_step(s, &x);
    return WN_MIN(err, 0);
}

/* ---- seeking ---- */

/* The last noted place whose sample is decoded at or before this time; 0: none is. */
static int64_t noted_before(const struct wn_samples *s, int64_t dts)
{
    int64_t low = 0, high = (s->n - 1) / WN_SAMPLES_STEP + 1;

    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (s->noted[middle].place.dts <= dts)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int find_key(struct wn_samples *s, int64_t stamp, int64_t *sample, int64_t *dts)
{
    const struct wn_sample_place before = s->place;
    const int64_t limit = av_sat_sub64(stamp, s->edit);
    const struct wn_noted *noted = &s->noted[noted_before(s, limit)];
    struct wn_sample x;
    int err = WN_OK;

    *sample = noted->key;
    *dts = noted->key_dts;
    s->place = noted->place;
    for (int i = 0; !err && i < WN_SAMPLES_STEP; i++) {
        err = wn_samples_step(s, &x);
        if (err || x.dts > limit)
            break;
        if (x.key) {
            *sample = s->place.sample - 1;
            *dts = x.dts;
        }
    }
    s->place = before;
    return WN_MIN(err, 0);
}

bool wn_samples_key_before(struct wn_samples *s, int64_t stamp, int64_t *key)
{
    int64_t sample, dts;

    if (find_key(s, stamp, &sample, &dts) < 0 || sample < 0)
        return false;
    *key = dts + s->edit;
    return true;
}

int wn_samples_seek(struct wn_samples *s, int64_t stamp)
{
    int64_t sample, dts;
    const int err = find_key(s, stamp, &sample, &dts);

    return err < 0 ? err : wn_samples_go(s, WN_MAX(sample, 0));
}
