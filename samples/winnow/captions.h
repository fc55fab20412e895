/* SPDX-License-Identifier: MIT */
/* Captions of a source, segment by segment, and a summary over them: what the commands caption and
 * batch share. A segment is made, captioned, handed out and forgotten. */
#ifndef WINNOW_CAPTIONS_H
#define WINNOW_CAPTIONS_H

#include "tool.h"

struct caption { /* of one segment */
    int index, scene; /* from 0 */
    double start, end;
    const char *text;
    int64_t frames, tokens_before, tokens_after, prompt_cells, answer_tokens;
    double decode_s, encode_s, compress_s, prefill_s, generate_s;
    double done_s; /* since the source was opened */
};

struct captions; /* of one source */

struct captions_params {
    const struct options *opt; /* --prompt, --summary, --max-tokens and their like */
    const char *file;
    struct wn_session *session;
    struct wn_source *source;
    double opened; /* now_seconds() */
    /* A caption and its segment, both only until it returns. A status. */
    int (*on_caption)(void *opaque, const struct caption *caption,
                      const struct wn_segment *segment);
    void *opaque;
};

/* Cells of a segment's visual part when --tokens does not say: the prompt and the answer fit beside
 * it. */
int64_t captions_budget(struct wn_session *session, const struct options *opt);
/* The parameters of a source that is to be captioned. */
struct wn_source_params captions_source(struct wn_session *session, const struct options *opt);

/* Captions everything. *err is the library's error and the status STATUS_BUG where that failed; a
 * status of on_caption ends it. captions_free() is due in any case. */
int captions_run(struct captions **out, const struct captions_params *params, int *err);
void captions_free(struct captions **captions);
int captions_count(const struct captions *captions);
const struct caption *captions_at(const struct captions *captions, int i);
const char *captions_summary(const struct captions *captions); /* NULL: not asked for */

/* A template with its places filled: each {name} of pairs (name, value, ..., NULL). What is no
 * known name stays as it is. NULL: out of memory. */
char *fill_template(const char *text, const char *const *pairs);

#endif
