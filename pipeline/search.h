/* SPDX-License-Identifier: MIT */
/* Inside of wn_source_search(): search.c looks at segments and runs the strategies, search_prompt.c
 * asks, search_share.c says how much of each segment is shown, search_found.c where the answer is,
 * search_words.c makes texts. */
#ifndef WN_SEARCH_H
#define WN_SEARCH_H

#include "source.h"

/* A segment whose relevance is below this part of the best one's is not shown. */
#define WN_LEAST_RELEVANT 0.25
/* A note is left out, and a neighbour is not part of the time, whose odds are below this part of
 * the best one's. */
#define WN_LEAST_ODDS 0.1

struct wn_look { /* a segment that was looked at */
    struct wn_search_part part;
    struct wn_segment *wide; /* with all rows, while it may still get some of the budget */
    struct wn_segment *shown; /* what the prompt has of it */
    int64_t cells;            /* of wide, with labels */
};

struct wn_seek {
    struct wn_source *src;
    struct wn_session *s;
    struct wn_search_params p;
    struct wn_ask_params ask;
    const char *text[WN_N_PROMPTS];
    int64_t tokens;            /* of any prompt */
    struct wn_refilter scorer;
    char **asked;              /* the sub-questions, or the question alone */
    int n_asked;
    struct wn_look *looks;
    int32_t n;
    int32_t prompts;
    int64_t most_cells;
    double prefill_s, generate_s;
};

/* ---- search_share.c ---- */

/* KV cells of a segment's rows and of what stands around its frames. */
int64_t wn_seek_cells(const struct wn_seek *k, const struct wn_segment *seg);
/* A segment with what `cells` hold of its rows: the ones with the best scores. A reference to seg
 * where all of them do. */
int wn_seek_reduce(struct wn_seek *k, struct wn_segment *seg, int64_t cells,
                   struct wn_segment **out);
/* Holds on to the last look's segment, and lets go of the least relevant ones when all that are
 * held come to more than two budgets. */
void wn_seek_hold(struct wn_seek *k, struct wn_segment *seg);
/* Divides the budget among the segments that are held, makes `shown` of each and lets them go. */
int wn_seek_share(struct wn_seek *k);

/* ---- search_prompt.c ---- */

/* A segment less relevant than this has no note taken. */
#define WN_NOTE_RELEVANCE 0.1
extern const char *const wn_plain_english[WN_N_PROMPTS];

struct wn_asked { /* a prompt and what it points to */
    struct wn_prompt prompt;
    struct wn_rows **rows;
    struct wn_cue *cues;
};
/* segs: in order of time. */
int wn_asked_make(struct wn_asked *a, struct wn_seek *k, struct wn_segment *const *segs, int n,
                  const char *lead, const char *question);
void wn_asked_finish(struct wn_asked *a);

/* The caller's parameters of an answer, for one that the caller does not hear. */
struct wn_ask_params wn_seek_quiet(const struct wn_seek *k, int max_tokens);
int wn_seek_answer(struct wn_seek *k, const struct wn_prompt *prompt,
                   const struct wn_ask_params *ask, char **text, struct wn_answer_stats *stats);
int wn_seek_likely(struct wn_seek *k, const struct wn_prompt *prompt,
                   const struct wn_answer_stats *said, double *p);
/* How relevant a segment is to a question, and its note where one is wanted. */
int wn_seek_note(struct wn_seek *k, struct wn_look *look, struct wn_segment *seg,
                 const char *question, double *relevance, char **note);
/* The notes in both forms that the template may ask for, without those that are little relevant or
 * do not fit; their cells tell which ones went in. */
int wn_seek_join_notes(struct wn_seek *k, char **notes, char **timed);
/* The text of the question over notes, freed by the caller. */
int wn_seek_final(struct wn_seek *k, const char *notes, const char *timed, const char *question,
                  char **out);
int wn_seek_answer_notes(struct wn_seek *k, const char *notes, const char *timed,
                         const char *question, char **text, struct wn_answer_stats *stats);
/* One question over all that is shown. */
int wn_seek_answer_shown(struct wn_seek *k, const char *question, const struct wn_ask_params *ask,
                         char **text, struct wn_answer_stats *stats);

/* ---- search_found.c ---- */

/* That it has something to say: 0.99 is far from 0.9, where 0.6 is near 0.5; above 0.999 all are
 * certain. */
double wn_seek_odds(const struct wn_search_part *part);

/* Asks segments how probable an answer to this question is by each alone. */
int wn_seek_find(struct wn_seek *k, const char *question, const struct wn_answer_stats *said);
/* Marks those that have it, and gives its time. */
void wn_seek_settle(struct wn_seek *k, struct wn_search *out);

/* ---- search_words.c ---- */

/* A template with each {name} of pairs (name, value, ..., NULL) filled in; what is no known name
 * stays as it is. NULL: out of memory. */
char *wn_words_fill(const char *text, const char *const *pairs);
/* The same, cut where {media} stands in the template; *lead is "" where it does not. */
int wn_words_around(const char *text, const char *const *pairs, char **lead, char **rest);
/* White space at both ends goes, and a run of it within becomes one space. */
void wn_words_trim(char *text);
/* Whether a note says no more than one of `nothing`, texts separated by '|'. */
bool wn_words_nothing(const char *note, const char *nothing);
/* The questions in a text, each ended by '?', without what numbers a list; at most `most`. Gives
 * how many, or an error. */
int wn_words_questions(const char *text, char **list, int most);
/* Joins text to *to, which may be NULL, with `between` where *to is not empty. */
int wn_words_join(char **to, const char *between, const char *text);

#endif
