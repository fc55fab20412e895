/* SPDX-License-Identifier: MIT */
/* Which segments an answer is found in: those that make it probable by themselves. */
#include "search.h"

#include <stdlib.h>

/* An answer is found in segments that are at least so relevant, and half as much as the best. */
#define FOUND_RELEVANCE 0.25
#define FOUND_PART 0.5
/* Segments that are asked whether they support an answer: a prompt each. */
#define MOST_SUPPORT 16

/* How probable an answer is by one segment alone: by its note or by what was shown of it. */
static int support_of(struct wn_seek *k, const struct wn_look *look, const char *question,
                      const struct wn_answer_stats *said, double *p)
{
    struct wn_segment *seg = look->shown;
    struct wn_asked a = {.rows = NULL};
    char *note = NULL, *full = NULL;
    int err;

    if (!seg) {
        note = wn_sprintf("%d: %s", look->part.index + 1, look->part.note);
        TRY(note ? WN_OK : wn_nomem(&k->s->log, "a prompt"));
        TRY(wn_seek_final(k, note, look->part.note, question, &full));
    }
    TRY(wn_asked_make(&a, k, &seg, seg ? 1 : 0, NULL, full ? full : question));
    TRY(wn_seek_likely(k, &a.prompt, said, p));
fail:
    wn_asked_finish(&a);
    free(note);
    free(full);
    return err;
}

static bool may_have(const struct wn_look *look, double best)
{
    return (look->shown || (look->part.note && look->part.cells)) &&
           look->part.relevance >= FOUND_RELEVANCE && look->part.relevance >= best * FOUND_PART;
}

/* The most relevant ones that were not asked yet. */
static struct wn_look *next_candidate(struct wn_seek *k, double best, const bool *done)
{
    struct wn_look *next = NULL;

    for (int32_t i = 0; i < k->n; i++) {
        struct wn_look *look = &k->looks[i];
        if (!done[i] && may_have(look, best) &&
            (!next || look->part.relevance > next->part.relevance))
            next = look;
    }
    return next;
}

/* Asks the segments for their support of one answer; an answer of no token has none to give. */
int wn_seek_find(struct wn_seek *k, const char *question, const struct wn_answer_stats *said)
{
    bool *done = wn_calloc((size_t)k->n, sizeof(*done));
    struct wn_look *look;
    double best = 0;
    int err = done ? WN_OK : wn_nomem(&k->s->log, "the segments");

    for (int32_t i = 0; i < k->n; i++)
        best = WN_MAX(best, k->looks[i].part.relevance);
    for (int i = 0; !err && i < MOST_SUPPORT && (look = next_candidate(k, best, done)); i++) {
        double p = 0;
        done[look - k->looks] = true;
        err = support_of(k, look, question, said, &p);
        look->part.support = WN_MAX(look->part.support, p);
    }
    free(done);
    return err;
}

double wn_seek_odds(const struct wn_search_part *part)
{
    return part->relevance / (1 - part->relevance + 1e-3);
}

static double weight(const struct wn_search_part *part)
{
    return part->support * wn_seek_odds(part);
}

/* A neighbour of the best one that goes on with what that shows. */
static bool goes_on(const struct wn_seek *k, int32_t i, const struct wn_search_part *best)
{
    return i >= 0 && i < k->n && k->looks[i].part.found &&
           weight(&k->looks[i].part) >= WN_LEAST_ODDS * weight(best);
}

void wn_seek_settle(struct wn_seek *k, struct wn_search *out)
{
    const struct wn_search_part *best = NULL;
    double most = 0;

    for (int32_t i = 0; i < k->n; i++)
        most = WN_MAX(most, k->looks[i].part.support);
    for (int32_t i = 0; i < k->n; i++) {
        struct wn_search_part *part = &k->looks[i].part;
        part->found = part->support > 0 && part->support >= most * FOUND_PART;
        if (part->found && (!best || weight(part) > weight(best)))
            best = part;
    }
    if (!best)
        return;
    int32_t first = best->index, last = best->index;
    while (goes_on(k, first - 1, best))
        first--;
    while (goes_on(k, last + 1, best))
        last++;
    out->start = k->looks[first].part.start;
    out->end = k->looks[last].part.end;
}

