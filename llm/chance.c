/* SPDX-License-Identifier: MIT */
/* How probable an answer is, without making it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* ---- probabilities of the next token ---- */

struct next {
    const float *logits;
    int32_t n;
    double most, sum; /* of exp(logit - most) */
};

static int look_ahead(struct wn_llm *llm, struct next *next)
{
    const float *logits = llama_get_logits_ith(llm->ctx, -1);
    const int32_t n = llama_vocab_n_tokens(llm->vocab.llama);
    double most = -INFINITY, sum = 0;

    for (int32_t i = 0; logits && i < n; i++)
        most = fmax(most, logits[i]);
    for (int32_t i = 0; logits && i < n; i++)
        sum += exp(logits[i] - most);
    if (!(sum > 0) || isinf(sum))
        return wn_fail(llm->log, WN_ERR_MODEL, "the language model gave no numbers (NaN): its file "
                       "or this build of llama.cpp is faulty");
    *next = (struct next){logits, n, most, sum};
    return WN_OK;
}

static double chance_of(const struct next *next, int32_t token)
{
    return token >= 0 && token < next->n ? exp(next->logits[token] - next->most) / next->sum : 0;
}

/* Reads the prompt, with room for `more` tokens behind it. */
static int read_prompt(struct wn_llm *llm, const struct wn_prompt *prompt, int64_t more,
                       llama_pos *end, struct next *next)
{
    struct wn_script script = {0};
    const int64_t wanted = more;
    int32_t items;
    int err;

    TRY(wn_script_make(&script, llm, prompt));
    TRY(wn_llm_fit_answer(llm, &script, &more, &items));
    if (more < wanted)
        TRY(wn_fail(llm->log, WN_ERR_LIMIT, "the context of %d KV cells is too short for a prompt "
                    "of %lld and %lld of its answer", llm->n_ctx, (long long)script.cells,
                    (long long)wanted));
    TRY(wn_llm_prefill(llm, &script, items, NULL));
    TRY(look_ahead(llm, next));
    *end = script.end;
fail:
    wn_script_finish(&script);
    return err;
}

/* ---- how an answer begins ---- */

struct starts { /* tokens that one of the texts may begin with */
    llama_token token[16];
    int n;
};

static int tokenise(struct wn_llm *llm, const char *text, struct wn_ids *ids)
{
    struct wn_run run = {.vocab = &llm->vocab, .out = ids};
    int err;

    ids->n = 0;
    TRY(wn_run_plain(&run, text));
    TRY(wn_run_end(&run));
fail:
    wn_run_finish(&run);
    return err;
}

static void add_start(struct starts *starts, const struct wn_ids *ids)
{
    for (int i = 0; i < starts->n; i++)
        if (ids->n && starts->token[i] == ids->id[0])
            return;
    if (ids->n && starts->n < WN_LEN(starts->token))
        starts->token[starts->n++] = ids->id[0];
}

/* Vocabularies that put a space before every text themselves have no piece for a second one, and
 * then the text with a space is longer in tokens. */
static int add_text(struct wn_llm *llm, const char *text, struct starts *starts)
{
    struct wn_ids plain = {0}, spaced = {0};
    char *space = wn_sprintf(" %s", text);
    int err = space ? WN_OK : WN_ERR_NOMEM;

    TRY(err);
    TRY(tokenise(llm, text, &plain));
    TRY(tokenise(llm, space, &spaced));
    add_start(starts, &plain);
    if (spaced.n <= plain.n)
        add_start(starts, &spaced);
fail:
    free(space);
    free(plain.id);
    free(spaced.id);
    return err;
}

int wn_llm_begins(struct wn_llm *llm, const struct wn_prompt *prompt, const char *texts, double *p)
{
    struct starts starts = {.n = 0};
    struct next next;
    llama_pos end;
    double sum = 0;
    char *list = wn_strdup(texts), *rest = list, *text;
    int err = list ? WN_OK : WN_ERR_NOMEM;

    while (!err && (text = strsep(&rest, "|")))
        err = add_text(llm, text, &starts);
    free(list);
    if (err)
        return wn_nomem(llm->log, "a text");
    TRY(read_prompt(llm, prompt, 1, &end, &next));
    for (int i = 0; i < starts.n; i++)
        sum += chance_of(&next, starts.token[i]);
    *p = fmin(sum, 1);
fail:
    return err;
}

int wn_llm_likely(struct wn_llm *llm, const struct wn_prompt *prompt, const int32_t *tokens,
                  int32_t n, double *p)
{
    struct next next;
    llama_pos end;
    double sum = 0;
    int err;

    TRY(read_prompt(llm, prompt, WN_MAX(n, 1), &end, &next));
    for (int32_t i = 0; i < n; i++) {
        sum += log(fmax(chance_of(&next, tokens[i]), 1e-30));
        if (i + 1 < n) {
            TRY(wn_llm_step(llm, tokens[i], end++));
            TRY(look_ahead(llm, &next));
        }
    }
    *p = n ? exp(sum / n) : 0;
fail:
    return err;
}
