/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <math.h>
#include <stdlib.h>

struct part {
    const struct wn_aks *rule;
    const double *score; /* of every frame that is looked at, from 0 to 1 */
    double *sorted;      /* as many: work space */
    int32_t *list, count;
};

static int descending(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;

    return a > b ? -1 : a < b;
}

/* Whether the best scores of frames [from, to) stand out. */
static bool stands_out(const struct part *p, int32_t from, int32_t to)
{
    const int32_t n = to - from, top = WN_MIN(n, p->rule->most);
    double mean = 0, best = 0, square = 0;

    for (int32_t i = 0; i < n; i++) {
        p->sorted[i] = p->score[from + i];
        mean += p->sorted[i] / n;
    }
    qsort(p->sorted, (size_t)n, sizeof(double), descending);
    for (int32_t i = 0; i < n; i++) {
        best += i < top ? p->sorted[i] / top : 0;
        square += (p->sorted[i] - mean) * (p->sorted[i] - mean);
    }
    return best - mean > p->rule->t1 && sqrt(square / n) > p->rule->t2;
}

/* The k best frames of [from, to), earlier ones of equals. */
static void take(struct part *p, int32_t from, int32_t to, int32_t k)
{
    for (int32_t i = from; i < to; i++) {
        int32_t before = 0;
        for (int32_t j = from; j < to && before < k; j++)
            before += p->score[j] > p->score[i] || (p->score[j] == p->score[i] && j < i);
        if (before < k)
            p->list[p->count++] = i * p->rule->ratio;
    }
}

static void choose(struct part *p, int32_t from, int32_t to, int32_t depth)
{
    const int32_t middle = from + (to - from) / 2;

    if (to <= from)
        return;
    if (depth >= p->rule->depth || stands_out(p, from, to)) {
        take(p, from, to, (int32_t)ldexp(p->rule->most, -depth));
        return;
    }
    choose(p, from, middle, depth + 1);
    choose(p, middle, to, depth + 1);
}

int32_t wn_select_aks(const float *score, int32_t n, const struct wn_aks *rule, int32_t *list)
{
    const int32_t seen = n / rule->ratio;
    double *unit = wn_calloc((size_t)seen, sizeof(*unit));
    double *sorted = wn_calloc((size_t)seen, sizeof(*sorted));
    struct part p = {rule, unit, sorted, list, 0};
    double low = INFINITY, high = -INFINITY;

    if (!unit || !sorted) {
        p.count = WN_ERR_NOMEM;
        goto end;
    }
    for (int32_t i = 0; i < seen; i++) {
        low = fmin(low, score[i * rule->ratio]);
        high = fmax(high, score[i * rule->ratio]);
    }
    for (int32_t i = 0; i < seen; i++) /* the authors divide by 0 where all scores are equal */
        unit[i] = high > low ? (score[i * rule->ratio] - low) / (high - low) : 0;
    if (seen < rule->most)
        take(&p, 0, seen, seen);
    else
        choose(&p, 0, seen, 0);
end:
    free(unit);
    free(sorted);
    return p.count;
}
