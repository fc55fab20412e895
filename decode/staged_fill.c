/* SPDX-License-Identifier: MIT */
/* What pictures that were left out may have shown, so that joins can be looked for in a strip
 * without holes. */
#include "detect/clones.h"
#include "detect/joins.h"
#include "detect/parts.h"
#include "staged_state.h"

#define LEAST_STEP 12.0  /* levels between the pictures beside a hole, below which all is smooth */
#define SUDDEN 1.5       /* times the pace around, above which it is none of motion */
#define AROUND 3         /* known pictures on each side, between which that is taken */
#define BACK 0.5         /* of a step, within which what was there before it is back */
#define FLASH 3          /* known pictures after which it is */

struct strip {
    struct wn_thumb *thumb;
    enum wn_staged_kind *kind;
    int64_t n;
};

static double apart(const struct strip *s, int64_t a, int64_t b)
{
    return (double)wn_distance(s->thumb[a].plane[0], s->thumb[b].plane[0],
                               sizeof(s->thumb[a].plane)) / WN_THUMB_CELLS;
}

/* The next known picture in a direction; -1: none is. */
static int64_t beside(const struct strip *s, int64_t i, int step)
{
    for (i += step; i >= 0 && i < s->n; i += step)
        if (s->kind[i] == WN_STAGED_SEEN)
            return i;
    return -1;
}

/* Levels a picture, the most between the known ones in a direction. */
static double pace(const struct strip *s, int64_t i, int step)
{
    double most = 0;

    for (int k = 0; k < AROUND; k++) {
        const int64_t other = beside(s, i, step);
        if (other < 0)
            break;
        most = WN_MAX(most, apart(s, i, other) / (double)llabs(other - i));
        i = other;
    }
    return most;
}

/* Whether what `from` shows comes back soon behind `to`, in the direction of `step`. */
static bool comes_back(const struct strip *s, int64_t from, int64_t to, int step, double least)
{
    for (int k = 0; k < FLASH && to >= 0; k++) {
        to = beside(s, to, step);
        if (to >= 0 && apart(s, from, to) < least)
            return true;
    }
    return false;
}

WN_CLONES
static void mix_planes(const uint8_t *restrict a, const uint8_t *restrict b, uint8_t *restrict out,
                       int n, int share)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)((a[i] * (256 - share) + b[i] * share + 128) >> 8);
}

static void mix(struct strip *s, int64_t a, int64_t b)
{
    for (int64_t i = a + 1; i < b; i++) {
        s->kind[i] = WN_STAGED_MIXED;
        mix_planes(s->thumb[a].plane[0], s->thumb[b].plane[0], s->thumb[i].plane[0],
                   (int)sizeof(s->thumb->plane), (int)(256 * (i - a) / (b - a)));
    }
}

/* From `split` on they are like b. */
static void hold(struct strip *s, int64_t a, int64_t b, int64_t split)
{
    for (int64_t i = a + 1; i < b; i++) {
        s->kind[i] = WN_STAGED_HELD;
        s->thumb[i] = s->thumb[i < split ? a : b];
    }
}

static void fill(struct strip *s, int64_t a, int64_t b)
{
    const double d = apart(s, a, b);
    const double around = WN_MAX(pace(s, a, -1), pace(s, b, 1));

    if (d < LEAST_STEP)
        mix(s, a, b);
    else if (comes_back(s, a, b, 1, BACK * d))
        hold(s, a, b, b);
    else if (comes_back(s, b, a, -1, BACK * d))
        hold(s, a, b, a + 1);
    else if (d > SUDDEN * around * (double)(b - a))
        hold(s, a, b, a + (b - a + 1) / 2);
    else
        mix(s, a, b);
}

void wn_staged_fill(struct wn_thumb *thumb, enum wn_staged_kind *kind, int64_t n)
{
    struct strip s = {thumb, kind, n};
    int64_t known = -1;

    for (int64_t i = 0; i < n; i++) {
        if (kind[i] != WN_STAGED_SEEN)
            continue;
        if (known >= 0 && i > known + 1)
            fill(&s, known, i);
        known = i;
    }
    for (int64_t i = known + 1; known >= 0 && i < n; i++)
        thumb[i] = thumb[known];
}
