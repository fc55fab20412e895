/* SPDX-License-Identifier: MIT */
/* Whole numbers in as few bits as the widest of their block takes. */
#include "index_parts.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>

#include <stdlib.h>
#include <string.h>

#define MOST_BITS 56 /* of one number: what a read of eight bytes holds wherever it begins */

static uint64_t get_bits(const uint8_t *bits, int64_t at, int width)
{
    return AV_RL64(bits + at / 8) >> (at & 7) & (((uint64_t)1 << width) - 1);
}

static int width_of(uint64_t most)
{
    int n = 0;

    while (n < 64 && most >> n)
        n++;
    return n;
}

/* Room for so many more bits, and for a read of eight bytes at the last of them. */
static int make_room(struct wn_bits *b, int64_t more)
{
    const int64_t need = (b->n + more) / 8 + 16;

    if (need <= b->room)
        return WN_OK;
    const int64_t room = WN_MAX(need, b->room + b->room / 4);
    uint8_t *grown = wn_regrow(b->data, (size_t)room, 1);
    if (!grown)
        return WN_ERR_NOMEM;
    memset(grown + b->room, 0, (size_t)(room - b->room));
    b->data = grown;
    b->room = room;
    return WN_OK;
}

static int put_all(struct wn_bits *b, const uint64_t *v, int n, int width)
{
    if (make_room(b, (int64_t)n * width) < 0)
        return WN_ERR_NOMEM;
    for (int i = 0; i < n; i++, b->n += width) {
        uint8_t *word = b->data + b->n / 8;
        AV_WL64(word, AV_RL64(word) | v[i] << (b->n & 7));
    }
    return WN_OK;
}

void wn_bits_shrink(struct wn_bits *b)
{
    const int64_t need = b->n / 8 + 16;
    uint8_t *less = b->room > need ? wn_regrow(b->data, (size_t)need, 1) : NULL;

    if (less) {
        b->data = less;
        b->room = need;
    }
}

/* ---- numbers of a block ---- */

static int add_run(struct wn_bits *bits, struct wn_run_of *r, uint64_t *v, int n)
{
    uint64_t most = 0;

    for (int i = 0; i < n; i++)
        most = WN_MAX(most, v[i]);
    r->width = (uint8_t)WN_MIN(width_of(most), MOST_BITS);
    for (int i = 0; i < n; i++)
        v[i] = WN_MIN(v[i], ((uint64_t)1 << r->width) - 1);
    r->at = bits->n;
    return put_all(bits, v, n, r->width);
}

int wn_pack_plain(struct wn_bits *bits, struct wn_run_of *r, const uint32_t *v, int n)
{
    uint64_t u[WN_INDEX_BLOCK];
    uint32_t least = n ? v[0] : 0;

    for (int i = 1; i < n; i++)
        least = WN_MIN(least, v[i]);
    for (int i = 0; i < n; i++)
        u[i] = v[i] - least;
    *r = (struct wn_run_of){.first = least, .unit = 1};
    return add_run(bits, r, u, n);
}

/* Around a straight line, in the largest unit that all share: of frames at a steady rate, stored in
 * another order than they are shown, a few bits remain. */
int wn_pack_line(struct wn_bits *bits, struct wn_run_of *r, const int64_t *v, int n, bool *exact)
{
    uint64_t u[WN_INDEX_BLOCK];
    int64_t least = 0, unit = 0;

    for (int i = 1; i < n; i++)
        unit = av_gcd(unit, v[i] - v[0]);
    unit = WN_MAX(unit, 1);
    const int64_t rise = n > 1 ? (v[n - 1] - v[0]) / unit : 0;
    const int64_t half = (n - 1) / 2;
    *r = (struct wn_run_of){.unit = unit};
    if (n > 1)
        r->step = (rise >= 0 ? rise + half : rise - half) / (n - 1) * unit;
    for (int i = 0; i < n; i++)
        least = WN_MIN(least, v[i] - v[0] - r->step * i);
    r->first = n ? v[0] + least : 0;
    for (int i = 0; i < n; i++) {
        u[i] = (uint64_t)(v[i] - r->first - r->step * i) / (uint64_t)unit;
        *exact &= !(u[i] >> MOST_BITS);
    }
    return add_run(bits, r, u, n);
}

int64_t wn_unpack(const struct wn_bits *bits, const struct wn_run_of *r, int i)
{
    const uint64_t u = r->width ? get_bits(bits->data, r->at + (int64_t)i * r->width, r->width) : 0;

    return (int64_t)((uint64_t)r->first + (uint64_t)r->step * (uint64_t)i + u * (uint64_t)r->unit);
}

bool wn_run_fits(const struct wn_bits *bits, const struct wn_run_of *r, int n)
{
    return r->width <= MOST_BITS && r->unit >= 1 && r->at >= 0 && r->at <= bits->n &&
           (int64_t)n * r->width <= bits->n - r->at;
}
