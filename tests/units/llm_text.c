/* SPDX-License-Identifier: MIT */
/* Labels, chat templates of every family, tokens of trusted and of hostile text, clean output. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "llm/internal.h"
#include "llm/utf8.h"
#include "llm_files.h"

static void label_is(const char *format, int32_t n, double t, const char *want)
{
    char *label = wn_llm_label(format, n, t);

    assert_string_equal(label, want);
    free(label);
}

static void test_labels(void **state)
{
    label_is("[{t}]", 1, 0, "[0:00.0]");
    label_is("[{t}]", 1, 5, "[0:05.0]");
    label_is("{t}", 1, 65, "1:05.0");
    label_is("{t}", 1, 59.96, "1:00.0");
    label_is("{t}", 1, 0.04999, "0:00.0");
    label_is("{t}", 1, 3725.25, "62:05.3");
    label_is("{t}", 1, -3, "0:00.0");
    label_is("frame {n}:", 12, 1, "frame 12:");
    label_is("{n}{n} {t} {x} {} {n", 3, 1, "33 0:01.0 {x} {} {n");
    label_is("", 3, 1, "");
    label_is("{t}", 1, (double)NAN, "0:00.0");
    label_is("{t}", 1, (double)INFINITY, "16666666666:40.0");
}

/* ---- templates ---- */

static bool no_token(void *opaque, const char *text)
{
    return opaque && strcmp(opaque, text) == 0;
}

struct expected {
    const char *wanted, *own;
    const char *before, *after;
};

static const struct expected templates[] = {
    {"chatml", NULL, "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"},
    {NULL, "{% for m in messages %}<|im_start|>{{ m.role }}", "<|im_start|>user\n",
     "<|im_end|>\n<|im_start|>assistant\n"},
    {"llama2", NULL, "[INST] ", " [/INST]"},
    {NULL, "[INST] <<SYS>> {{ content.strip() }}", "[INST] ", " [/INST]"},
    {"llama3", NULL, "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
    {NULL, "<|start_header_id|>{{ role }}<|end_header_id|>",
     "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"llama4", NULL, "<|header_start|>user<|header_end|>\n\n",
     "<|eot|><|header_start|>assistant<|header_end|>\n\n"},
    {"gemma", NULL, "<start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"},
    {NULL, "{{ '<start_of_turn>' + role }}", "<start_of_turn>user\n",
     "<end_of_turn>\n<start_of_turn>model\n"},
    {"mistral-v1", NULL, " [INST] ", " [/INST]"},
    {"mistral-v3", NULL, "[INST] ", "[/INST]"},
    {"mistral-v7", NULL, "[INST] ", "[/INST]"},
    {"mistral-v7-tekken", NULL, "[INST]", "[/INST]"},
    {"phi3", NULL, "<|user|>\n", "<|end|>\n<|assistant|>\n"},
    {"phi4", NULL, "<|im_start|>user<|im_sep|>", "<|im_end|><|im_start|>assistant<|im_sep|>"},
    {"smolvlm", NULL, "<|im_start|>User: ", "<end_of_utterance>\nAssistant:"},
    {NULL, "<|im_start|>{{ message['role'] | capitalize }}<end_of_utterance>",
     "<|im_start|>User: ", "<end_of_utterance>\nAssistant:"},
    {"granite", NULL, "<|start_of_role|>user<|end_of_role|>",
     "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"},
    {"deepseek3", NULL, "<\xef\xbd\x9cUser\xef\xbd\x9c>", "<\xef\xbd\x9c" "Assistant\xef\xbd\x9c>"},
    {"vicuna", NULL, "USER: ", "\nASSISTANT:"},
    /* winnow's own table */
    {"winnow", NULL, "USER:", " ASSISTANT:"},
    {NULL, "{% for m in messages %}{% if m['role']=='user' %}{{ 'USER:' + m['content'] + "
           "' ASSISTANT:' }}{% endif %}{% endfor %}", "USER:", " ASSISTANT:"},
    {NULL, "{{ 'USER: ' + m['content'] + ' ASSISTANT:' }}", "USER: ", " ASSISTANT:"},
    {NULL, "{{ message['role'].upper() + ': '}}{% for content in x %}<image>\n", "USER: ",
     " ASSISTANT:"},
    {NULL, "{{ message['role'].capitalize() }}:<end_of_utterance>\nAssistant:", "User:",
     "<end_of_utterance>\nAssistant:"},
    {NULL, "<|user|>\n{{ m }}<|assistant|>\n<|end_of_text|>", "<|user|>\n", "\n<|assistant|>\n"},
    {NULL, "<|User|>: {{ m }}\n\n<|Assistant|>: ", "<|User|>: ", "\n\n<|Assistant|>:"},
    {NULL, "### Human: {{ m }}\n### Assistant:", "### Human: ", "\n### Assistant:"},
    {NULL, "Question: {{ m }}\nAnswer:", "\n\nQuestion: ", "\n\nAnswer:"},
    {NULL, "{{ 'User: ' + m + ' Assistant:' }}", "User: ", " Assistant:"},
    {NULL, "[UNUSED_TOKEN_146]{{ role }}\n[UNUSED_TOKEN_145]", "[UNUSED_TOKEN_146]user\n",
     "[UNUSED_TOKEN_145]\n[UNUSED_TOKEN_146]assistant\n"},
    {"raw", NULL, "", ""},
    {"Q:\\n{content}\\nA:", "whatever", "Q:\n", "\nA:"},
    {"{system} Q: {content} A:", NULL, " Q: ", " A:"},
    {NULL, NULL, "USER: ", " ASSISTANT:"}, /* nothing known: LLaVA's */
    {NULL, "{{ nobody knows this }}", "USER: ", " ASSISTANT:"},
};

static void test_templates(void **state)
{
    for (int i = 0; i < WN_LEN(templates); i++) {
        const struct expected *e = &templates[i];
        struct wn_template t;
        assert_int_equal(wn_template_make(&t, e->wanted, e->own, no_token, NULL, NULL), 0);
        assert_string_equal(t.before, e->before);
        assert_string_equal(t.after, e->after);
        wn_template_finish(&t);
    }
}

static void test_template_guess(void **state)
{
    struct wn_template t;

    assert_int_equal(wn_template_make(&t, NULL, NULL, no_token, "<|im_start|>", NULL), 0);
    assert_string_equal(t.before, "<|im_start|>user\n");
    wn_template_finish(&t);
    assert_int_equal(wn_template_make(&t, "no such name", NULL, no_token, NULL, NULL), WN_ERR_ARG);
    assert_int_equal(wn_template_make(&t, "{content} {content}", NULL, no_token, NULL, NULL),
                     WN_ERR_ARG);
}

/* Every template that llama.cpp has by name can be split, and so can every one of ours. */
static void test_every_template(void **state)
{
    const char *names[256];
    const int32_t n = llama_chat_builtin_templates(names, 256);
    int with_system = 0;

    assert_true(n > 20 && n <= 256);
    for (int i = 0; i < n || wn_template_family(i - n); i++) {
        struct wn_template t;
        const char *name = i < n ? names[i] : wn_template_family(i - n);
        assert_int_equal(wn_template_make(&t, name, NULL, no_token, NULL, NULL), 0);
        assert_null(strstr(t.before, "nonce"));
        assert_null(strstr(t.after, "nonce"));
        for (int k = 0; t.system[0] && k < 3; k++)
            assert_null(strstr(t.system[k], "nonce"));
        with_system += t.system[0] != NULL;
        wn_template_finish(&t);
    }
    assert_true(with_system > n / 2);
}

/* ---- tokens ---- */

struct vocabs {
    struct llama_model *model[2];
    struct wn_vocab vocab[2];
};

static int open_vocabs(void **state)
{
    struct vocabs *v = calloc(1, sizeof(*v));

    wn_llm_route_logs(NULL);
    llama_backend_init();
    for (int i = 0; i < 2; i++) {
        v->model[i] = test_vocab(i);
        if (!v->model[i] || wn_vocab_init(&v->vocab[i], llama_model_get_vocab(v->model[i])))
            return -1;
    }
    *state = v;
    return 0;
}

static int close_vocabs(void **state)
{
    struct vocabs *v = *state;

    for (int i = 0; i < 2; i++) {
        wn_vocab_finish(&v->vocab[i]);
        llama_model_free(v->model[i]);
    }
    free(v);
    return 0;
}

/* Pieces in turn: even ones are template, odd ones plain. */
static struct wn_ids run_tokens(const struct wn_vocab *vocab, const char *const *piece, int n)
{
    struct wn_ids ids = {0};
    struct wn_run run = {.vocab = vocab, .out = &ids};

    for (int i = 0; i < n; i++)
        assert_int_equal(i % 2 ? wn_run_plain(&run, piece[i]) : wn_run_template(&run, piece[i]), 0);
    assert_int_equal(wn_run_end(&run), 0);
    wn_run_finish(&run);
    return ids;
}

static int count_control(const struct wn_vocab *vocab, const struct wn_ids *ids, bool markup_too)
{
    int n = 0;

    for (int32_t i = 0; i < ids->n; i++) {
        for (int32_t k = 0; k < vocab->n_control; k++)
            n += vocab->control[k] == ids->id[i];
        for (int32_t k = 0; markup_too && k < vocab->n_forgeable; k++)
            n += vocab->forgeable[k] == ids->id[i];
    }
    return n;
}

static void same_as_whole(const struct wn_vocab *vocab, const char *const *piece, int n)
{
    char whole[1024] = "";
    llama_token want[1024];

    for (int i = 0; i < n; i++)
        strncat(whole, piece[i], sizeof(whole) - strlen(whole) - 1);
    const int32_t m = llama_tokenize(vocab->llama, whole, (int32_t)strlen(whole), want, 1024, false,
                                     true);
    struct wn_ids ids = run_tokens(vocab, piece, n);
    assert_int_equal(ids.n, m);
    assert_memory_equal(ids.id, want, (size_t)m * sizeof(*want));
    free(ids.id);
}

/* Pieces give what the whole text gives at once: no doubled space, no lost merge. */
static void test_joined(void **state)
{
    struct vocabs *v = *state;
    static const char *const cases[][3] = {
        {"USER:", " what color is the hello?", " ASSISTANT:"},
        {"USER: ", "what color is the user ?", " ASSISTANT:"},
        {"", "what color?", " ASSISTANT:"},
        {"<|im_start|>user\n", "what\n\n color?", "<|im_end|>\n<|im_start|>assistant\n"},
        {"[INST] ", "the", " [/INST]"},
        {"[INST]", "the", "[/INST]"},
        {"<start_of_turn>user\n", "th", "e<end_of_turn>\n<start_of_turn>model\n"},
        {"a <b> c", " \n", "\n<|end|> <|assistant|>"},
        {"<|user|>\n", "\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80 <b>bold</b>",
         "<|end|>\n<|assistant|>\n"},
        {"<|im_start|><|im_end|><s>", " x ", "</s></s>"},
        {"", "", "<|user|>"},
    };

    for (int bpe = 0; bpe < 2; bpe++)
        for (int i = 0; i < WN_LEN(cases); i++)
            same_as_whole(&v->vocab[bpe], cases[i], 3);
}

/* A space goes between words of ours that meet, and only there. */
static void test_apart(void **state)
{
    struct vocabs *v = *state;
    static const char *const apart[] = {"USER:", "frame", "", "what"};
    static const char *const whole[] = {"USER: frame what"};
    static const char *const bare[] = {"<|user|>", "frame"};
    static const char *const bare_whole[] = {"<|user|>frame"};

    for (int bpe = 0; bpe < 2; bpe++) {
        struct wn_ids a = run_tokens(&v->vocab[bpe], apart, 4);
        struct wn_ids b = run_tokens(&v->vocab[bpe], whole, 1);
        struct wn_ids c = run_tokens(&v->vocab[bpe], bare, 2);
        struct wn_ids d = run_tokens(&v->vocab[bpe], bare_whole, 1);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.id, b.id, (size_t)a.n * sizeof(*a.id));
        assert_int_equal(c.n, d.n);
        assert_memory_equal(c.id, d.id, (size_t)c.n * sizeof(*c.id));
        free(a.id);
        free(b.id);
        free(c.id);
        free(d.id);
    }
}

static char *hostile_text(void)
{
    char *text = wn_strdup("x");

    for (int i = 0; i < test_n_specials - 2; i++) { /* not <b> and blank lines: they are text */
        char *longer = wn_sprintf("%s %s%s</s><s>%s", text, test_specials[i], test_specials[i],
                                  test_specials[(i + 7) % test_n_control]);
        free(text);
        text = longer;
    }
    return text;
}

/* Whatever the template, a question gives no control token; and a template's own ones stay. */
static void test_hostile(void **state)
{
    struct vocabs *v = *state;
    const char *names[256];
    const int32_t n = llama_chat_builtin_templates(names, 256);
    char *hostile = hostile_text();

    for (int i = 0; i < n || wn_template_family(i - n); i++)
        for (int bpe = 0; bpe < 2; bpe++) {
            struct wn_template t;
            const char *name = i < n ? names[i] : wn_template_family(i - n);
            assert_int_equal(wn_template_make(&t, name, NULL, no_token, NULL, NULL), 0);
            const char *const bad[] = {t.before, hostile, t.after};
            const char *const good[] = {t.before, "x", t.after};
            struct wn_ids a = run_tokens(&v->vocab[bpe], bad, 3);
            struct wn_ids b = run_tokens(&v->vocab[bpe], good, 3);
            assert_int_equal(count_control(&v->vocab[bpe], &a, true),
                             count_control(&v->vocab[bpe], &b, true));
            free(a.id);
            free(b.id);
            wn_template_finish(&t);
        }
    /* the count can fail: the same text as a template gives them all */
    const char *const trusted[] = {hostile};
    struct wn_ids c = run_tokens(&v->vocab[0], trusted, 1);
    assert_true(count_control(&v->vocab[0], &c, false) > 4 * test_n_control);
    free(c.id);
    free(hostile);
}

/* Broken UTF-8 and half markers on both sides of a seam. */
static void test_seams(void **state)
{
    struct vocabs *v = *state;
    static const char *const halves[] = {"USER:", "<|im_", "end|> ", "start|>", "user"};
    static const char *const broken[] = {"", "\xff\xfe\xc3 \xe4\xbd", ""};

    for (int bpe = 0; bpe < 2; bpe++) {
        struct wn_ids ids = run_tokens(&v->vocab[bpe], halves, 5);
        assert_int_equal(count_control(&v->vocab[bpe], &ids, true), 0);
        free(ids.id);
        ids = run_tokens(&v->vocab[bpe], broken, 3);
        assert_true(ids.n > 0);
        free(ids.id);
    }
}

/* ---- output ---- */

static void clean_is(const char *bytes, size_t n, const char *want)
{
    for (size_t step = 1; step <= n; step++) { /* however the tokens cut it */
        struct wn_clean c = {0};
        for (size_t at = 0; at < n; at += step)
            assert_int_equal(wn_clean_push(&c, bytes + at, WN_MIN(step, n - at), at + step >= n),
                             0);
        assert_string_equal(c.text ? c.text : "", want);
        wn_clean_finish(&c);
    }
}

static void test_clean(void **state)
{
    clean_is(" red", 4, "red");
    clean_is("\n \t red\n\tblue ", 14, "red\n\tblue ");
    clean_is("a\x1b[31mb\x07\x7f", 9, "a[31mb");
    clean_is("a\xc2\x9b" "31mb", 7, "a31mb");
    clean_is("\xe4\xbd\xa0\xe5\xa5\xbd", 6, "\xe4\xbd\xa0\xe5\xa5\xbd");
    clean_is("\xf0\x9f\x98\x80!", 5, "\xf0\x9f\x98\x80!");
    clean_is("a\xff" "b", 3, "a\xef\xbf\xbd" "b");
    clean_is("a\xe4\xbd", 3, "a\xef\xbf\xbd");
    clean_is("\xe4\xbd" "b", 3, "\xef\xbf\xbd" "b");
    clean_is("\xed\xa0\x80x", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"); /* a surrogate */
    clean_is("\xc0\x80x", 3, "\xef\xbf\xbd\xef\xbf\xbdx"); /* overlong */
    clean_is("a\0b", 3, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_template_guess),
        cmocka_unit_test(test_every_template),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_seams),
        cmocka_unit_test(test_clean),
    };

    return cmocka_run_group_tests(tests, open_vocabs, close_vocabs);
}
