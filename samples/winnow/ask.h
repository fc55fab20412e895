/* SPDX-License-Identifier: MIT */
/* What `winnow ask` shares between one prompt (ask.c) and many (ask_search.c). */
#ifndef WINNOW_ASK_H
#define WINNOW_ASK_H

#include "tool.h"

struct stream { /* an answer that is printed as it is made */
    struct tool *tool;
    char last;   /* character printed */
    int status;  /* of stdout */
};

/* The parameters of an answer that goes to stream as it is made, unless --json keeps it. */
struct wn_ask_params ask_params_of(struct stream *stream);
/* Ends the line of a streamed answer, if it has not ended. */
void stream_end(struct stream *stream);
/* --strategy: see wn_source_search(). */
int ask_search(struct tool *tool, struct job *job);

#endif
