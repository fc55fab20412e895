/* SPDX-License-Identifier: MIT */
#ifndef WN_LLM_INTERNAL_H
#define WN_LLM_INTERNAL_H

#include <llama.h>

#include "template.h"
#include "text.h"
#include "../pipeline/llm.h"

#define WN_BATCH 2048  /* most cells given to llama_decode at once, as libmtmd's tools do */
#define WN_UBATCH 512  /* most that it computes at once */

struct wn_llm {
    struct llama_model *model;
    struct llama_context *ctx; /* NULL before the first prompt; grows with the longest one */
    struct wn_vocab vocab;
    struct wn_template tmpl;
    struct wn_llm_info info;
    char *cls_layout, *frame_label, *note, *desc;
    char *prompts[WN_N_PROMPTS];
    struct wn_log *log;
    int n_threads;
    int32_t n_ctx;     /* most cells: asked for or trained for */
    int32_t n_ubatch;  /* of ctx */
    bool no_gpu;
    uint64_t *past;    /* [n_past] what ctx holds: a hash of each item of the last prompt */
    int32_t n_past;
};

struct wn_script;
/* wn_llm_fit() with room for an answer, which *max_tokens is cut to; fails where there is none. */
int wn_llm_fit_answer(struct wn_llm *llm, const struct wn_script *script, int64_t *max_tokens,
                      int32_t *items);
/* A context that holds at least `cells`, with the first *items of the prompt still in it from the
 * one before: the next item is text, so that batches are cut as without them. */
int wn_llm_fit(struct wn_llm *llm, const struct wn_script *script, int64_t cells, int32_t *items);

/* Takes everything behind the first n items out of the context. */
bool wn_llm_rewind(struct wn_llm *llm, const struct wn_script *script, int32_t n);
struct wn_item;
/* What an item brings into the context, whatever its neighbours are. */
uint64_t wn_llm_item_hash(const struct wn_llm *llm, const struct wn_script *script,
                          const struct wn_item *item);
/* Once an answer was made: what stands before the question goes to disk, unless it came from there
 * or, as the first `items`, from a prompt before. The question and the answer are gone then. */
void wn_llm_keep(struct wn_llm *llm, const struct wn_script *script, int32_t items);
/* Fetches it back where more than *items of it is kept, and sets *items. */
void wn_llm_recall(struct wn_llm *llm, const struct wn_script *script, int32_t *items);

/* Decodes everything but the first `items`; logits of the last token are ready then. progress may
 * be NULL. */
int wn_llm_prefill(struct wn_llm *llm, const struct wn_script *script, int32_t items,
                   const struct wn_ask_params *ask);
/* One more token at the end. */
int wn_llm_step(struct wn_llm *llm, llama_token token, llama_pos pos);
/* What llama_decode returned, as an error with a sentence. */
int wn_llm_decoded(struct wn_llm *llm, int rc, const char *why);

#endif
