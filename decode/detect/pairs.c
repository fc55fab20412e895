/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
# include <tmmintrin.h>
# define SHUFFLES 1
#else
# define SHUFFLES 0
#endif

#define SPAN 16 /* samples of a load */
#define MOST 8  /* loads for 8 columns, beyond which one by one is as good */

static bool can_shuffle(void)
{
#if SHUFFLES
    return __builtin_cpu_supports("ssse3");
#else
    return false;
#endif
}

/* Loads that cover columns [i, end): each begins at the first column that is not covered yet, but
 * ends inside the row. from and mask may be NULL. */
static int cover(const struct wn_pairs *p, int i, int end, int32_t width, int32_t *from,
                 uint8_t *mask)
{
    const int group = i;
    int n = 0;

    for (; i < end; n++) {
        const int32_t start = WN_MIN(p->column[i], width - SPAN);
        if (from)
            from[n] = start;
        for (; i < end && p->column[i] + 1 < start + SPAN; i++) {
            if (mask) {
                mask[n * SPAN + 2 * (i - group)] = (uint8_t)(p->column[i] - start);
                mask[n * SPAN + 2 * (i - group) + 1] = (uint8_t)(p->column[i] + 1 - start);
            }
        }
    }
    return n;
}

static int plan_loads(struct wn_pairs *p, int32_t width)
{
    for (int i = 0; i < p->n; i += 8)
        p->loads = WN_MAX(p->loads, cover(p, i, WN_MIN(i + 8, p->n), width, NULL, NULL));
    if (p->loads > MOST)
        p->loads = 0;
    if (!p->loads)
        return WN_OK;
    const size_t n = (size_t)(p->room / 8) * (size_t)p->loads;
    p->from = wn_calloc(n, sizeof(*p->from));
    p->mask = wn_calloc(n, SPAN);
    if (!p->from || !p->mask)
        return WN_ERR_NOMEM;
    memset(p->mask, 0x80, n * SPAN); /* nothing goes there */
    for (int i = 0; i < p->n; i += 8) {
        const ptrdiff_t at = (ptrdiff_t)(i / 8) * p->loads;
        cover(p, i, WN_MIN(i + 8, p->n), width, p->from + at, p->mask + at * SPAN);
    }
    return WN_OK;
}

int wn_pairs_begin(struct wn_pairs *p, const int32_t *column, int n, int32_t width)
{
    wn_pairs_finish(p);
    p->n = n;
    p->room = (n + 7) / 8 * 8;
    p->column = wn_calloc((size_t)n, sizeof(*p->column));
    if (!p->column)
        return WN_ERR_NOMEM;
    memcpy(p->column, column, (size_t)n * sizeof(*column));
    return width >= SPAN && can_shuffle() ? plan_loads(p, width) : WN_OK;
}

void wn_pairs_finish(struct wn_pairs *p)
{
    free(p->column);
    free(p->from);
    free(p->mask);
    memset(p, 0, sizeof(*p));
}

#if SHUFFLES
__attribute__((target("ssse3")))
static void shuffle(const struct wn_pairs *p, const uint8_t *row, uint16_t *pair)
{
    const int32_t *from = p->from;
    const uint8_t *mask = p->mask;

    for (int i = 0; i < p->room; i += 8) {
        __m128i sum = _mm_setzero_si128();
        for (int k = 0; k < p->loads; k++, from++, mask += SPAN) {
            const __m128i some = _mm_loadu_si128((const void *)(row + *from));
            sum = _mm_or_si128(sum, _mm_shuffle_epi8(some, _mm_loadu_si128((const void *)mask)));
        }
        _mm_storeu_si128((void *)(pair + i), sum);
    }
}
#endif

void wn_pairs_take(const struct wn_pairs *p, const uint8_t *row, uint16_t *pair)
{
#if SHUFFLES
    if (p->loads) {
        shuffle(p, row, pair);
        return;
    }
#endif
    for (int i = 0; i < p->n; i++)
        pair[i] = (uint16_t)(row[p->column[i]] | row[p->column[i] + 1] << 8);
}
