/* SPDX-License-Identifier: MIT */
#include "index_parts.h"

#include <libavutil/common.h>

#include <stdlib.h>
#include <string.h>

/* Pictures that are stored before others which are shown before them: codecs allow 16. */
#define MOST_REORDER 32

static int grow(void **p, int64_t n, size_t size)
{
    void *grown = wn_regrow(*p, (size_t)n, size);

    if (!grown)
        return WN_ERR_NOMEM;
    *p = grown;
    return WN_OK;
}

static int close_block(struct wn_index_build *b, int n)
{
    struct wn_packets *x = b->x;
    const int64_t i = (x->n - 1) / WN_INDEX_BLOCK;
    bool exact = true;
    int err = WN_OK;

    if (i >= b->block_room) {
        b->block_room = i + i / 4 + 16;
        TRY(grow((void **)&x->block, b->block_room, sizeof(*x->block)));
    }
    memset(&x->block[i], 0, sizeof(x->block[i])); /* its padding too: it is written to a file */
    TRY(wn_pack_plain(&x->bits, &x->block[i].size, b->size, n));
    TRY(wn_pack_line(&x->bits, &x->block[i].stamp, b->stamp, n, &exact));
    x->regular &= exact;
fail:
    return err;
}

int wn_index_add(struct wn_index_build *b, int64_t stamp, int64_t bytes, bool hidden)
{
    struct wn_packets *x = b->x;
    const int at = (int)(x->n++ % WN_INDEX_BLOCK);

    b->stamp[at] = av_clip64(stamp, -WN_STAMP_MOST, WN_STAMP_MOST);
    b->size[at] = (uint32_t)bytes << 1 | hidden;
    x->regular &= b->stamp[at] == stamp;
    x->n_frames += !hidden;
    x->bytes += bytes;
    return at == WN_INDEX_BLOCK - 1 ? close_block(b, WN_INDEX_BLOCK) : WN_OK;
}

int wn_index_add_key(struct wn_index_build *b, int64_t lag)
{
    struct wn_packets *x = b->x;
    int err = WN_OK;

    if (x->n_gops >= b->gop_room) {
        b->gop_room = b->gop_room ? 2 * b->gop_room : 64;
        TRY(grow((void **)&x->key, b->gop_room, sizeof(*x->key)));
        TRY(grow((void **)&x->lag, b->gop_room, sizeof(*x->lag)));
        if (b->places)
            TRY(grow((void **)&x->pos, b->gop_room, sizeof(*x->pos)));
    }
    if (b->places)
        x->pos[x->n_gops] = -1;
    x->key[x->n_gops] = (uint32_t)x->n;
    x->lag[x->n_gops++] = (int32_t)av_clip64(lag, INT32_MIN, INT32_MAX);
fail:
    return err;
}

static void shrink(void **p, int64_t n, size_t size)
{
    void *less = wn_regrow(*p, (size_t)WN_MAX(n, 1), size);

    if (less)
        *p = less;
}

int wn_index_finish(struct wn_index_build *b)
{
    struct wn_packets *x = b->x;
    const int left = (int)(x->n % WN_INDEX_BLOCK);
    const int err = left ? close_block(b, left) : WN_OK;

    if (err < 0)
        return err;
    shrink((void **)&x->block, (x->n + WN_INDEX_BLOCK - 1) / WN_INDEX_BLOCK, sizeof(*x->block));
    shrink((void **)&x->key, x->n_gops, sizeof(*x->key));
    shrink((void **)&x->lag, x->n_gops, sizeof(*x->lag));
    if (b->places && x->pos)
        shrink((void **)&x->pos, x->n_gops, sizeof(*x->pos));
    wn_bits_shrink(&x->bits);
    return WN_OK;
}

/* ---- the order of frames ---- */

/* Packets that have not found their place for good. */
struct window {
    int64_t packet[WN_INDEX_BLOCK + MOST_REORDER], stamp[WN_INDEX_BLOCK + MOST_REORDER];
    int n;
    int64_t gone;   /* frames */
    int64_t last;   /* stamp of the last of them */
};

static int let_go(struct wn_packets *x, struct window *w, int n)
{
    bool exact = true;

    const int err = wn_pack_line(&x->order_bits, &x->order[w->gone / WN_INDEX_BLOCK], w->packet, n,
                                 &exact);
    w->gone += n;
    w->last = w->stamp[n - 1];
    w->n -= n;
    memmove(w->packet, w->packet + n, (size_t)w->n * sizeof(*w->packet));
    memmove(w->stamp, w->stamp + n, (size_t)w->n * sizeof(*w->stamp));
    return err;
}

/* Nearly sorted as it is stored, so each goes few places back. False: two are shown at once. */
static bool put(struct window *w, int64_t packet, int64_t stamp)
{
    int at = w->n++;

    while (at > 0 && w->n - at <= MOST_REORDER && w->stamp[at - 1] > stamp) {
        w->packet[at] = w->packet[at - 1];
        w->stamp[at] = w->stamp[at - 1];
        at--;
    }
    w->packet[at] = packet;
    w->stamp[at] = stamp;
    return at ? w->stamp[at - 1] < stamp : !w->gone || w->last < stamp;
}

int wn_index_sort(struct wn_packets *x)
{
    struct window w = {0};
    int err = WN_OK;

    x->order = wn_calloc((size_t)(x->n / WN_INDEX_BLOCK) + 1, sizeof(*x->order));
    if (!x->order)
        return WN_ERR_NOMEM;
    for (int64_t i = 0; i < x->n && x->regular; i++) {
        if (wn_packet_hidden(x, i))
            continue;
        x->regular = put(&w, i, wn_packet_stamp(x, i));
        if (w.n == WN_LEN(w.packet))
            TRY(let_go(x, &w, WN_INDEX_BLOCK));
    }
    for (int n = WN_MIN(w.n, WN_INDEX_BLOCK); n > 0 && x->regular; n = WN_MIN(w.n, WN_INDEX_BLOCK))
        TRY(let_go(x, &w, n));
    if (x->regular) {
        x->n_frames = w.gone;
        wn_bits_shrink(&x->order_bits);
    } else {
        free(x->order);
        x->order = NULL;
    }
fail:
    return err;
}
