/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "utf8.h"

#define DEFAULT_MAX_TOKENS 512
#define DEFAULT_TOP_K 40
#define DEFAULT_TOP_P 0.95

static int add_sampler(struct llama_sampler *chain, struct llama_sampler *sampler)
{
    if (!sampler)
        return WN_ERR_NOMEM;
    llama_sampler_chain_add(chain, sampler);
    return WN_OK;
}

/* Some vocabularies name tokens that must never come out. */
static int add_suppression(struct llama_sampler *chain, const struct llama_vocab *vocab)
{
    int32_t n = 0;
    const llama_token *id = llama_vocab_get_suppress_tokens(vocab, &n);

    if (!id || n < 1)
        return WN_OK;
    struct llama_logit_bias *bias = wn_calloc((size_t)n, sizeof(*bias));
    if (!bias)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < n; i++)
        bias[i] = (struct llama_logit_bias){id[i], -INFINITY};
    const int err = add_sampler(chain, llama_sampler_init_logit_bias(llama_vocab_n_tokens(vocab), n,
                                                                     bias));
    free(bias);
    return err;
}

static int sampler_create(struct llama_sampler **out, const struct llama_vocab *vocab,
                          const struct wn_ask_params *ask)
{
    struct llama_sampler_chain_params params = llama_sampler_chain_default_params();
    int err;

    params.no_perf = true;
    struct llama_sampler *chain = llama_sampler_chain_init(params);
    if (!chain)
        return WN_ERR_NOMEM;
    TRY(add_suppression(chain, vocab));
    if (!(ask->temperature > 0)) {
        TRY(add_sampler(chain, llama_sampler_init_greedy()));
    } else {
        const int top_k = ask->top_k > 0 ? ask->top_k : DEFAULT_TOP_K;
        const double top_p = ask->top_p > 0 ? ask->top_p : DEFAULT_TOP_P;
        TRY(add_sampler(chain, llama_sampler_init_top_k(top_k)));
        TRY(add_sampler(chain, llama_sampler_init_top_p((float)top_p, 1)));
        TRY(add_sampler(chain, llama_sampler_init_temp((float)ask->temperature)));
        TRY(add_sampler(chain, llama_sampler_init_dist(ask->seed)));
    }
    *out = chain;
    return WN_OK;
fail:
    llama_sampler_free(chain);
    return err;
}

/* The text of a token goes to the answer, and what it completes to the caller. */
static int speak(struct wn_llm *llm, const struct wn_ask_params *ask, struct wn_clean *clean,
                 llama_token token, bool last)
{
    char small[64], *piece = small;
    const size_t before = clean->n;
    int32_t n = 0;
    int err;

    if (!last)
        n = llama_token_to_piece(llm->vocab.llama, token, small, sizeof(small), 0, false);
    if (n < 0) {
        piece = wn_calloc((size_t)-n, 1);
        TRY(piece ? WN_OK : wn_nomem(llm->log, "the answer"));
        n = llama_token_to_piece(llm->vocab.llama, token, piece, -n, 0, false);
    }
    err = wn_clean_push(clean, piece, (size_t)WN_MAX(n, 0), last);
    if (err < 0)
        wn_nomem(llm->log, "the answer");
    else if (ask->on_text && clean->n > before &&
             ask->on_text(ask->opaque, clean->text + before, clean->n - before))
        err = wn_fail(llm->log, WN_ERR_ABORTED, "stopped by the text callback");
fail:
    if (piece != small)
        free(piece);
    return err;
}

static int sample(struct wn_llm *llm, struct llama_sampler *sampler, llama_token *out)
{
    const float *logits = llama_get_logits_ith(llm->ctx, -1);
    const int32_t n = llama_vocab_n_tokens(llm->vocab.llama);

    for (int32_t i = 0; logits && i < n; i++)
        if (isnan(logits[i]))
            logits = NULL;
    if (!logits)
        return wn_fail(llm->log, WN_ERR_MODEL, "the language model gave no numbers (NaN): its file "
                       "or this build of llama.cpp is faulty");
    *out = llama_sampler_sample(sampler, llm->ctx, -1);
    return WN_OK;
}

static int generate(struct wn_llm *llm, llama_pos pos, int64_t max_tokens,
                    const struct wn_ask_params *ask, struct wn_clean *clean,
                    struct wn_answer_stats *stats)
{
    struct llama_sampler *sampler = NULL;
    llama_token token = LLAMA_TOKEN_NULL;
    int err = sampler_create(&sampler, llm->vocab.llama, ask);

    if (err < 0)
        return wn_nomem(llm->log, "the sampler");
    while (stats->tokens < max_tokens) {
        TRY(sample(llm, sampler, &token));
        if (!stats->tokens)
            stats->first_token_at = wn_now();
        if (llama_vocab_is_eog(llm->vocab.llama, token))
            break;
        if (stats->n_said < WN_SAID)
            stats->said[stats->n_said++] = token;
        stats->tokens++;
        TRY(speak(llm, ask, clean, token, false));
        if (stats->tokens < max_tokens)
            TRY(wn_llm_step(llm, token, pos++));
    }
    TRY(speak(llm, ask, clean, token, true));
fail:
    llama_sampler_free(sampler);
    return err;
}

int wn_llm_fit_answer(struct wn_llm *llm, const struct wn_script *script, int64_t *max_tokens,
                      int32_t *items)
{
    const int64_t room = llm->n_ctx - script->cells;

    if (script->cells < 1)
        return wn_fail(llm->log, WN_ERR_ARG, "the prompt is empty");
    if (room < 1)
        return wn_fail(llm->log, WN_ERR_LIMIT, "the prompt needs %lld KV cells and the answer some "
                       "more, but the context holds %d: give fewer visual tokens%s",
                       (long long)script->cells, llm->n_ctx,
                       llm->n_ctx < llm->info.n_ctx_train ? " or a larger context" : "");
    if (room < *max_tokens)
        wn_say(llm->log, WN_LOG_INFO, "the context of %d KV cells leaves room for %lld tokens of "
               "answer", llm->n_ctx, (long long)room);
    *max_tokens = WN_MIN(*max_tokens, room);
    return wn_llm_fit(llm, script, script->cells + *max_tokens, items);
}

int wn_llm_answer(struct wn_llm *llm, const struct wn_prompt *prompt,
                  const struct wn_ask_params *ask, char **answer, struct wn_answer_stats *stats)
{
    const struct wn_ask_params defaults = {.size = sizeof(defaults)};
    struct wn_answer_stats st = {0};
    struct wn_script script = {0};
    struct wn_clean clean = {0};
    int32_t items;
    int err;

    if (!ask)
        ask = &defaults;
    int64_t max_tokens = ask->max_tokens > 0 ? ask->max_tokens : DEFAULT_MAX_TOKENS;
    TRY(wn_script_make(&script, llm, prompt));
    TRY(wn_llm_fit_answer(llm, &script, &max_tokens, &items));
    const double start = wn_now();
    TRY(wn_llm_prefill(llm, &script, items, ask));
    st.prefill_s = wn_now() - start;
    st.cells = script.cells;
    for (int32_t i = 0; i < items; i++)
        st.reused += script.item[i].n;
    TRY(generate(llm, script.end, max_tokens, ask, &clean, &st));
    st.generate_s = wn_now() - start - st.prefill_s;
    wn_llm_keep(llm, &script, items);
    char *text = clean.text ? clean.text : wn_strdup("");
    TRY(text ? WN_OK : wn_nomem(llm->log, "the answer"));
    clean.text = NULL;
    if (answer)
        *answer = text;
    else
        free(text);
    if (stats)
        *stats = st;
fail:
    wn_script_finish(&script);
    wn_clean_finish(&clean);
    return err;
}

int64_t wn_llm_prompt_cells(struct wn_llm *llm, const struct wn_prompt *prompt)
{
    struct wn_script script = {0};
    const int err = wn_script_make(&script, llm, prompt);
    const int64_t cells = script.cells;

    wn_script_finish(&script);
    return err < 0 ? err : cells;
}

int wn_llm_logits(struct wn_llm *llm, const struct wn_prompt *prompt, float **out, int *n_vocab)
{
    const int32_t n = llama_vocab_n_tokens(llm->vocab.llama);
    struct wn_script script = {0};
    float *logits = NULL;
    int64_t one = 1;
    int32_t items;
    int err;

    TRY(wn_script_make(&script, llm, prompt));
    TRY(wn_llm_fit_answer(llm, &script, &one, &items));
    TRY(wn_llm_prefill(llm, &script, items, NULL));
    const float *from = llama_get_logits_ith(llm->ctx, -1);
    TRY(from ? WN_OK : wn_fail(llm->log, WN_ERR_MODEL, "the language model gave no logits"));
    logits = wn_calloc((size_t)n, sizeof(*logits));
    TRY(logits ? WN_OK : wn_nomem(llm->log, "logits"));
    memcpy(logits, from, (size_t)n * sizeof(*logits));
    *out = logits;
    *n_vocab = n;
fail:
    wn_script_finish(&script);
    return err;
}
