/* SPDX-License-Identifier: MIT */
#include "index_parts.h"

#include <stdlib.h>

void wn_packets_free(struct wn_packets **packets)
{
    struct wn_packets *x = *packets;

    if (!x)
        return;
    free(x->block);
    free(x->bits.data);
    free(x->order);
    free(x->order_bits.data);
    free(x->key);
    free(x->lag);
    free(x->pos);
    free(x);
    *packets = NULL;
}

int wn_packets_load(struct wn_packets **out, const struct wn_packets_params *params)
{
    struct wn_packets *x = wn_calloc(1, sizeof(*x));
    const double began = wn_now();
    int err;

    if (!x)
        return wn_nomem(params->log, "the packet index");
    TRY(wn_index_cache_get(x, params));
    x->cached = err == WN_OK;
    if (!x->cached && params->cached_only) {
        wn_packets_free(&x);
        return WN_EOF;
    }
    if (!x->cached)
        TRY(wn_index_read(x, params));
    if (x->regular && wn_index_sort(x) < 0) {
        err = wn_nomem(params->log, "the packet index");
        goto fail;
    }
    if (!x->cached)
        wn_index_cache_put(x, params);
    x->seconds = wn_now() - began;
    *out = x;
    return WN_OK;
fail:
    wn_packets_free(&x);
    return err;
}

double wn_packet_time(const struct wn_packets *x, int64_t i)
{
    return (double)(wn_packet_stamp(x, i) - x->start) * av_q2d(x->base);
}

int64_t wn_packet_gop(const struct wn_packets *x, int64_t i)
{
    int64_t low = -1, high = x->n_gops;

    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (x->key[middle] <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t wn_stamp_gop(const struct wn_packets *x, int64_t stamp)
{
    int64_t low = 0, high = x->n_gops;

    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (wn_packet_stamp(x, x->key[middle]) <= stamp)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t wn_packet_frame(const struct wn_packets *x, int64_t i)
{
    const int64_t stamp = wn_packet_stamp(x, i);
    int64_t low = 0, high = x->n_frames;

    if (wn_packet_hidden(x, i))
        return -1;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (wn_packet_stamp(x, wn_frame_packet(x, middle)) <= stamp)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void wn_gop_get(const struct wn_packets *x, int64_t gop, struct wn_gop *out)
{
    const int64_t first = x->key[gop];
    const int64_t end = gop + 1 < x->n_gops ? x->key[gop + 1] : x->n;
    int64_t last = first;

    *out = (struct wn_gop){
        .first = first,
        .n = end - first,
        .key_bytes = wn_packet_bytes(x, first),
        .start = wn_packet_time(x, first),
    };
    for (int64_t i = first; i < end; i++) {
        out->bytes += wn_packet_bytes(x, i);
        if (wn_packet_stamp(x, i) > wn_packet_stamp(x, last))
            last = i;
    }
    out->end = gop + 1 < x->n_gops ? wn_packet_time(x, end) : wn_packet_time(x, last);
}
