/* SPDX-License-Identifier: MIT */
/* Text to tokens. Text of ours (chat templates) may mean control tokens, text of anybody else
 * (questions, subtitles, labels) never does. */
#ifndef WN_LLM_TEXT_H
#define WN_LLM_TEXT_H

#include <llama.h>

#include "../pipeline/util.h"

struct wn_ids {
    llama_token *id;
    int32_t n, cap;
};
int wn_ids_add(struct wn_ids *ids, const llama_token *id, int32_t n);

/* What a vocabulary takes for a control token, and what of it could be forged by plain text. */
struct wn_vocab {
    const struct llama_vocab *llama;
    llama_token *control;   /* control and unknown tokens, longest text first */
    llama_token *forgeable; /* tokens that llama.cpp finds in plain text and look like markup */
    int32_t n_control, n_forgeable;
};
int wn_vocab_init(struct wn_vocab *vocab, const struct llama_vocab *llama);
void wn_vocab_finish(struct wn_vocab *vocab);

/* Text without media in it. Its tokens equal those of llama_tokenize(parse_special=true) on the
 * whole text at once, as libmtmd tokenises what stands between two media, with one difference:
 * what came in by wn_run_plain() gives no control token. */
struct wn_run {
    const struct wn_vocab *vocab;
    struct wn_ids *out;
    char *raw;         /* not tokenised yet: a control token or the end cuts it */
    size_t n, cap;
    bool strip;        /* the control token before eats white space */
};
int wn_run_template(struct wn_run *run, const char *text);
/* A space goes between this text and a word right before it. */
int wn_run_plain(struct wn_run *run, const char *text);
int wn_run_end(struct wn_run *run); /* tokens go to out; a new run may begin */
void wn_run_finish(struct wn_run *run);

#endif
