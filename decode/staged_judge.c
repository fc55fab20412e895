/* SPDX-License-Identifier: MIT */
#include "staged.h"

#include <stdlib.h>
#include <string.h>

#define ALIKE 10.0        /* levels between key frames of one shot that hardly moves */
#define UNLIKE 36.0       /* above it a cut is likely */
#define ALONE 1.7         /* times its neighbours' distance, that a GOP with a cut has */
#define CLEAR 40.0        /* levels from which sizes alone may tell where a cut is */
#define KEY_CLEAR 30.0    /* the same, where a key frame came early */
#define IRREGULAR 0.1     /* of the longest GOP; shorter by more: ended by its encoder */
#define REORDERED 10      /* packets, at most that much: pictures change places */
#define RESTLESS 100      /* packets */
#define BUSY 0.45          /* of the key frame's size, that packets of fast motion have */
#define NEAR 8            /* packets on each side, among which a cut's packet stands out */
#define SPIKE 2.2         /* times the second largest of them, that it has */
#define ONLY 0.4          /* of its spike, that no other one reaches */
#define ONLY_SHORT 0.52   /* the same, in GOPs that are short */
#define SHORT 120         /* packets */
#define ONLY_FIRST 0.36   /* the same as ONLY, of a spike right behind the key frame */
#define FIRST 8           /* packets */
#define RESTING 0.6       /* of the key frame's size, above which packets are those of motion */
#define ABOVE 2.0         /* times the largest of them, that a cut's then is */
#define UPHEAVAL 10.0     /* swell of a GOP in which more happens than a cut */
#define GREAT_SPIKE 2.6   /* of which a GOP between like key frames has two: there and back */
#define LEAST_SPIKE 0.15  /* of the key frame's size */
#define STILL 0.05        /* of the key frame's size, that packets of a shot without motion have */
#define SWELL 1.6         /* times the median of ten packets, that the most of ten packets have */
#define GREAT_SWELL 3.0
#define TEN 10
#define PLAIN_SPIKE 2.1   /* of a GOP between key frames that are neither alike nor unlike */
#define FLASH 4           /* packets behind a key frame, of which one */
#define AGAIN 0.9         /* of its size shows that it was a flash */
#define NOTE 1.7          /* times the second largest of those near it: a packet of note */
#define APART 12          /* packets between two of note that are none of the same event */
#define SETTLED 14        /* packets behind the last one of note, that show the new shot */
#define TAIL 0.3          /* of the key frame's size, that packets stay below before a cut */
#define CALM_TAIL 0.15    /* the same, where encoders begin anew again and again */
#define STEADY 2.2        /* times the least ten packets, that the most of a steady GOP have */
#define FALL 1.5          /* times the next ten packets, that ten of note have */

struct sizes {
    int64_t n;
    double most, high;    /* the largest packet; the mean of the fourth to the eighth */
    double swell;         /* the most that ten packets in a row have, to the median of such tens */
    double spike, other;  /* how far two packets stand out from those near them */
    int64_t at, other_at; /* these packets */
    double range;         /* the most that ten packets in a row have, to the least */
    double tail;          /* mean of the last ten, to the key frame's size */
    int64_t last;         /* the last packet of note; -1: none */
    int64_t before_last;  /* the last one that is not near it; -1 */
};

static int falling(const void *pa, const void *pb)
{
    const int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

    return (a < b) - (a > b);
}

/* How often packet i of n exceeds the second largest of those near it, less for small ones. */
static double spike_of(const struct wn_packets *x, const struct wn_gop *g, int64_t i)
{
    const int64_t first = g->first + 1, last = g->first + g->n - 1;
    const double size = (double)wn_packet_bytes(x, first + i);
    double most = 0, second = 0;

    for (int64_t k = WN_MAX(first + i - NEAR, first); k <= WN_MIN(first + i + NEAR, last); k++) {
        const double other = (double)wn_packet_bytes(x, k);
        if (k == first + i)
            continue;
        second = WN_MAX(second, WN_MIN(other, most));
        most = WN_MAX(most, other);
    }
    return size / WN_MAX(second, 1) *
           WN_MIN(1, size / (LEAST_SPIKE * (double)WN_MAX(g->key_bytes, 1)));
}

static void find_spikes(const struct wn_packets *x, const struct wn_gop *g, struct sizes *out)
{
    for (int64_t i = 0; i < g->n - 1; i++) {
        const double spike = spike_of(x, g, i);
        if (spike > out->spike) {
            out->other = out->spike;
            out->other_at = out->at;
            out->spike = spike;
            out->at = g->first + 1 + i;
        } else if (spike > out->other) {
            out->other = spike;
            out->other_at = g->first + 1 + i;
        }
    }
}

/* The last packet, of n, that stands out, or that ends ten packets which do: after them, or at the
 * end of the GOP before them, there are smaller ones. tens: of all ten packets in a row. */
static int64_t last_of_note(const struct wn_packets *x, const struct wn_gop *g,
                            const int64_t *tens, int64_t from, double median)
{
    const int64_t n = g->n - 1;

    for (int64_t i = from - 1; i >= 0; i--) {
        const int64_t beside = i + TEN < n ? tens[i + TEN] : i >= 2 * TEN - 1 ? tens[i - TEN] : 0;
        const bool swells = i >= TEN - 1 && beside > 0 && (double)tens[i] > SWELL * median &&
                            (double)tens[i] > FALL * (double)beside;
        if (swells || spike_of(x, g, i) >= NOTE)
            return g->first + 1 + i;
    }
    return -1;
}

/* sorted, tens [n + 1] */
static void measure(const struct wn_packets *x, const struct wn_gop *g, struct sizes *out,
                    int64_t *sorted, int64_t *tens)
{
    const int64_t n = g->n - 1;
    int64_t sum = 0, most = 0, count = 0;

    *out = (struct sizes){.n = n, .last = -1, .before_last = -1, .tail = 1};
    for (int64_t i = 0; i < n; i++) {
        sum += wn_packet_bytes(x, g->first + 1 + i);
        if (i >= TEN)
            sum -= wn_packet_bytes(x, g->first + 1 + i - TEN);
        tens[i] = sum;
        if (i >= TEN - 1)
            most = WN_MAX(most, sum);
    }
    find_spikes(x, g, out);
    if (n >= TEN) {
        memcpy(sorted, tens + TEN - 1, (size_t)(n - TEN + 1) * sizeof(*tens));
        qsort(sorted, (size_t)(n - TEN + 1), sizeof(*sorted), falling);
        const double median = (double)WN_MAX(sorted[(n - TEN) / 2], 1);
        out->swell = (double)most / median;
        out->range = (double)most / (double)WN_MAX(sorted[n - TEN], 1);
        out->last = last_of_note(x, g, tens, n, median);
        if (out->last >= 0)
            out->before_last = last_of_note(x, g, tens, out->last - g->first - APART, median);
        out->tail = (double)sum / TEN / (double)WN_MAX(g->key_bytes, 1);
    }
    for (int64_t i = 0; i < n; i++)
        sorted[i] = wn_packet_bytes(x, g->first + 1 + i);
    qsort(sorted, (size_t)n, sizeof(*sorted), falling);
    out->most = n ? (double)sorted[0] : 0;
    for (int64_t i = 3; i < WN_MIN(n, 8); i++, count++)
        out->high += (double)sorted[i];
    out->high = count ? out->high / (double)count : out->most;
}

static bool is_steady(const struct sizes *s)
{
    return s->range > 0 && s->range < STEADY;
}

bool wn_gop_is_early(int64_t n, int64_t longest)
{
    return (double)n < (double)longest - WN_MIN(IRREGULAR * (double)longest, REORDERED);
}

/* A key frame behind which nearly all is new again showed a flash. */
static bool is_flash(const struct wn_packets *x, const struct wn_gop *g)
{
    const int64_t key = g->first + g->n;
    bool flash = false;

    for (int64_t i = key + 1; i <= WN_MIN(key + FLASH, x->n - 1); i++)
        flash |= (double)wn_packet_bytes(x, i) > AGAIN * (double)wn_packet_bytes(x, key);
    return flash;
}

/* The key frame that ends this GOP stands where the encoder saw a new picture. */
static bool ends_at_cut(const struct wn_packets *x, const struct wn_gop *g, const struct sizes *s,
                        const struct wn_gop_look *l)
{
    const bool early = wn_gop_is_early(g->n, l->longest);
    const bool back = l->across >= 0 && l->across < 0.5 * l->ahead; /* a flash, or shot and back */

    if (s->most < STILL * (double)g->key_bytes && s->swell < GREAT_SWELL && !l->next_flat &&
        l->ahead >= ALIKE)
        return true; /* nothing was new in between */
    /* Fast motion makes encoders begin anew again and again: such a GOP is short, and decoded. */
    const bool restless = l->around >= 0 && l->ahead < ALONE * l->around && g->n < RESTLESS;
    return early && !back && l->ahead >= KEY_CLEAR && !l->flat && !l->next_flat &&
           s->tail < (restless ? CALM_TAIL : TAIL) && s->high < BUSY * (double)g->key_bytes &&
           s->last < g->first + g->n - SETTLED && !is_flash(x, g);
}

/* One packet stands out, between key frames that differ as no others near them do. */
static bool is_clear(const struct wn_gop *g, const struct sizes *s, const struct wn_gop_look *l)
{
    const bool calm = l->around < 0 || l->ahead > ALONE * l->around;
    const double most_other = g->n > SHORT ? ONLY : ONLY_SHORT;
    const double only = s->at - g->first <= FIRST ? ONLY_FIRST : most_other;
    const double high = s->high / (double)WN_MAX(g->key_bytes, 1);

    if (l->marks && wn_gop_is_early(g->n, l->longest)) /* the cut is rather at the end */
        return false;
    if (s->swell >= UPHEAVAL || (high > RESTING && s->most < ABOVE * s->high))
        return false;
    return calm && l->ahead >= CLEAR && !l->flat && !l->next_flat && s->spike >= SPIKE &&
           s->other < only * s->spike;
}

/* Pictures that are shown before the one of this packet, and stored behind it, may be of either
 * shot: the middle of them. */
static int64_t place(const struct wn_packets *x, const struct wn_gop *g, int64_t packet)
{
    const int64_t frame = wn_packet_frame(x, packet);
    int64_t before = -1;

    for (int64_t i = g->first; i < packet; i++)
        before = WN_MAX(before, wn_packet_frame(x, i));
    return before >= 0 && before < frame ? frame - (frame - before - 1) / 2 : frame;
}

static enum wn_gop_verdict judge(const struct wn_packets *x, const struct wn_gop *g,
                                 const struct sizes *s, const struct wn_gop_look *l,
                                 struct wn_gop_finding *out)
{
    if (l->ahead < 0) /* the last one: nothing is known of its end */
        return s->spike < SPIKE && s->swell < SWELL && s->n > TEN ? WN_GOP_QUIET : WN_GOP_OPEN;
    out->ends = ends_at_cut(x, g, s, l);
    if (out->ends && s->swell < SWELL && s->spike < SPIKE)
        return WN_GOP_CUT_AT_END;
    if (out->ends)
        return WN_GOP_OPEN;
    const bool alone = l->around >= 0 && l->ahead > ALONE * l->around;
    const bool faded = l->flat != l->next_flat;
    if (l->ahead < UNLIKE && !faded && s->spike < NOTE && is_steady(s))
        return WN_GOP_QUIET;
    if (l->ahead < ALIKE || (l->ahead < UNLIKE && !alone && !faded)) {
        if (l->ahead >= ALIKE && s->spike >= PLAIN_SPIKE)
            return WN_GOP_OPEN;
        const bool there_and_back = s->other >= GREAT_SPIKE && llabs(s->at - s->other_at) >= NEAR;
        return there_and_back || (s->swell >= GREAT_SWELL && l->ahead > 2 && s->spike < SPIKE)
                   ? WN_GOP_OPEN : WN_GOP_QUIET;
    }
    if (l->marks && !wn_gop_is_early(g->n, l->longest) && s->spike < SPIKE && s->swell < SWELL &&
        !faded)
        return WN_GOP_QUIET; /* a cut would have got a key frame */
    if (!is_clear(g, s, l))
        return WN_GOP_OPEN;
    out->frame = place(x, g, s->at);
    return WN_GOP_CUT_INSIDE;
}

void wn_gop_judge(const struct wn_packets *x, int64_t gop, const struct wn_gop_look *look,
                  struct wn_gop_finding *out)
{
    struct sizes s;
    struct wn_gop g;

    *out = (struct wn_gop_finding){
        .verdict = WN_GOP_OPEN, .frame = -1, .until = -1, .but_one = -1};
    wn_gop_get(x, gop, &g);
    int64_t *sorted = wn_calloc((size_t)g.n, sizeof(*sorted));
    int64_t *tens = wn_calloc((size_t)g.n, sizeof(*tens));
    if (sorted && tens) {
        measure(x, &g, &s, sorted, tens);
        out->verdict = judge(x, &g, &s, look, out);
        /* frames and packets of a GOP are nearly in the same order */
        const int64_t behind = wn_packet_frame(x, g.first) - g.first + SETTLED;
        if (s.last >= 0)
            out->until = behind + s.last;
        if (s.before_last >= 0)
            out->but_one = behind + s.before_last;
        out->steady = is_steady(&s);
    }
    free(sorted);
    free(tens);
}

void wn_gop_notes(const struct wn_packets *packets, int64_t gop, int near, bool *note)
{
    struct wn_gop g;
    int64_t last = -1;

    wn_gop_get(packets, gop, &g);
    for (int64_t i = 0; i < g.n - 1; i++) {
        if (spike_of(packets, &g, i) >= NOTE)
            last = i;
        note[i + 1] = last >= 0 && i - last <= near;
    }
}
