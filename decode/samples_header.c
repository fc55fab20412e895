/* SPDX-License-Identifier: MIT */
/* The boxes of a file's header: where its tables lie, and whether all of it is ordinary. */
#include "samples_parts.h"

#include <libavutil/intreadwrite.h>

#include <string.h>

#define MOST_DEPTH 8
#define MOST_BOXES 100000

static bool peek(const struct wn_header *h, int64_t at, uint8_t *out, int n)
{
    return wn_hollow_peek(h->hollow, at, out, n);
}

/* ---- single boxes ---- */

static void read_times(struct wn_header *h, const struct wn_box *b, int64_t *timescale)
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
static void read_edits(struct wn_header *h, struct wn_track_header *t, const struct wn_box *b)
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
        h->odd |= rate != 0x10000 || (last ? from < 0 || shown < 0 : from != -1);
        t->media_time = from;
        t->shown = shown;
    }
    t->edited = true;
}

static void read_leaf(struct wn_header *h, struct wn_track_header *t, const struct wn_box *b)
{
    uint8_t v[12] = {0};

    if (b->end - b->at >= 12)
        h->odd |= !peek(h, b->at, v, 12);
    switch (b->kind) {
    case WN_TAG('t', 'k', 'h', 'd'):
        h->odd |= !peek(h, b->at + (v[0] == 1 ? 20 : 12), v, 4);
        t->id = AV_RB32(v);
        break;
    case WN_TAG('m', 'd', 'h', 'd'): read_times(h, b, &t->timescale); break;
    case WN_TAG('h', 'd', 'l', 'r'):
        t->video |= AV_RB32(v + 8) == WN_TAG('v', 'i', 'd', 'e');
        break;
    case WN_TAG('e', 'l', 's', 't'): read_edits(h, t, b); break;
    case WN_TAG('s', 't', 's', 'd'): t->n_descriptions = (int)AV_RB32(v + 4); break;
    case WN_TAG('s', 't', 's', 'z'): t->size = *b; break;
    case WN_TAG('s', 't', 't', 's'): t->time = *b; break;
    case WN_TAG('c', 't', 't', 's'): t->shift = *b; break;
    case WN_TAG('s', 't', 's', 'c'): t->run = *b; break;
    case WN_TAG('s', 't', 's', 's'): t->key = *b; break;
    case WN_TAG('s', 't', 'c', 'o'): t->chunk = *b; break;
    case WN_TAG('c', 'o', '6', '4'):
        t->chunk = *b;
        t->wide_chunks = true;
        break;
    /* What changes stamps or key frames, or hides bytes. */
    case WN_TAG('s', 'b', 'g', 'p'): h->odd |= AV_RB32(v + 4) == WN_TAG('r', 'a', 'p', ' '); break;
    case WN_TAG('s', 't', 'p', 's'):
    case WN_TAG('s', 't', 'z', '2'):
    case WN_TAG('c', 's', 'l', 'g'):
    case WN_TAG('s', 'e', 'n', 'c'):
    case WN_TAG('s', 'a', 'i', 'z'):
    case WN_TAG('s', 'a', 'i', 'o'): h->odd = true; break;
    default: break;
    }
}

int wn_box_next(const struct wn_hollow *hollow, int64_t *at, int64_t end, struct wn_box *b)
{
    uint8_t v[16];

    if (*at >= end)
        return WN_EOF;
    if (end - *at < 8 || !wn_hollow_peek(hollow, *at, v, 8))
        return WN_ERR_DATA;
    int64_t size = AV_RB32(v), head = 8;
    if (size == 1) {
        head = 16;
        size = wn_hollow_peek(hollow, *at, v, 16) ? (int64_t)AV_RB64(v + 8) : -1;
    } else if (size == 0) {
        size = end - *at;
    }
    if (size < head || size > end - *at)
        return WN_ERR_DATA;
    *b = (struct wn_box){AV_RB32(v + 4), *at, *at + head, *at + size};
    *at += size;
    return WN_OK;
}

static bool next_box(struct wn_header *h, int64_t *at, int64_t end, struct wn_box *b)
{
    const int ret = h->odd ? WN_EOF : wn_box_next(h->hollow, at, end, b);

    h->odd |= ret < 0 || ++h->n_boxes > MOST_BOXES;
    return !ret && !h->odd;
}

/* What fragments of a track leave out. */
static void read_defaults(struct wn_header *h, const struct wn_box *b)
{
    uint8_t v[24];

    if (h->n_defaults == WN_MOST_TRACKS || b->end - b->at < 24 || !peek(h, b->at, v, 24)) {
        h->odd = true;
        return;
    }
    h->defaults[h->n_defaults++] = (struct wn_defaults){
        .track = AV_RB32(v + 4),
        .description = AV_RB32(v + 8),
        .duration = AV_RB32(v + 12),
        .size = AV_RB32(v + 16),
        .flags = AV_RB32(v + 20),
    };
}

static void read_boxes(struct wn_header *h, int64_t at, int64_t end, struct wn_track_header *t,
                       int depth)
{
    struct wn_box b;

    while (next_box(h, &at, end, &b)) {
        switch (b.kind) {
        case WN_TAG('t', 'r', 'a', 'k'):
            if (h->n_tracks == WN_MOST_TRACKS || depth >= MOST_DEPTH) {
                h->odd = true;
                return;
            }
            read_boxes(h, b.at, b.end, &h->track[h->n_tracks++], depth + 1);
            break;
        case WN_TAG('m', 'd', 'i', 'a'):
        case WN_TAG('m', 'i', 'n', 'f'):
        case WN_TAG('s', 't', 'b', 'l'):
        case WN_TAG('e', 'd', 't', 's'):
            if (t && depth < MOST_DEPTH)
                read_boxes(h, b.at, b.end, t, depth + 1);
            break;
        case WN_TAG('m', 'v', 'h', 'd'): read_times(h, &b, &h->timescale); break;
        case WN_TAG('m', 'v', 'e', 'x'):
            h->fragments = true;
            if (depth < MOST_DEPTH)
                read_boxes(h, b.at, b.end, NULL, depth + 1);
            break;
        case WN_TAG('t', 'r', 'e', 'x'): read_defaults(h, &b); break;
        case WN_TAG('c', 'm', 'o', 'v'): h->odd = true; break;
        default:
            if (t)
                read_leaf(h, t, &b);
            break;
        }
    }
}

int wn_header_read(struct wn_header *h)
{
    const int64_t size = wn_hollow_size(h->hollow);
    struct wn_box b, moov = {0};

    for (int64_t at = 0; !moov.end && next_box(h, &at, size, &b);) {
        h->odd |= b.kind == WN_TAG('m', 'o', 'o', 'f');
        if (b.kind == WN_TAG('m', 'o', 'o', 'v'))
            moov = b;
    }
    if (h->odd || !moov.end)
        return WN_EOF;
    read_boxes(h, moov.at, moov.end, NULL, 0);
    h->end = moov.end;
    return h->odd || h->timescale <= 0 ? WN_EOF : WN_OK;
}

int64_t wn_sample_count(const struct wn_header *h, const struct wn_track_header *t)
{
    uint8_t v[12];

    return t->size.end - t->size.at >= 12 && peek(h, t->size.at, v, 12) ? AV_RB32(v + 8) : 0;
}
