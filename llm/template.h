/* SPDX-License-Identifier: MIT */
/* The text that a model's chat template puts around a user's turn. */
#ifndef WN_LLM_TEMPLATE_H
#define WN_LLM_TEMPLATE_H

#include "../pipeline/util.h"

struct wn_template {
    char *before, *after;       /* the user's turn, without a system message */
    char *system[3];            /* before, between and after both; NULL: no place for one */
    char *name;                 /* family, or "built-in" */
};

/* wanted: what the user asked for: a family's name, a name llama.cpp knows, a text with {content}
 * (and perhaps {system}) in it, or Jinja; NULL: own. own: the model's Jinja text, or NULL.
 * has_token tells whether the vocabulary has a control token: it decides where own is NULL. */
int wn_template_make(struct wn_template *out, const char *wanted, const char *own,
                     bool (*has_token)(void *opaque, const char *text), void *opaque,
                     struct wn_log *log);
void wn_template_finish(struct wn_template *tmpl);

/* Families besides llama.cpp's own, NULL past the last. */
const char *wn_template_family(int i);

#endif
