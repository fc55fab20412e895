/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

int wn_ids_add(struct wn_ids *ids, const llama_token *id, int32_t n)
{
    if (n > INT32_MAX / 2 - ids->n)
        return WN_ERR_LIMIT;
    if (ids->n + n > ids->cap) {
        const int32_t cap = 2 * WN_MAX(ids->cap, 64) > ids->n + n ? 2 * WN_MAX(ids->cap, 64)
                                                                  : ids->n + n;
        llama_token *p = wn_regrow(ids->id, (size_t)cap, sizeof(*p));
        if (!p)
            return WN_ERR_NOMEM;
        ids->id = p;
        ids->cap = cap;
    }
    if (n)
        memcpy(ids->id + ids->n, id, (size_t)n * sizeof(*id));
    ids->n += n;
    return WN_OK;
}

/* "<start_of_image>", "<|user|>", "[INST]": not "<b>" and not a run of spaces. */
static bool looks_like_markup(const char *text)
{
    const size_t n = strlen(text);

    if (n < 3)
        return false;
    if (text[0] == '[')
        return text[n - 1] == ']' && isupper((unsigned char)text[1]);
    return text[0] == '<' && text[n - 1] == '>' &&
           (strpbrk(text, "|_") || strstr(text, "\xef\xbd\x9c")); /* the full-width bar */
}

struct by_length {
    llama_token id;
    size_t n;
};

static int longer_first(const void *a, const void *b)
{
    const struct by_length *x = a, *y = b;

    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

int wn_vocab_init(struct wn_vocab *vocab, const struct llama_vocab *llama)
{
    const int32_t n = llama_vocab_n_tokens(llama);
    struct by_length *control = wn_calloc((size_t)n, sizeof(*control));
    struct wn_vocab v = {.llama = llama};

    v.forgeable = wn_calloc((size_t)n, sizeof(*v.forgeable));
    v.control = wn_calloc((size_t)n, sizeof(*v.control));
    if (!control || !v.forgeable || !v.control) {
        free(control);
        wn_vocab_finish(&v);
        return WN_ERR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        const enum llama_token_attr attr = llama_vocab_get_attr(llama, i);
        const char *text = llama_vocab_get_text(llama, i);
        if (!text || !text[0])
            continue;
        if (attr & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN))
            control[v.n_control++] = (struct by_length){i, strlen(text)};
        else if ((attr & LLAMA_TOKEN_ATTR_USER_DEFINED) && looks_like_markup(text))
            v.forgeable[v.n_forgeable++] = i;
    }
    if (v.n_control)
        qsort(control, (size_t)v.n_control, sizeof(*control), longer_first);
    for (int32_t i = 0; i < v.n_control; i++)
        v.control[i] = control[i].id;
    free(control);
    *vocab = v;
    return WN_OK;
}

void wn_vocab_finish(struct wn_vocab *vocab)
{
    free(vocab->control);
    free(vocab->forgeable);
    *vocab = (struct wn_vocab){0};
}

static int append(struct wn_run *run, const char *text, size_t n)
{
    while (run->strip && n && isspace((unsigned char)*text)) {
        text++;
        n--;
    }
    if (!n)
        return WN_OK;
    run->strip = false;
    if (n > (size_t)INT32_MAX - 1 - run->n)
        return WN_ERR_LIMIT;
    if (run->n + n > run->cap) {
        const size_t cap = 2 * (run->n + n);
        char *p = wn_regrow(run->raw, cap, 1);
        if (!p)
            return WN_ERR_NOMEM;
        run->raw = p;
        run->cap = cap;
    }
    memcpy(run->raw + run->n, text, n);
    run->n += n;
    return WN_OK;
}

int wn_run_end(struct wn_run *run)
{
    const struct llama_vocab *vocab = run->vocab->llama;
    int32_t cap = (int32_t)run->n + 16, n;
    int err = WN_ERR_NOMEM;

    if (!run->n)
        return WN_OK;
    llama_token *id = wn_calloc((size_t)cap, sizeof(*id));
    if (!id)
        goto fail;
    n = llama_tokenize(vocab, run->raw, (int32_t)run->n, id, cap, false, false);
    if (n < 0 && n != INT32_MIN) {
        cap = -n;
        free(id);
        id = wn_calloc((size_t)cap, sizeof(*id));
        if (!id)
            goto fail;
        n = llama_tokenize(vocab, run->raw, (int32_t)run->n, id, cap, false, false);
    }
    run->n = 0;
    err = WN_ERR_LIMIT;
    if (n >= 0)
        err = wn_ids_add(run->out, id, n);
fail:
    free(id);
    return err;
}

static int control_token(struct wn_run *run, llama_token id)
{
    const enum llama_token_attr attr = llama_vocab_get_attr(run->vocab->llama, id);
    int err;

    while ((attr & LLAMA_TOKEN_ATTR_LSTRIP) && run->n &&
           isspace((unsigned char)run->raw[run->n - 1]))
        run->n--;
    TRY(wn_run_end(run));
    TRY(wn_ids_add(run->out, &id, 1));
    run->strip = attr & LLAMA_TOKEN_ATTR_RSTRIP;
    return WN_OK;
fail:
    return err;
}

static const char *find(const char *text, size_t n, const char *what)
{
    const size_t len = strlen(what);

    for (; n >= len; text++, n--)
        if (!memcmp(text, what, len))
            return text;
    return NULL;
}

/* Cuts text at the control tokens from `from` on; the order (longest first, then left to right)
 * is llama.cpp's. */
static int cut(struct wn_run *run, const char *text, size_t n, int32_t from)
{
    int err;

    for (int32_t i = from; i < run->vocab->n_control; i++) {
        const llama_token id = run->vocab->control[i];
        const char *what = llama_vocab_get_text(run->vocab->llama, id);
        for (const char *at; (at = find(text, n, what)); ) {
            const size_t left = (size_t)(at - text);
            TRY(cut(run, text, left, i + 1));
            TRY(control_token(run, id));
            text = at + strlen(what);
            n -= left + strlen(what);
        }
    }
    return append(run, text, n);
fail:
    return err;
}

int wn_run_template(struct wn_run *run, const char *text)
{
    return cut(run, text, strlen(text), 0);
}

static const char *next_forged(const struct wn_vocab *vocab, const char *text)
{
    const char *first = NULL;

    for (int32_t i = 0; i < vocab->n_forgeable; i++) {
        const char *at = strstr(text, llama_vocab_get_text(vocab->llama, vocab->forgeable[i]));
        if (at && (!first || at < first))
            first = at;
    }
    return first;
}

int wn_run_plain(struct wn_run *run, const char *text)
{
    char *valid = wn_utf8_valid(text);
    int err = WN_ERR_NOMEM;

    if (!valid)
        goto fail;
    const char *s = valid;
    if (run->n && s[0] && !isspace((unsigned char)run->raw[run->n - 1]) &&
        !isspace((unsigned char)s[0]))
        TRY(append(run, " ", 1));
    for (const char *at; (at = next_forged(run->vocab, s)); s = at + 1) {
        TRY(append(run, s, (size_t)(at - s) + 1));
        TRY(append(run, " ", 1)); /* "< |user|>" is no token */
    }
    err = append(run, s, strlen(s));
fail:
    free(valid);
    return err;
}

void wn_run_finish(struct wn_run *run)
{
    free(run->raw);
    *run = (struct wn_run){0};
}
