/* SPDX-License-Identifier: MIT */
/* The prompts of a search: notes on segments, answers over what is shown or over notes. */
#include "search.h"

#include <stdlib.h>

#define NOTE_TOKENS 48

/* Wordings for models that are told what to do; a model that was trained with its own brings them.
 */
const char *const wn_plain_english[WN_N_PROMPTS] = {
    [WN_PROMPT_NOTE] =
        "{media}\nThis is part {index} of a longer video, from {start} to {end}. "
        "Noted on earlier parts: {previous}\n"
        "Write one short note of what this part shows that helps to answer the question below. "
        "If it shows nothing that helps, write only the word nothing.\n"
        "Question: {question}",
    [WN_PROMPT_FINAL] =
        "These notes were taken from a video, in order of time:\n{timed_notes}\n"
        "Answer the question from these notes in as few words as it needs.\n"
        "Question: {question}",
    [WN_PROMPT_SPLIT] =
        "Which simpler questions about a video must be answered first to answer the question "
        "below? Write one to three of them, a line each, every one ended by a question mark. If "
        "the question is simple already, write it alone.\n"
        "Question: {question}",
    [WN_PROMPT_NOTHING] = "nothing|Nothing",
};

/* ---- one prompt ---- */

/* Subtitles that begin while a segment lasts; they point to the source's. */
static int cues_of(const struct wn_seek *k, const struct wn_segment *seg, struct wn_cue *to)
{
    int n = 0;

    for (int i = 0; i < k->src->n_cues; i++)
        if (k->src->cues[i].start >= seg->start && k->src->cues[i].start < seg->end)
            to[n++] = k->src->cues[i];
    return n;
}

void wn_asked_finish(struct wn_asked *a)
{
    free(a->rows);
    free(a->cues);
    *a = (struct wn_asked){.rows = NULL};
}

int wn_asked_make(struct wn_asked *a, struct wn_seek *k, struct wn_segment *const *segs, int n,
                  const char *lead, const char *question)
{
    int64_t cells = 0;

    *a = (struct wn_asked){
        .rows = wn_calloc((size_t)n, sizeof(struct wn_rows *)),
        .cues = wn_calloc((size_t)k->src->n_cues, sizeof(*a->cues)),
    };
    if (!a->rows || !a->cues) {
        wn_asked_finish(a);
        return wn_nomem(&k->s->log, "a prompt");
    }
    a->prompt = (struct wn_prompt){
        .segments = a->rows,
        .n_segments = n,
        .label = k->src->media.still ? NULL : k->s->label,
        .from_one = true,
        .lead = lead,
        .question = question,
        .system = k->ask.system,
        .cues = a->cues,
    };
    for (int i = 0; i < n; i++) {
        a->rows[i] = segs[i]->rows;
        a->prompt.n_cues += cues_of(k, segs[i], a->cues + a->prompt.n_cues);
        cells += wn_seek_cells(k, segs[i]);
    }
    k->prompts++;
    k->most_cells = WN_MAX(k->most_cells, cells);
    return WN_OK;
}

struct wn_ask_params wn_seek_quiet(const struct wn_seek *k, int max_tokens)
{
    struct wn_ask_params ask = k->ask;

    ask.on_text = NULL;
    ask.on_progress = NULL;
    ask.stats = NULL;
    ask.max_tokens = k->ask.max_tokens > 0 ? WN_MIN(max_tokens, k->ask.max_tokens) : max_tokens;
    return ask;
}

int wn_seek_answer(struct wn_seek *k, const struct wn_prompt *prompt,
                  const struct wn_ask_params *ask, char **text, struct wn_answer_stats *stats)
{
    int err;

    TRY(wn_session_answer(k->s, prompt, ask, text, stats));
    k->prefill_s += stats->prefill_s;
    k->generate_s += stats->generate_s;
    k->src->stats.prompt_cells = stats->cells;
    k->src->stats.answer_tokens = stats->tokens;
    if (k->src->stats.first_token_s == 0)
        k->src->stats.first_token_s = stats->first_token_at - k->src->opened;
fail:
    return err;
}

static int begins(struct wn_seek *k, const struct wn_prompt *prompt, const char *texts, double *p)
{
    const double start = wn_now();

    wn_session_lock_llm(k->s);
    const int err = wn_llm_begins(k->s->llm, prompt, texts, p);
    wn_session_unlock_llm(k->s);
    k->prefill_s += wn_now() - start;
    return err;
}

int wn_seek_likely(struct wn_seek *k, const struct wn_prompt *prompt,
                  const struct wn_answer_stats *said, double *p)
{
    const double start = wn_now();

    wn_session_lock_llm(k->s);
    const int err = wn_llm_likely(k->s->llm, prompt, said->said, said->n_said, p);
    wn_session_unlock_llm(k->s);
    k->prefill_s += wn_now() - start;
    return err;
}

/* ---- notes ---- */

static const char *previous_note(const struct wn_seek *k)
{
    for (int32_t i = k->n - 1; i > 0; i--)
        if (k->looks[i - 1].part.note)
            return k->looks[i - 1].part.note;
    return "nothing yet";
}

/* The prompt for a note on a segment. *lead and *rest are freed by the caller. */
static int note_prompt(struct wn_asked *a, struct wn_seek *k, const struct wn_look *look,
                       struct wn_segment *seg, const char *question, char **lead, char **rest)
{
    char *start = wn_llm_label("{t}", 1, look->part.start);
    char *end = wn_llm_label("{t}", 1, look->part.end);
    char *number = wn_sprintf("%d", look->part.index + 1);
    int err = start && end && number ? WN_OK : WN_ERR_NOMEM;

    if (!err)
        err = wn_words_around(k->text[WN_PROMPT_NOTE], (const char *const[]){
            "question", question, "index", number, "start", start, "end", end,
            "previous", previous_note(k), NULL}, lead, rest);
    free(start);
    free(end);
    free(number);
    if (err)
        return wn_nomem(&k->s->log, "a prompt");
    return wn_asked_make(a, k, &seg, 1, *lead, *rest);
}

int wn_seek_note(struct wn_seek *k, struct wn_look *look, struct wn_segment *seg,
                     const char *question, double *relevance, char **note)
{
    struct wn_answer_stats stats = {0};
    struct wn_asked a = {.rows = NULL};
    char *lead = NULL, *rest = NULL;
    double nothing = 1;
    int err;

    TRY(note_prompt(&a, k, look, seg, question, &lead, &rest));
    TRY(begins(k, &a.prompt, k->text[WN_PROMPT_NOTHING], &nothing));
    *relevance = 1 - nothing;
    if (note && *relevance >= WN_NOTE_RELEVANCE) {
        const int tokens = k->p.note_tokens > 0 ? k->p.note_tokens : NOTE_TOKENS;
        const struct wn_ask_params ask = wn_seek_quiet(k, tokens);
        TRY(wn_seek_answer(k, &a.prompt, &ask, note, &stats));
        wn_words_trim(*note);
    }
fail:
    wn_asked_finish(&a);
    free(lead);
    free(rest);
    return err;
}

/* ---- answers ---- */

/* Marks the notes that go into the prompt by their cells: the relevant ones, and of these the most
 * relevant where not all fit. */
static int choose_notes(struct wn_seek *k)
{
    const int64_t spare = 8; /* of a note's number or time */
    int64_t cells = 0;
    double best = 0;
    int err = WN_OK;

    for (int32_t i = 0; i < k->n; i++)
        best = WN_MAX(best, k->looks[i].part.note ? wn_seek_odds(&k->looks[i].part) : 0);
    for (int32_t i = 0; i < k->n; i++) {
        struct wn_search_part *part = &k->looks[i].part;
        const bool counts = part->note && wn_seek_odds(part) >= WN_LEAST_ODDS * best;
        const int64_t n = counts ? wn_text_cells(k->s, part->note) : 0;
        TRY((int)WN_MIN(n, 0));
        part->cells = counts ? n + spare : 0;
        cells += part->cells;
    }
    while (cells > k->tokens) {
        struct wn_search_part *least = NULL;
        for (int32_t i = 0; i < k->n; i++) {
            struct wn_search_part *part = &k->looks[i].part;
            if (part->cells && (!least || part->relevance < least->relevance))
                least = part;
        }
        cells -= least->cells;
        least->cells = 0;
    }
fail:
    return err;
}

int wn_seek_join_notes(struct wn_seek *k, char **notes, char **timed)
{
    int err;

    TRY(choose_notes(k));
    for (int32_t i = 0; i < k->n; i++) {
        const struct wn_search_part *part = &k->looks[i].part;
        if (!part->note || !part->cells)
            continue;
        char *start = wn_llm_label("{t}", 1, part->start), *end = wn_llm_label("{t}", 1, part->end);
        char *line = wn_sprintf("%d: %s", i + 1, part->note);
        char *with = start && end ? wn_sprintf("[%s - %s] %s", start, end, part->note) : NULL;
        err = line && with ? WN_OK : WN_ERR_NOMEM;
        if (!err)
            err = wn_words_join(notes, " ", line);
        if (!err)
            err = wn_words_join(timed, "\n", with);
        if (err)
            wn_nomem(&k->s->log, "the notes");
        free(start);
        free(end);
        free(line);
        free(with);
        TRY(err);
    }
fail:
    return err;
}

int wn_seek_final(struct wn_seek *k, const char *notes, const char *timed, const char *question,
                  char **out)
{
    const char *none = notes && *notes ? NULL : "none";

    *out = wn_words_fill(k->text[WN_PROMPT_FINAL], (const char *const[]){
        "question", question, "notes", none ? none : notes, "timed_notes", none ? none : timed,
        NULL});
    return *out ? WN_OK : wn_nomem(&k->s->log, "a prompt");
}

int wn_seek_answer_notes(struct wn_seek *k, const char *notes, const char *timed,
                         const char *question, char **text, struct wn_answer_stats *stats)
{
    struct wn_asked a = {.rows = NULL};
    char *full = NULL;
    int err;

    TRY(wn_seek_final(k, notes, timed, question, &full));
    TRY(wn_asked_make(&a, k, NULL, 0, NULL, full));
    TRY(wn_seek_answer(k, &a.prompt, &k->ask, text, stats));
fail:
    wn_asked_finish(&a);
    free(full);
    return err;
}

int wn_seek_answer_shown(struct wn_seek *k, const char *question, const struct wn_ask_params *ask,
                         char **text, struct wn_answer_stats *stats)
{
    struct wn_segment **segs = wn_calloc((size_t)k->n, sizeof(struct wn_segment *));
    struct wn_asked a = {.rows = NULL};
    int n = 0, err = segs ? WN_OK : wn_nomem(&k->s->log, "a prompt");

    TRY(err);
    k->src->stats.tokens_after = 0;
    for (int32_t i = 0; i < k->n; i++) {
        if (!k->looks[i].shown)
            continue;
        segs[n++] = k->looks[i].shown;
        k->src->stats.tokens_after += k->looks[i].shown->rows->n;
    }
    TRY(wn_asked_make(&a, k, segs, n, NULL, question));
    TRY(wn_seek_answer(k, &a.prompt, ask, text, stats));
fail:
    wn_asked_finish(&a);
    free(segs);
    return err;
}

