/* SPDX-License-Identifier: MIT */
/* Items differ, so a setting is not judged by items a second: each item counts with the time its
 * frames, cells and tokens took by the first setting's measure. */
#include "batch_tune.h"

#include <string.h>

#define FIRST 2        /* the setting to begin with: decoding beside the models gains mostly */
#define GAIN 1.03      /* a larger setting must bring so much */
#define NEAR 0.8       /* between two settings no better one is looked for when one is this bad */
#define LEAST_TIME 0.5 /* seconds of a window */
#define AGAIN 40       /* windows after which it is tried again: the work may have changed */

void tune_init(struct tune *t, int jobs, int most)
{
    *t = (struct tune){.fixed = jobs > 0, .most = most < TUNE_MOST ? most : TUNE_MOST};
    t->limit = jobs > 0 ? jobs : FIRST < t->most ? FIRST : t->most;
    t->settled = t->fixed || t->most < 2 ? 0 : -1;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* What each stage did for an item, and in what time. */
static void look(const json_t *record, double units[TUNE_COSTS], double seconds[TUNE_COSTS])
{
    const json_t *timing = json_object_get(record, "timing");

    units[0] = number(json_object_get(record, "media"), "frames_decoded");
    units[1] = number(record, "frames");
    units[2] = number(record, "prompt_cells");
    units[3] = number(record, "answer_tokens");
    seconds[0] = number(timing, "decode_s");
    seconds[1] = number(timing, "encode_s") + number(timing, "compress_s");
    seconds[2] = number(timing, "prefill_s");
    seconds[3] = number(timing, "generate_s");
}

static void learn(struct tune *t, const json_t *record)
{
    double units[TUNE_COSTS], seconds[TUNE_COSTS];

    look(record, units, seconds);
    for (int i = 0; i < TUNE_COSTS; i++) {
        t->units[i] += units[i];
        t->sum[i] += seconds[i];
    }
    t->seconds += number(record, "seconds");
}

static void set_costs(struct tune *t)
{
    for (int i = 0; i < TUNE_COSTS; i++)
        t->cost[i] = t->units[i] > 0 ? t->sum[i] / t->units[i] : 0;
    t->base = 0.05 * t->seconds / t->n + 1e-6;
    t->known = true;
}

static double work_of(const struct tune *t, const json_t *record)
{
    double units[TUNE_COSTS], seconds[TUNE_COSTS], work = t->base;

    look(record, units, seconds);
    for (int i = 0; i < TUNE_COSTS; i++)
        work += t->cost[i] * units[i];
    return work;
}

/* The fewest at once that are about as fast as the fastest. */
static int best(const struct tune *t)
{
    double most = 0;
    int i = 1;

    for (int k = 1; k <= t->most; k++)
        most = t->rate[k] > most ? t->rate[k] : most;
    while (i < t->most && t->rate[i] * GAIN < most)
        i++;
    return i;
}

static int window(int limit)
{
    return limit > 2 ? limit + 2 : 4;
}

static void try_setting(struct tune *t, int limit)
{
    t->limit = limit;
    t->began = t->work = 0;
    t->n = 0;
}

static void settle(struct tune *t)
{
    try_setting(t, best(t));
    t->settled = 0;
}

/* Twice the best while that is the largest tried, then what lies between it and neighbours that are
 * about as good; 0: nothing is left to try. */
static int untried(const struct tune *t)
{
    const int k = best(t);
    int above = k + 1, below = k - 1;

    while (above <= t->most && t->rate[above] == 0)
        above++;
    while (below > 0 && t->rate[below] == 0)
        below--;
    if (above > t->most && k < t->most)
        return 2 * k < t->most ? 2 * k : t->most;
    if (above <= t->most && above - k > 1 && t->rate[above] > NEAR * t->rate[k])
        return (k + above) / 2;
    if (k - below > 1 && (below == 0 || t->rate[below] > NEAR * t->rate[k]))
        return (k + below + 1) / 2;
    return 0;
}

static void next_setting(struct tune *t, int64_t left)
{
    const int next = untried(t);

    if (next && left > 3 * window(next))
        try_setting(t, next);
    else
        settle(t);
}

static void begin_again(struct tune *t)
{
    memset(t->rate, 0, sizeof(t->rate));
    memset(t->sum, 0, sizeof(t->sum));
    memset(t->units, 0, sizeof(t->units));
    t->seconds = 0;
    t->known = false;
    t->settled = -1;
    try_setting(t, t->limit);
}

void tune_fewer(struct tune *t)
{
    if (t->fixed || t->limit < 2)
        return;
    t->most = t->limit - 1;
    memset(t->rate + t->most + 1, 0, (size_t)(TUNE_MOST - t->most) * sizeof(*t->rate));
    try_setting(t, t->most);
}

void tune_done(struct tune *t, double now, const json_t *record, int64_t left)
{
    if (t->fixed || t->most < 2)
        return;
    if (t->settled >= 0) {
        if (++t->settled > AGAIN * window(t->limit) && left > AGAIN * window(t->limit))
            begin_again(t);
        return;
    }
    if (t->began == 0) { /* what was under way belongs to the setting before */
        t->began = now;
        return;
    }
    t->n++;
    if (t->known)
        t->work += work_of(t, record);
    else
        learn(t, record);
    if (t->n < window(t->limit) || now - t->began < LEAST_TIME)
        return;
    if (!t->known) {
        for (int i = 0; i < TUNE_COSTS; i++)
            t->work += t->sum[i];
        set_costs(t);
        t->work += t->base * t->n;
    }
    t->rate[t->limit] = t->work / (now - t->began);
    next_setting(t, left);
}
