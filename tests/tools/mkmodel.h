/* SPDX-License-Identifier: MIT */
/* Random-weight pairs of language model and vision tower that libllama and libmtmd load. */
#ifndef WN_TEST_MKMODEL_H
#define WN_TEST_MKMODEL_H

#include "gguf_out.h"

struct shape {
    int image, patch, v_layers, v_dim, v_heads, v_ff, merge;
    int feature;    /* clip.vision.feature_layer; -1: none (libmtmd stops a layer early) */
    int pattern;    /* full attention every so many layers (qwen25vl) */
    int layers, dim, heads, kv, ff, vocab, ctx;
};

struct kind {
    const char *name, *help;
    const char *arch;      /* of the language model */
    const char *projector;
    const char *chat_template;
    struct shape tiny, real;
    void (*tower)(struct gguf_out *out, const struct shape *s);
};

/* NULL-ended by name. */
extern const struct kind mk_kinds[];

/* Token list of a small SPM vocabulary, filled up to n with unused entries. */
void mk_vocab(struct gguf_out *out, int n);

#endif
