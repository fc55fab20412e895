/* SPDX-License-Identifier: MIT */
/* One answer from many prompts. Every segment is looked at by itself, with few of its rows, for
 * how probable it is that a note on it says anything: that is its relevance to the question, and
 * needs no tower for text. Then the answer is made, and the segments are asked, each alone, how
 * probable it is: those that agree are where it was found. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

#define MOST_QUESTIONS 4
#define SUB_TOKENS 64
#define SPLIT_TOKENS 128
/* What a segment gets at first, of the budget. */
#define LOOK_PART 4

/* ---- looking at segments ---- */

/* The relevance to any of the questions, by a few of the segment's rows. */
static int look_at(struct wn_seek *k, struct wn_look *look, struct wn_segment *few)
{
    int err = WN_OK;

    for (int i = 0; i < k->n_asked; i++) {
        double relevance = 0;
        TRY(wn_seek_note(k, look, few, k->asked[i], &relevance, NULL));
        look->part.relevance = WN_MAX(look->part.relevance, relevance);
    }
fail:
    return err;
}

/* A note on a segment that may have something to say, by as many rows as a prompt holds. */
static int note_down(struct wn_seek *k, struct wn_look *look, struct wn_segment *seg)
{
    struct wn_segment *more = NULL;
    char *note = NULL;
    int err;

    if (look->part.relevance < WN_NOTE_RELEVANCE)
        return WN_OK;
    TRY(wn_seek_reduce(k, seg, k->tokens, &more));
    TRY(wn_seek_note(k, look, more, k->asked[0], &look->part.relevance, &note));
    if (note && !wn_words_nothing(note, k->text[WN_PROMPT_NOTHING])) {
        look->part.note = note;
        note = NULL;
    }
fail:
    free(note);
    wn_segment_unref(&more);
    return err;
}

static int add_look(struct wn_seek *k, const struct wn_segment *seg)
{
    struct wn_look *looks = wn_regrow(k->looks, (size_t)k->n + 1, sizeof(*looks));

    if (!looks)
        return wn_nomem(&k->s->log, "the list of segments");
    k->looks = looks;
    looks[k->n] = (struct wn_look){
        .part = {.size = sizeof(struct wn_search_part), .index = k->n, .start = seg->start,
                 .end = seg->end},
    };
    k->n++;
    return WN_OK;
}

static int take_segment(struct wn_seek *k, struct wn_segment *seg)
{
    struct wn_segment *few = NULL;
    int err;

    TRY(add_look(k, seg));
    struct wn_look *look = &k->looks[k->n - 1];
    TRY(wn_seek_reduce(k, seg, k->p.look, &few));
    TRY(look_at(k, look, few));
    if (k->p.strategy == WN_BY_NOTES)
        TRY(note_down(k, look, seg));
    else
        wn_seek_hold(k, seg);
    if (k->p.on_part && k->p.on_part(k->p.opaque, &look->part))
        err = wn_fail(&k->s->log, WN_ERR_ABORTED, "stopped by the caller");
fail:
    wn_segment_unref(&few);
    return err;
}

static int take_segments(struct wn_seek *k)
{
    struct wn_log *log = &k->s->log;
    int err;

    for (;;) {
        struct wn_segment *seg = NULL;
        err = wn_source_pull(k->src, &seg);
        if (err == WN_AGAIN)
            return wn_fail(log, WN_ERR_ARG, "the pushed frames have not ended yet");
        if (err)
            break;
        err = take_segment(k, seg);
        wn_segment_unref(&seg);
        if (err < 0)
            return err;
    }
    if (err == WN_EOF && !k->n)
        return wn_fail(log, WN_ERR_DATA, "the frame filters left no frame");
    return err == WN_EOF ? WN_OK : err;
}

/* ---- the strategies ---- */

static int by_notes(struct wn_seek *k, char **text)
{
    struct wn_answer_stats stats = {0};
    char *notes = NULL, *timed = NULL;
    int err;

    TRY(wn_seek_join_notes(k, &notes, &timed));
    TRY(wn_seek_answer_notes(k, notes, timed, k->asked[0], text, &stats));
    TRY(wn_seek_find(k, k->asked[0], &stats));
    wn_session_give_stats(k->ask.stats, &stats);
fail:
    free(notes);
    free(timed);
    return err;
}

static int by_budget(struct wn_seek *k, char **text)
{
    struct wn_answer_stats stats = {0};
    int err;

    TRY(wn_seek_share(k));
    TRY(wn_seek_answer_shown(k, k->asked[0], &k->ask, text, &stats));
    TRY(wn_seek_find(k, k->asked[0], &stats));
    wn_session_give_stats(k->ask.stats, &stats);
fail:
    return err;
}

/* All sub-questions are asked over the same rows, which the model reads once. */
static int by_split(struct wn_seek *k, const char *question, struct wn_sub_answer *subs,
                    char **text)
{
    struct wn_answer_stats stats[MOST_QUESTIONS] = {{0}}, last = {0};
    const struct wn_ask_params ask = wn_seek_quiet(k, SUB_TOKENS);
    char *notes = NULL, *timed = NULL;
    int err;

    TRY(wn_seek_share(k));
    for (int i = 0; i < k->n_asked; i++) {
        char *part = NULL;
        TRY(wn_seek_answer_shown(k, k->asked[i], &ask, &part, &stats[i]));
        wn_words_trim(part);
        subs[i].answer = part;
        char *line = wn_sprintf("%s %s", k->asked[i], part);
        err = line ? wn_words_join(&notes, " ", line) : WN_ERR_NOMEM;
        if (!err)
            err = wn_words_join(&timed, "\n", line);
        free(line);
        TRY(err ? wn_nomem(&k->s->log, "the notes") : WN_OK);
    }
    TRY(wn_seek_answer_notes(k, notes, timed, question, text, &last));
    for (int i = 0; i < k->n_asked; i++)
        TRY(wn_seek_find(k, k->asked[i], &stats[i]));
    wn_session_give_stats(k->ask.stats, &last);
fail:
    free(notes);
    free(timed);
    return err;
}

/* ---- the whole ---- */

/* What the question falls into; itself where the model does not know. */
static int split(struct wn_seek *k, const char *question)
{
    struct wn_answer_stats stats = {0};
    const struct wn_ask_params ask = wn_seek_quiet(k, SPLIT_TOKENS);
    struct wn_asked a = {.rows = NULL};
    char *text = NULL;
    char *full = wn_words_fill(k->text[WN_PROMPT_SPLIT],
                               (const char *const[]){"question", question, NULL});
    int err = full ? WN_OK : wn_nomem(&k->s->log, "a prompt");

    TRY(err);
    TRY(wn_asked_make(&a, k, NULL, 0, NULL, full));
    TRY(wn_seek_answer(k, &a.prompt, &ask, &text, &stats));
    k->src->stats.first_token_s = 0; /* of the answer, which this is not */
    k->n_asked = wn_words_questions(text, k->asked, MOST_QUESTIONS);
    if (k->n_asked < 0) {
        k->n_asked = 0;
        TRY(wn_nomem(&k->s->log, "the questions"));
    }
fail:
    wn_asked_finish(&a);
    free(text);
    free(full);
    return err;
}

static int make_questions(struct wn_seek *k, const char *question)
{
    int err = WN_OK;

    k->asked = wn_calloc(MOST_QUESTIONS, sizeof(char *));
    TRY(k->asked ? WN_OK : wn_nomem(&k->s->log, "the questions"));
    if (k->p.strategy == WN_BY_SPLIT)
        TRY(split(k, question));
    if (k->n_asked > 1)
        return WN_OK;
    free(k->asked[0]); /* a single one that differs would be another question */
    k->asked[0] = wn_strdup(question);
    k->n_asked = 1;
    TRY(k->asked[0] ? WN_OK : wn_nomem(&k->s->log, "the question"));
fail:
    return err;
}

/* Of a context, what the words around a prompt's rows take at most, beside the question. */
#define WORDS 192

/* What a prompt has for rows when the caller does not say: a long question and answer fit beside.
 */
static int64_t default_tokens(struct wn_seek *k, const char *question)
{
    const int64_t context = wn_session_cells(k->s);
    const int64_t text = wn_text_cells(k->s, question);
    const int64_t beside = WN_MIN(wn_session_answer_tokens(&k->ask) + WORDS, context / 4);

    return WN_MAX(WN_MIN(k->src->segment_cells, context - WN_MAX(text, 0) - beside), 1);
}

static int begin(struct wn_seek *k, const char *question, const struct wn_search_params *params)
{
    struct wn_source *src = k->src;
    int err;

    if (params && params->size)
        memcpy(&k->p, params, WN_MIN(params->size, sizeof(k->p)));
    if (k->p.strategy < WN_BY_BUDGET || k->p.strategy > WN_BY_SPLIT)
        return wn_fail(&k->s->log, WN_ERR_ARG, "%d is no strategy", (int)k->p.strategy);
    k->ask = wn_session_take_ask(k->p.ask);
    k->tokens = k->p.tokens > 0 ? k->p.tokens : default_tokens(k, question);
    if (k->p.look <= 0)
        k->p.look = WN_MAX(k->tokens / LOOK_PART, 1);
    k->p.look = WN_MIN(k->p.look, k->tokens);
    const char *const own[WN_N_PROMPTS] = {k->p.note, k->p.final, k->p.split, k->p.nothing};
    for (int i = 0; i < WN_N_PROMPTS; i++) {
        const char *models = k->s->llm_info.prompts[i];
        k->text[i] = own[i] ? own[i] : models ? models : wn_plain_english[i];
    }
    TRY(wn_source_read_cues(src));
    TRY(wn_refilter_open(&k->scorer, k->s, src->whole ? WN_SEARCH_SCORES : ""));
fail:
    return err;
}

/* Moves what was found to the result. */
static int hand_over(struct wn_seek *k, struct wn_search *out)
{
    struct wn_search_part *parts = wn_calloc((size_t)k->n, sizeof(*parts));

    if (!parts)
        return wn_nomem(&k->s->log, "the segments");
    for (int32_t i = 0; i < k->n; i++) {
        parts[i] = k->looks[i].part;
        k->looks[i].part.note = NULL;
    }
    out->parts = parts;
    out->n_parts = k->n;
    out->prompts = k->prompts;
    out->most_cells = k->most_cells;
    k->src->stats.prefill_s = k->prefill_s;
    k->src->stats.generate_s = k->generate_s;
    return WN_OK;
}

static void finish(struct wn_seek *k)
{
    for (int32_t i = 0; i < k->n; i++) {
        wn_segment_unref(&k->looks[i].wide);
        wn_segment_unref(&k->looks[i].shown);
        free((void *)k->looks[i].part.note);
    }
    for (int i = 0; k->asked && i < MOST_QUESTIONS; i++)
        free(k->asked[i]);
    free(k->asked);
    free(k->looks);
    wn_refilter_close(&k->scorer);
}

/* Sub-questions move to the result, which has room for their answers. */
static int give_subs(struct wn_seek *k, struct wn_search *out, struct wn_sub_answer **subs)
{
    *subs = wn_calloc((size_t)k->n_asked, sizeof(**subs));
    if (!*subs)
        return wn_nomem(&k->s->log, "the questions");
    out->subs = *subs;
    out->n_subs = k->n_asked;
    for (int i = 0; i < k->n_asked; i++) {
        (*subs)[i].question = wn_strdup(k->asked[i]);
        if (!(*subs)[i].question)
            return wn_nomem(&k->s->log, "the questions");
    }
    return WN_OK;
}

static int run(struct wn_seek *k, const char *question, struct wn_search *out)
{
    struct wn_sub_answer *subs = NULL;
    char *text = NULL;
    double start = wn_now();
    int err;

    TRY(make_questions(k, question));
    TRY(take_segments(k));
    out->look_s = wn_now() - start;
    start = wn_now();
    if (k->p.strategy == WN_BY_NOTES) {
        TRY(by_notes(k, &text));
    } else if (k->n_asked == 1) {
        TRY(by_budget(k, &text));
    } else {
        TRY(give_subs(k, out, &subs));
        TRY(by_split(k, question, subs, &text));
    }
    wn_seek_settle(k, out);
    TRY(hand_over(k, out));
    out->answer_s = wn_now() - start;
    out->answer = text;
    text = NULL;
fail:
    free(text);
    return err;
}

int wn_source_search(struct wn_source *src, const char *question,
                     const struct wn_search_params *params, struct wn_search **out)
{
    struct wn_seek k = {.src = src, .s = src->s};
    struct wn_search *made = NULL;
    int err;

    TRY(wn_source_need_model(src));
    if (!question)
        return wn_fail(&src->s->log, WN_ERR_ARG, "no question");
    if (!src->p.search || src->given || src->kept)
        return wn_fail(&src->s->log, WN_ERR_ARG,
                       "a search needs a source that was opened for it and not read yet");
    made = wn_calloc(1, sizeof(*made));
    if (!made)
        return wn_nomem(&src->s->log, "the answer");
    made->size = sizeof(*made);
    TRY(begin(&k, question, params));
    TRY(run(&k, question, made));
    *out = made;
    made = NULL;
fail:
    finish(&k);
    wn_search_free(&made);
    return err;
}

void wn_search_free(struct wn_search **search)
{
    struct wn_search *r = *search;

    if (!r)
        return;
    for (int32_t i = 0; i < r->n_parts; i++)
        free((void *)r->parts[i].note);
    for (int32_t i = 0; i < r->n_subs; i++) {
        free((void *)r->subs[i].question);
        free((void *)r->subs[i].answer);
    }
    free((void *)r->parts);
    free((void *)r->subs);
    free((void *)r->answer);
    free(r);
    *search = NULL;
}
