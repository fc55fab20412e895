/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

#define MOST_TOKENS (1u << 24)

/* Which token has a text, by open addressing. */
struct table {
    int32_t *slot; /* token plus 1 */
    size_t mask;
    const struct gguf_context *gguf;
    int64_t id;
};

static const char *text_of(const struct table *t, int32_t token)
{
    return gguf_get_arr_str(t->gguf, t->id, (size_t)token);
}

static int32_t *find(const struct table *t, const char *text)
{
    size_t at = (size_t)wn_hash64(text, strlen(text), 0) & t->mask;

    while (t->slot[at] && strcmp(text_of(t, t->slot[at] - 1), text))
        at = (at + 1) & t->mask;
    return &t->slot[at];
}

static int twice(const struct wn_header *h, const char *text, int32_t a, size_t b)
{
    char shown[80];

    return wn_fail(h->log, WN_ERR_MODEL, "%s: tokenizer.ggml.tokens holds \"%s\" twice (%d and "
                   "%zu)", h->name, wn_printable(shown, sizeof(shown), text), a, b);
}

/* llama.cpp asserts that no text stands twice. */
static int fill(const struct wn_header *h, struct table *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *text = text_of(t, (int32_t)i);
        int32_t *slot = text[0] ? find(t, text) : NULL;
        if (slot && *slot)
            return twice(h, text, *slot - 1, i);
        if (slot)
            *slot = (int32_t)i + 1;
    }
    for (size_t i = 0; i < n; i++) {
        char name[32]; /* that llama.cpp gives to an empty token */

        if (text_of(t, (int32_t)i)[0])
            continue;
        snprintf(name, sizeof(name), "[EMPTY_%zu]", i);
        if (*find(t, name))
            return twice(h, name, *find(t, name) - 1, i);
    }
    return WN_OK;
}

/* A SentencePiece vocabulary that lacks a byte would throw on text that needs it. */
static int check_bytes(const struct wn_header *h, const struct table *t)
{
    for (int b = 0; b < 256; b++) {
        char name[8];
        const char raw[2] = {(char)b, '\0'};

        snprintf(name, sizeof(name), "<0x%02X>", b);
        if (!*find(t, name) && (!b || !*find(t, raw)))
            return wn_fail(h->log, WN_ERR_MODEL, "%s: tokenizer.ggml.tokens has no token for the "
                           "byte %s", h->name, name);
    }
    return WN_OK;
}

static int check_parallel(const struct wn_header *h, const char *key, enum gguf_type type,
                          size_t want)
{
    int64_t id;
    size_t n;
    const int err = wn_header_array(h, key, type, false, &id, &n);

    if (!err && n < want)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s has %zu entries for %zu tokens",
                       h->name, key, n, want);
    return err;
}

static int check_scores(const struct wn_header *h, size_t n)
{
    static const char key[] = "tokenizer.ggml.scores";
    const int64_t id = gguf_find_key(h->gguf, key);
    const bool ints = id >= 0 && gguf_get_kv_type(h->gguf, id) == GGUF_TYPE_ARRAY &&
                      gguf_get_arr_type(h->gguf, id) == GGUF_TYPE_INT32;

    return check_parallel(h, key, ints ? GGUF_TYPE_INT32 : GGUF_TYPE_FLOAT32, n);
}

static int check_model(const struct wn_header *h, const char **model)
{
    const int64_t id = gguf_find_key(h->gguf, "tokenizer.ggml.model");

    if (id < 0)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key tokenizer.ggml.model is missing",
                       h->name);
    if (gguf_get_kv_type(h->gguf, id) != GGUF_TYPE_STRING)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key tokenizer.ggml.model is no string",
                       h->name);
    *model = gguf_get_val_str(h->gguf, id);
    if (!strcmp(*model, "none") || !strcmp(*model, "no_vocab"))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: has no vocabulary (tokenizer.ggml.model)",
                       h->name);
    return WN_OK;
}

int wn_header_check_vocab(const struct wn_header *h)
{
    struct table t = {.gguf = h->gguf};
    const char *model = NULL;
    size_t n = 0, size = 64;
    int64_t id;
    int err;

    TRY(check_model(h, &model));
    TRY(wn_header_array(h, "tokenizer.ggml.tokens", GGUF_TYPE_STRING, true, &t.id, &n));
    if (n < 1 || n > MOST_TOKENS)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: tokenizer.ggml.tokens has %zu tokens", h->name,
                       n);
    TRY(check_parallel(h, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, n));
    TRY(check_scores(h, n));
    TRY(wn_header_array(h, "tokenizer.ggml.merges", GGUF_TYPE_STRING, false, &id, &(size_t){0}));
    while (size < 2 * n)
        size *= 2;
    t.mask = size - 1;
    t.slot = wn_calloc(size, sizeof(*t.slot));
    if (!t.slot)
        return wn_nomem(h->log, "the vocabulary");
    TRY(fill(h, &t, n));
    if (!strcmp(model, "llama"))
        TRY(check_bytes(h, &t));
    err = WN_OK;
fail:
    free(t.slot);
    return err;
}
