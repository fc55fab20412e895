/* SPDX-License-Identifier: MIT */
/* A prompt as it enters the model: text tokens and rows in turn, each by its place. */
#ifndef WN_LLM_SCRIPT_H
#define WN_LLM_SCRIPT_H

#include "internal.h"

struct wn_item { /* a run of tokens, or kept rows of one part of one frame */
    const struct wn_rows *rows; /* NULL: tokens */
    const struct wn_layout *layout;
    int32_t first, n;   /* of ids, or of order */
    int32_t n_pos;      /* how far it moves the position */
    bool non_causal;
    bool whole;         /* every row of its part is there */
};

struct wn_script {
    struct wn_ids ids;
    struct wn_ids order;   /* rows by number */
    struct wn_item *item;
    int32_t n, cap;
    int64_t cells;
    int32_t widest;        /* rows of the largest part that must be computed at once */
    llama_pos end;         /* position of the first token of the answer */
    const struct wn_kept *kept; /* of the prompt */
};
int wn_script_make(struct wn_script *out, struct wn_llm *llm, const struct wn_prompt *prompt);
/* Items up to the last row; 0: no rows. */
int32_t wn_script_seen(const struct wn_script *script);
void wn_script_finish(struct wn_script *script);

#endif
