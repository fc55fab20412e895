/* SPDX-License-Identifier: MIT */
#include "template.h"

#include <llama.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT "{content}"
#define SYSTEM "{system}"

/* Families that llama_chat_apply_template does not know, or takes for another one. A Jinja text is
 * of a family when it holds every `has` and no `lacks`; a weak one is asked after llama.cpp. */
static const struct family {
    const char *name;
    const char *has[3], *lacks[2];
    const char *format;
    const char *system; /* the same with a system message, or NULL */
    bool weak;
} families[] = {
    {"winnow", {"'USER:'", "' ASSISTANT:'"}, {0},
     "USER:{content} ASSISTANT:", "{system} USER:{content} ASSISTANT:"},
    {"llava", {"message['role'].upper() + ': '"}, {0},
     "USER: {content} ASSISTANT:", "{system} USER: {content} ASSISTANT:"},
    {"llava", {"'USER: '", "' ASSISTANT:'"}, {0},
     "USER: {content} ASSISTANT:", "{system} USER: {content} ASSISTANT:"},
    {"idefics", {"<end_of_utterance>", "Assistant:"}, {"<|im_start|>"},
     "User:{content}<end_of_utterance>\nAssistant:",
     "System:{system}<end_of_utterance>\nUser:{content}<end_of_utterance>\nAssistant:"},
    {"granite-vision", {"<|user|>", "<|assistant|>", "<|end_of_text|>"}, {"<|end|>"},
     "<|user|>\n{content}\n<|assistant|>\n",
     "<|system|>\n{system}\n<|user|>\n{content}\n<|assistant|>\n"},
    {"deepseek-vl", {"<|User|>", "<|Assistant|>"}, {0},
     "<|User|>: {content}\n\n<|Assistant|>:", "{system}\n\n<|User|>: {content}\n\n<|Assistant|>:"},
    {"yi-vl", {"### Human:", "### Assistant:"}, {0},
     "### Human: {content}\n### Assistant:", "{system}\n\n### Human: {content}\n### Assistant:"},
    {"moondream", {"Question: ", "Answer:"}, {0}, "\n\nQuestion: {content}\n\nAnswer:", NULL, true},
    {"internlm", {"[UNUSED_TOKEN_146]", "[UNUSED_TOKEN_145]"}, {0},
     "[UNUSED_TOKEN_146]user\n{content}[UNUSED_TOKEN_145]\n[UNUSED_TOKEN_146]assistant\n",
     "[UNUSED_TOKEN_146]system\n{system}[UNUSED_TOKEN_145]\n[UNUSED_TOKEN_146]user\n"
     "{content}[UNUSED_TOKEN_145]\n[UNUSED_TOKEN_146]assistant\n"},
    {"user-assistant", {"User: ", "Assistant:"}, {0},
     "User: {content} Assistant:", "{system} User: {content} Assistant:", true},
    {"raw", {"{content}"}, {0}, "{content}", "{system}\n{content}"}, /* by name only */
};

/* What a model without a template was most likely trained on, by a token it knows. */
static const char *const by_token[][2] = {
    {"<|im_start|>", "chatml"}, {"<|start_header_id|>", "llama3"}, {"<start_of_turn>", "gemma"},
    {"<|end|>", "phi3"}, {"[INST]", "mistral-v7"}, {"<|User|>", "deepseek-vl"},
};

const char *wn_template_family(int i)
{
    return i >= 0 && i < WN_LEN(families) ? families[i].name : NULL;
}

void wn_template_finish(struct wn_template *tmpl)
{
    free(tmpl->before);
    free(tmpl->after);
    for (int i = 0; i < 3; i++)
        free(tmpl->system[i]);
    free(tmpl->name);
    *tmpl = (struct wn_template){0};
}

/* Bytes a to b of text, with \n written as two characters read as one. */
static char *piece(const char *a, const char *b, bool escapes)
{
    char *out = wn_calloc((size_t)(b - a) + 1, 1);
    size_t n = 0;

    for (; out && a < b; a++) {
        const bool newline = escapes && a[0] == '\\' && a + 1 < b && a[1] == 'n';
        out[n++] = newline ? '\n' : *a;
        a += newline;
    }
    return out;
}

static int split_plain(struct wn_template *t, const char *text, const char *mark, bool escapes)
{
    const char *at = strstr(text, mark);

    if (!at || strstr(at + 1, mark))
        return WN_ERR_UNSUPPORTED;
    t->before = piece(text, at, escapes);
    t->after = piece(at + strlen(mark), text + strlen(text), escapes);
    return t->before && t->after ? WN_OK : WN_ERR_NOMEM;
}

/* Leaves the template without a place for a system message where text has none. */
static int split_system(struct wn_template *t, const char *text, const char *sys_mark,
                        const char *mark, bool escapes)
{
    const char *sys = strstr(text, sys_mark), *at = sys ? strstr(sys, mark) : NULL;

    if (!at || strstr(sys + 1, sys_mark) || strstr(at + 1, mark) || strstr(text, mark) != at)
        return WN_OK;
    t->system[0] = piece(text, sys, escapes);
    t->system[1] = piece(sys + strlen(sys_mark), at, escapes);
    t->system[2] = piece(at + strlen(mark), text + strlen(text), escapes);
    return t->system[0] && t->system[1] && t->system[2] ? WN_OK : WN_ERR_NOMEM;
}

/* Two words that the template does not hold. */
static void pick_nonces(char nonce[2][24], const char *jinja)
{
    static const char letters[] = "kqxzvwyj";
    unsigned salt = 0;

    for (int i = 0; i < 2; i++)
        do {
            memcpy(nonce[i], "WNw0nonceq0", 12);
            nonce[i][3] = (char)('0' + i);
            nonce[i][9] = letters[salt % 8];
            nonce[i][10] = letters[salt++ / 8 % 8];
        } while (strstr(jinja, nonce[i]) && salt < 64);
}

/* NULL: llama.cpp does not know this template, or there is no memory. */
static char *render(const char *jinja, const struct llama_chat_message *chat, size_t n)
{
    const int32_t len = llama_chat_apply_template(jinja, chat, n, true, NULL, 0);
    char *text = len < 0 ? NULL : wn_calloc((size_t)len + 1, 1);

    if (text)
        llama_chat_apply_template(jinja, chat, n, true, text, len + 1);
    return text;
}

static int from_builtin(struct wn_template *t, const char *jinja)
{
    char nonce[2][24];
    int err = WN_ERR_UNSUPPORTED;

    pick_nonces(nonce, jinja);
    const struct llama_chat_message chat[2] = {{"system", nonce[0]}, {"user", nonce[1]}};
    char *plain = render(jinja, chat + 1, 1), *with_system = render(jinja, chat, 2);
    if (!plain)
        goto fail;
    TRY(split_plain(t, plain, nonce[1], false));
    if (with_system)
        TRY(split_system(t, with_system, nonce[0], nonce[1], false));
    t->name = wn_strdup("built-in");
    err = t->name ? WN_OK : WN_ERR_NOMEM;
fail:
    free(plain);
    free(with_system);
    return err;
}

static int from_family(struct wn_template *t, const struct family *f)
{
    int err;

    TRY(split_plain(t, f->format, CONTENT, false));
    if (f->system)
        TRY(split_system(t, f->system, SYSTEM, CONTENT, false));
    t->name = wn_strdup(f->name);
    err = t->name ? WN_OK : WN_ERR_NOMEM;
fail:
    return err;
}

static const struct family *named(const char *name)
{
    for (int i = 0; i < WN_LEN(families); i++)
        if (!strcmp(families[i].name, name))
            return &families[i];
    return NULL;
}

static const struct family *detected(const char *jinja, bool weak)
{
    for (int i = 0; i < WN_LEN(families); i++) {
        const struct family *f = &families[i];
        bool fits = f->weak == weak && strcmp(f->name, "raw");
        for (int k = 0; k < WN_LEN(f->has) && f->has[k]; k++)
            fits = fits && strstr(jinja, f->has[k]);
        for (int k = 0; k < WN_LEN(f->lacks) && f->lacks[k]; k++)
            fits = fits && !strstr(jinja, f->lacks[k]);
        if (fits)
            return f;
    }
    return NULL;
}

static int from_jinja(struct wn_template *t, const char *jinja)
{
    const struct family *f = detected(jinja, false);
    int err = f ? from_family(t, f) : from_builtin(t, jinja);

    if (err == WN_ERR_UNSUPPORTED) {
        f = detected(jinja, true);
        wn_template_finish(t);
        err = f ? from_family(t, f) : err;
    }
    if (err < 0)
        wn_template_finish(t);
    return err;
}

/* A format of the user's: "USER: {content} ASSISTANT:". */
static int from_format(struct wn_template *t, const char *format)
{
    int err;

    if (strstr(format, SYSTEM)) {
        TRY(split_system(t, format, SYSTEM, CONTENT, true));
        err = WN_ERR_UNSUPPORTED;
        if (!t->system[0])
            goto fail;
        t->before = wn_sprintf("%s%s", t->system[0], t->system[1]);
        t->after = wn_strdup(t->system[2]);
    } else {
        TRY(split_plain(t, format, CONTENT, true));
    }
    t->name = wn_strdup("format");
    err = t->before && t->after && t->name ? WN_OK : WN_ERR_NOMEM;
fail:
    return err;
}

static int from_wanted(struct wn_template *t, const char *wanted, struct wn_log *log)
{
    const struct family *f = named(wanted);
    char shown[80];
    const int err = f ? from_family(t, f)
                  : strstr(wanted, CONTENT) ? from_format(t, wanted) : from_jinja(t, wanted);

    if (err == WN_ERR_NOMEM)
        return wn_nomem(log, "the chat template");
    if (err < 0)
        return wn_fail(log, WN_ERR_ARG, "chat template \"%s\": neither a template that is known "
                       "nor a text with {content} in it once",
                       wn_printable(shown, sizeof(shown), wanted));
    return WN_OK;
}

static int from_guess(struct wn_template *t, bool (*has_token)(void *, const char *), void *opaque,
                      const char **kind)
{
    const char *name = "llava";

    for (int i = WN_LEN(by_token); i-- > 0; )
        if (has_token(opaque, by_token[i][0]))
            name = by_token[i][1];
    *kind = name;
    return named(name) ? from_family(t, named(name)) : from_builtin(t, name);
}

int wn_template_make(struct wn_template *out, const char *wanted, const char *own,
                     bool (*has_token)(void *opaque, const char *text), void *opaque,
                     struct wn_log *log)
{
    struct wn_template t = {0};
    const bool has_own = own && own[0];
    const char *kind = NULL;
    int err;

    if (wanted && wanted[0])
        err = from_wanted(&t, wanted, log);
    else
        err = has_own ? from_jinja(&t, own) : WN_ERR_UNSUPPORTED;
    if (err == WN_ERR_UNSUPPORTED) {
        TRY(from_guess(&t, has_token, opaque, &kind));
        wn_say(log, WN_LOG_WARN, "the model has %s, so winnow talks to it as to \"%s\" models "
               "(name another chat template if the answers are poor)", has_own ?
               "a chat template that winnow does not know" : "no chat template", kind);
    }
    TRY(err);
    *out = t;
    return WN_OK;
fail:
    wn_template_finish(&t);
    return err;
}
