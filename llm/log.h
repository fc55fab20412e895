/* SPDX-License-Identifier: MIT */
/* ggml and llama.cpp tell why a file is bad through their log alone: this catches it. */
#ifndef WN_LLM_LOG_H
#define WN_LLM_LOG_H

#include "../pipeline/util.h"

struct wn_caught {
    char why[256]; /* the first error of this thread since begin, "" when there was none */
};
void wn_catch_begin(struct wn_caught *caught); /* must live until wn_catch_end() */
void wn_catch_end(void);

/* Stops routing to this log, if it is the one. */
void wn_llm_unroute_logs(const struct wn_log *log);

#endif
