/* SPDX-License-Identifier: MIT */
/* What llm/ offers: a language model, and answers to a question over rows. */
#ifndef WN_LLM_H
#define WN_LLM_H

#include "cache.h"
#include "decoder.h"
#include "rows.h"

struct wn_llm;

struct wn_llm_params {
    const char *model;
    const char *chat_template;
    int n_threads, n_ctx;
    bool no_gpu;
    struct wn_log *log;
};
/* Texts for answers from many prompts, which a model may have its own wordings of. */
enum wn_prompt_text {
    WN_PROMPT_NOTE,    /* of a segment */
    WN_PROMPT_FINAL,   /* the question over notes */
    WN_PROMPT_SPLIT,   /* into simpler questions */
    WN_PROMPT_NOTHING, /* what a note says that has nothing to say */
    WN_N_PROMPTS
};

struct wn_llm_info {
    void *model;            /* struct llama_model * */
    int32_t dim;            /* of an input row */
    int32_t n_vocab;
    int32_t n_ctx_train;
    int64_t cell_bytes;     /* of one KV cell, all layers, f16 */
    bool mrope;
    const char *cls_layout; /* GGUF key winnow.cls_layout, or NULL */
    const char *frame_label; /* GGUF key winnow.frame_label, or NULL */
    const char *note;       /* GGUF key winnow.note: what its maker wants a user to know; or NULL */
    const char *prompts[WN_N_PROMPTS]; /* GGUF keys winnow.prompt.NAME, or NULL */
    const char *desc;
};

/* Looks at a GGUF file's header alone; one sentence that names the field when llama.cpp must not
 * see it or when it is of the other kind. wn_llm_open() does so itself. */
enum wn_gguf_kind { WN_GGUF_LLM, WN_GGUF_MMPROJ };
int wn_llm_check_file(const char *path, enum wn_gguf_kind kind, struct wn_log *log);

/* Checks the header first: a bad file gets one sentence that names the field. */
int wn_llm_open(struct wn_llm **out, const struct wn_llm_params *params);
void wn_llm_close(struct wn_llm **llm);
void wn_llm_info(const struct wn_llm *llm, struct wn_llm_info *out);
bool wn_llm_on_gpu(const struct wn_llm *llm); /* some of its layers are offloaded */
/* KV cells of a text, control tokens in it taken as plain text. Negative: an error. */
int64_t wn_llm_cells(const struct wn_llm *llm, const char *text);

/* Prompts up to their last row, as the model left them on disk. */
struct wn_kept {
    char *folder;
    struct wn_key key;   /* of the model and the build */
    int64_t most_bytes;  /* of the folder */
    bool keep;           /* false: what is there is used, nothing is added */
    const char *about;   /* for people */
};

struct wn_prompt {
    struct wn_rows *const *segments; /* in order of time */
    int n_segments;
    const char *label;      /* before each frame: {n}, {t}; "" or NULL: none */
    bool from_one;          /* {n} counts the frames of this prompt, not of their source */
    const char *lead;       /* text before what is seen; NULL: none */
    const char *question, *system;
    const struct wn_cue *cues; /* subtitles, by time */
    int n_cues;
    const struct wn_kept *kept; /* NULL: none */
};
#define WN_SAID 16
struct wn_answer_stats {
    int64_t cells, tokens;
    int32_t said[WN_SAID], n_said; /* the first tokens of the answer */
    int64_t reused; /* cells that the context held from the prompt before */
    double prefill_s, generate_s, first_token_at; /* wn_now() */
};

/* The label of a frame of a video: number from 1, time in seconds. Freed by the caller. */
char *wn_llm_label(const char *format, int32_t number, double time);

/* KV cells the prompt takes, without decoding it; or the cells of everything but visual parts when
 * n_segments is 0. */
int64_t wn_llm_prompt_cells(struct wn_llm *llm, const struct wn_prompt *prompt);
/* Fits a context to the prompt, prefills and generates. Not more than one call at a time. What a
 * prompt has in common with the beginning of the one before is not computed again.
 * ask->on_progress hears 0 to 1 of the prefill alone. */
int wn_llm_answer(struct wn_llm *llm, const struct wn_prompt *prompt,
                  const struct wn_ask_params *ask, char **answer, struct wn_answer_stats *stats);
/* How probable it is that the answer begins with one of `texts`, separated by '|'; of each its
 * first token counts, with and without a space before it. An answer to the same prompt right after
 * it computes only the text behind its last row again. */
int wn_llm_begins(struct wn_llm *llm, const struct wn_prompt *prompt, const char *texts, double *p);
/* How probable these tokens are as the answer's beginning: the geometric mean of each one's. */
int wn_llm_likely(struct wn_llm *llm, const struct wn_prompt *prompt, const int32_t *tokens,
                  int32_t n, double *p);
/* The same prompt's logits for the next token, [n_vocab], freed by the caller: for tests. */
int wn_llm_logits(struct wn_llm *llm, const struct wn_prompt *prompt, float **out, int *n_vocab);

/* Lines for wn_build_info(): versions of llama.cpp and ggml, the backends this build has. */
void wn_llm_versions(void (*line)(void *opaque, const char *name, const char *value), void *opaque);

/* ggml's and llama.cpp's own messages go to this session's log, at debug level. Process-wide in
 * those libraries: the last session wins. */
void wn_llm_route_logs(struct wn_log *log);

#endif
