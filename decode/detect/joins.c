/* SPDX-License-Identifier: MIT */
#include "joins.h"

#include "clones.h"
#include "parts.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_CUT 12.0     /* levels, of neighbours */
#define OUTSTANDING 2.5    /* times the mean of the pictures around */
#define AROUND 5           /* of them on each side */
#define FLASH 4            /* pictures after which what was before may be back */
#define LEAST_MIX 12.0     /* levels between the ends of a dissolve */
#define RESIDUE 0.2        /* of them, in which a mix of both ends may be wrong */
#define GREAT_MIX 35.0     /* levels between ends that have nothing in common, */
#define UNLIKE 0.25        /* as their correlation shows: */
#define GREAT_RESIDUE 0.27  /* pictures between may be so wrong */
#define CLEAR 0.1          /* of them: a mix beyond doubt */
#define CALM 0.45          /* of a dissolve's speed, that pictures on one side may move with */
#define MOVED 0.7          /* of a step, that stays when blocks may move: less is motion */
#define DRIFTED 0.55       /* the same, of the distance of a dissolve's ends */
#define LIGHT 0.85         /* correlation of luma from which only the light has changed */
#define BLOCK 8            /* cells a side */
#define REACH 4            /* cells that they may move */
#define LIKE 0.6           /* correlation of luma from which a step may be motion */
#define FLAT 7.0           /* contrast of a faded picture */
#define FLAT_RUN 75        /* pictures that stay flat at most */
#define DEEP 4.0           /* times the contrast of a faded picture, on both sides of it */
#define LEAST_CONTRAST 4.5
#define BLACK 45           /* mean luma below it, and above WHITE */
#define WHITE 210
#define VALLEY 6           /* pictures on each side that are not flatter */
#define FADE_SPAN 24       /* pictures in which the contrast beside it is reached */
#define APART 8            /* joins nearer than this are one */

static double distance(const struct wn_thumb *a, const struct wn_thumb *b)
{
    return (double)wn_distance(a->plane[0], b->plane[0], sizeof(a->plane)) / WN_THUMB_CELLS;
}

double wn_thumb_contrast(const struct wn_thumb *thumb)
{
    int32_t sum = 0, squares = 0;

    for (int i = 0; i < WN_THUMB_CELLS; i++) {
        sum += thumb->plane[0][i];
        squares += thumb->plane[0][i] * thumb->plane[0][i];
    }
    const double mean = (double)sum / WN_THUMB_CELLS;
    return sqrt(fmax(0, (double)squares / WN_THUMB_CELLS - mean * mean));
}

struct strip {
    const struct wn_thumb *thumb;
    int64_t n;
    double *step;      /* [n] distance to the picture before; 0 for the first */
    double *contrast;  /* [n] */
    struct wn_join *out;
    int count, most;
};

static void add(struct strip *s, struct wn_join join)
{
    if (s->count < s->most)
        s->out[s->count++] = join;
}

/* Correlation of luma: light that changes leaves the picture what it was. */
static double likeness(const struct wn_thumb *a, const struct wn_thumb *b)
{
    int32_t sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;

    for (int i = 0; i < WN_THUMB_CELLS; i++) {
        const int32_t x = a->plane[0][i], y = b->plane[0][i];
        sa += x;
        sb += y;
        saa += x * x;
        sbb += y * y;
        sab += x * y;
    }
    const double va = saa - (double)sa * sa / WN_THUMB_CELLS;
    const double vb = sbb - (double)sb * sb / WN_THUMB_CELLS;
    return va * vb > 0 ? (sab - (double)sa * sb / WN_THUMB_CELLS) / sqrt(va * vb) : 0;
}

/* ---- cuts ---- */

static double around(const struct strip *s, int64_t t)
{
    double sum = 0;
    int n = 0;

    for (int64_t i = WN_MAX(t - AROUND, 1); i <= WN_MIN(t + AROUND, s->n - 1); i++) {
        if (i != t) {
            sum += s->step[i];
            n++;
        }
    }
    return n ? sum / n : 0;
}

/* What was there before the step is soon back. */
static bool is_flash(const struct strip *s, int64_t t)
{
    const int64_t before = WN_MAX(t - 2, 0), from = WN_MAX(t - FLASH, 0);

    for (int64_t i = t + 1; i <= WN_MIN(t + FLASH, s->n - 1); i++)
        if (fmin(distance(&s->thumb[t - 1], &s->thumb[i]),
                 distance(&s->thumb[before], &s->thumb[i])) < 0.5 * s->step[t])
            return true;
    for (int64_t i = from; i < t - 1; i++) /* the end of one */
        if (distance(&s->thumb[i], &s->thumb[t]) < 0.5 * s->step[t])
            return true;
    return false;
}

/* The sum of differences of one block of b and that of a which lies dx, dy beside it. */
static int block_difference(const struct wn_thumb *a, const struct wn_thumb *b, int at, int shift)
{
    int sum = 0;

    for (int k = 0; k < 3; k++) {
        for (int y = 0; y < BLOCK; y++) {
            const uint8_t *p = a->plane[k] + at + shift + y * WN_THUMB_SIDE;
            const uint8_t *q = b->plane[k] + at + y * WN_THUMB_SIDE;
            for (int x = 0; x < BLOCK; x++)
                sum += abs(p[x] - q[x]);
        }
    }
    return sum;
}

static int nearest_block(const struct wn_thumb *a, const struct wn_thumb *b, int x, int y)
{
    int least = INT32_MAX;

    for (int v = WN_MAX(y - REACH, 0); v <= WN_MIN(y + REACH, WN_THUMB_SIDE - BLOCK); v++)
        for (int u = WN_MAX(x - REACH, 0); u <= WN_MIN(x + REACH, WN_THUMB_SIDE - BLOCK); u++)
            least = WN_MIN(least, block_difference(a, b, y * WN_THUMB_SIDE + x,
                                                   (v - y) * WN_THUMB_SIDE + u - x));
    return least;
}

/* Whether more than `share` of the distance goes when each block may come from somewhere near. */
static bool has_moved(const struct wn_thumb *a, const struct wn_thumb *b, double apart,
                      double share)
{
    int64_t sum = 0;

    for (int y = 0; y < WN_THUMB_SIDE; y += BLOCK)
        for (int x = 0; x < WN_THUMB_SIDE; x += BLOCK)
            sum += nearest_block(a, b, x, y);
    return (double)sum / WN_THUMB_CELLS < share * apart;
}

static bool is_step(const struct strip *s, int64_t t)
{
    const struct wn_thumb *a = &s->thumb[t - 1], *b = &s->thumb[t];

    return !is_flash(s, t) && (likeness(a, b) < LIKE || !has_moved(a, b, s->step[t], MOVED));
}

static void find_cuts(struct strip *s)
{
    for (int64_t t = 1; t < s->n; t++) {
        const double step = s->step[t];
        const bool peak = step >= s->step[t - 1] && (t + 1 == s->n || step > s->step[t + 1]);
        if (step >= LEAST_CUT && peak && step >= OUTSTANDING * around(s, t) && is_step(s, t))
            add(s, (struct wn_join){WN_JOIN_CUT, t, t, t, step});
    }
}

/* ---- fades ---- */

static double highest(const struct strip *s, int64_t from, int64_t to)
{
    double high = 0;

    for (int64_t i = WN_MAX(from, 0); i <= WN_MIN(to, s->n - 1); i++)
        high = fmax(high, s->contrast[i]);
    return high;
}

/* The last picture of the run from t on that is as flat as the one at t; -1 when t is no valley. */
static int64_t valley_end(const struct strip *s, int64_t t)
{
    const double flat = s->contrast[t];
    int64_t end = t;

    while (end + 1 < s->n && s->contrast[end + 1] <= flat + 0.5)
        end++;
    for (int64_t i = WN_MAX(t - VALLEY, 0); i <= WN_MIN(end + VALLEY, s->n - 1); i++)
        if (s->contrast[i] < flat)
            return -1;
    return end;
}

static bool is_black_or_white(const struct wn_thumb *thumb)
{
    int64_t sum = 0;

    for (int i = 0; i < WN_THUMB_CELLS; i++)
        sum += thumb->plane[0][i];
    return sum < BLACK * WN_THUMB_CELLS || sum > WHITE * WN_THUMB_CELLS;
}

/* Whether contrast comes from `full` to the flat picture at t over some pictures: step -1 looks at
 * those before it, 1 at those after it. */
static bool is_gradual(const struct strip *s, int64_t t, int step, double full)
{
    return t + 2 * step >= 0 && t + 2 * step < s->n && s->contrast[t + step] < 0.5 * full &&
           s->contrast[t + 2 * step] < 0.7 * full;
}

/* A run of flat pictures into which something fades and out of which something fades. */
static void find_fades(struct strip *s)
{
    for (int64_t t = 1; t + 1 < s->n; t++) {
        const int64_t end = s->contrast[t] < FLAT ? valley_end(s, t) : -1;
        if (end < 0)
            continue;
        const double left = highest(s, t - FADE_SPAN, t - 1);
        const double right = highest(s, end + 1, end + FADE_SPAN);
        if (fmin(left, right) > fmax(LEAST_CONTRAST, DEEP * s->contrast[t]) &&
            end - t < FLAT_RUN && is_black_or_white(&s->thumb[t]) &&
            is_gradual(s, t, -1, left) && is_gradual(s, end, 1, right))
            add(s, (struct wn_join){WN_JOIN_FADE, (t + end) / 2, WN_MAX(t - FADE_SPAN / 2, 0),
                                    WN_MIN(end + FADE_SPAN / 2, s->n - 1), fmax(left, right)});
        t = end;
    }
}

/* ---- dissolves ---- */

#define SHARE 1024 /* of the way, in fixed point */

WN_CLONES
static void project(const uint8_t *restrict a, const uint8_t *restrict m,
                    const uint8_t *restrict b, int32_t *dot, int32_t *square)
{
    int32_t sum = 0, all = 0;

    for (int i = 0; i < 3 * WN_THUMB_CELLS; i++) {
        const int16_t d = (int16_t)(b[i] - a[i]), e = (int16_t)(m[i] - a[i]);
        sum += e * d;
        all += d * d;
    }
    *dot = sum;
    *square = all;
}

WN_CLONES
static int64_t rest(const uint8_t *restrict a, const uint8_t *restrict m,
                    const uint8_t *restrict b, int32_t share)
{
    int64_t sum = 0;

    for (int k = 0; k < 3; k++) { /* of so many cells the sum fits in 32 bits */
        int32_t some = 0;
        for (int i = k * WN_THUMB_CELLS; i < (k + 1) * WN_THUMB_CELLS; i++)
            some += abs((m[i] - a[i]) * SHARE - share * (b[i] - a[i]));
        sum += some;
    }
    return sum;
}

/* How far m is on the way from a to b, and how far off it lies. */
static double on_the_way(const struct wn_thumb *a, const struct wn_thumb *m,
                         const struct wn_thumb *b, double *off)
{
    int32_t dot, square;

    project(a->plane[0], m->plane[0], b->plane[0], &dot, &square);
    const double share = square ? (double)dot / square : 0;
    const int32_t fixed = (int32_t)lrint(fmin(fmax(share, -1), 2) * SHARE);
    *off = (double)rest(a->plane[0], m->plane[0], b->plane[0], fixed) / (SHARE * WN_THUMB_CELLS);
    return share;
}

static double speed(const struct strip *s, int64_t from, int64_t to)
{
    double sum = 0;
    int n = 0;

    for (int64_t i = WN_MAX(from, 1); i <= WN_MIN(to, s->n - 1); i++) {
        sum += s->step[i];
        n++;
    }
    return n ? sum / n : 0;
}

/* The distance of both ends when pictures t to t + w are a mix of them, else 0. */
static double mix_of(const struct strip *s, int64_t t, int64_t w)
{
    const struct wn_thumb *a = &s->thumb[t], *b = &s->thumb[t + w];
    const double d = distance(a, b), calm = CALM * d / (double)w + 1;
    const double before = speed(s, t - 4, t), after = speed(s, t + w + 1, t + w + 5);
    double last = 0, worst = 0;

    if (d < LEAST_MIX || s->contrast[t] < FLAT || s->contrast[t + w] < FLAT)
        return 0;
    for (int q = 1; q < 4; q++) {
        double off;
        const double share = on_the_way(a, &s->thumb[t + w * q / 4], b, &off);
        if (off > GREAT_RESIDUE * d || share < last + 0.1 || fabs(share - q / 4.0) > 0.2)
            return 0;
        last = share;
        worst = fmax(worst, off / d);
    }
    if (worst > CLEAR && before > calm && after > calm)
        return 0;
    const bool calm_side = (t > 3 && before < calm) || (t + w + 4 < s->n && after < calm);
    if (worst > RESIDUE && !(calm_side && d >= GREAT_MIX && likeness(a, b) < UNLIKE))
        return 0;
    return likeness(a, b) > LIGHT || has_moved(a, b, d, DRIFTED) ? 0 : d;
}

static bool overlaps(const struct strip *s, int64_t from, int64_t to)
{
    for (int i = 0; i < s->count; i++)
        if (s->out[i].first <= to && s->out[i].last >= from)
            return true;
    return false;
}

/* Of the windows that fit, the one whose ends differ most for its length. */
static void find_dissolves(struct strip *s)
{
    static const int width[] = {6, 8, 10, 12, 15, 18, 22, 26, 32, 40, 50};

    for (int64_t t = 0; t < s->n; t++) {
        int best = -1;
        double most = 0;
        for (int k = 0; k < WN_LEN(width) && t + width[k] < s->n; k++) {
            const double d = s->step[t + width[k] / 2] > 0.2 ? mix_of(s, t, width[k]) : 0;
            if (d > most * 1.05) {
                most = d;
                best = k;
            }
        }
        if (best < 0 || overlaps(s, t, t + width[best]))
            continue;
        add(s, (struct wn_join){WN_JOIN_DISSOLVE, t + width[best] / 2, t, t + width[best], most});
        t += width[best];
    }
}

/* Joins that lie too near become one: a cut if one of them is, else the first. Of cuts it is left
 * to the caller, who knows when pictures are shown. */
static int thin_out(struct wn_join *out, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        const bool cuts =
            kept && out[i].kind == WN_JOIN_CUT && out[kept - 1].kind == WN_JOIN_CUT;
        if (kept && !cuts && out[i].at - out[kept - 1].at < APART) {
            if (out[i].kind == WN_JOIN_CUT && out[kept - 1].kind != WN_JOIN_CUT)
                out[kept - 1] = out[i];
            continue;
        }
        out[kept++] = out[i];
    }
    return kept;
}

static int by_place(const void *a, const void *b)
{
    const struct wn_join *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

int wn_joins_find(const struct wn_thumb *thumb, int64_t n, struct wn_join *out, int most)
{
    struct strip s = {.thumb = thumb, .n = n, .out = out, .most = most};
    int kept = 0;

    s.step = wn_calloc((size_t)n, sizeof(*s.step));
    s.contrast = wn_calloc((size_t)n, sizeof(*s.contrast));
    if (s.step && s.contrast) {
        for (int64_t t = 0; t < n; t++) {
            s.step[t] = t ? distance(&thumb[t - 1], &thumb[t]) : 0;
            s.contrast[t] = wn_thumb_contrast(&thumb[t]);
        }
        find_fades(&s);
        find_cuts(&s);
        find_dissolves(&s);
        qsort(out, (size_t)s.count, sizeof(*out), by_place);
        kept = thin_out(out, s.count);
    }
    const bool ok = s.step && s.contrast;
    free(s.step);
    free(s.contrast);
    return ok ? kept : WN_ERR_NOMEM;
}
