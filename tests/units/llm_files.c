/* SPDX-License-Identifier: MIT */
#include "llm_files.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 4096

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER = 4, BYTE = 6 };

const char *const test_specials[] = {
    "<|im_start|>", "<|im_end|>", "<|im_sep|>", "<|endoftext|>", "<|vision_start|>",
    "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "<start_of_turn>", "<end_of_turn>",
    "<start_of_image>", "<end_of_image>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]", "[IMG]", "[IMG_END]", "<|begin_of_text|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<|header_start|>", "<|header_end|>", "<|eot|>", "<|user|>",
    "<|assistant|>", "<|system|>", "<|end|>", "<end_of_utterance>", "<fake_token_around_image>",
    "<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>", "<|User|>", "<|Assistant|>",
    "<\xef\xbd\x9cUser\xef\xbd\x9c>", "<\xef\xbd\x9c" "Assistant\xef\xbd\x9c>", "<image>",
    "<|media_start|>", "[UNUSED_TOKEN_145]", "[UNUSED_TOKEN_146]",
    /* user-defined: llama.cpp finds these in plain text too */
    "<|tool_call|>", "<image_soft_token>", "[TOOL]", "<b>", "\n\n",
};
const int test_n_specials = (int)(sizeof(test_specials) / sizeof(test_specials[0]));
const int test_n_control = (int)(sizeof(test_specials) / sizeof(test_specials[0])) - 5;

static const char *const words[] = {
    "what", "color", "is", "the", "USER", "ASSISTANT", "frame", "user", "assistant", "system",
    "User", "Assistant", "model", "hello",
};

struct list {
    char *text[MOST];
    float score[MOST];
    int32_t type[MOST];
    int n;
};

static void push(struct list *l, const char *text, int type)
{
    for (int i = 0; i < l->n; i++)
        if (!strcmp(l->text[i], text))
            return;
    l->text[l->n] = strdup(text);
    l->score[l->n] = type == NORMAL ? -(float)l->n : 0;
    l->type[l->n++] = type;
}

static void push_specials(struct list *l)
{
    for (int i = 0; i < test_n_specials; i++)
        push(l, test_specials[i], i < test_n_control ? CONTROL : USER);
}

static void fill_spm(struct list *l)
{
    char text[64];

    push(l, "<unk>", UNKNOWN);
    push(l, "<s>", CONTROL);
    push(l, "</s>", CONTROL);
    for (int b = 0; b < 256; b++) {
        snprintf(text, sizeof(text), "<0x%02X>", b);
        push(l, text, BYTE);
    }
    push(l, "\xe2\x96\x81", NORMAL);
    for (char c = '!'; c <= '~'; c++)
        push(l, (char[]){c, '\0'}, NORMAL);
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
        for (int prefix = 0; prefix < 2; prefix++)
            for (int n = 1; n <= (int)strlen(words[w]); n++) {
                snprintf(text, sizeof(text), "%s%.*s", prefix ? "\xe2\x96\x81" : "", n, words[w]);
                push(l, text, NORMAL);
            }
    push_specials(l);
}

/* GPT-2's printable stand-in for a byte. */
static void byte_text(int byte, char out[4])
{
    int code = byte, n = 0;

    if (!((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)) {
        for (int b = 0; b < byte; b++)
            n += !((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174);
        code = 256 + n;
    }
    if (code < 128)
        snprintf(out, 4, "%c", code);
    else
        snprintf(out, 4, "%c%c", 0xc0 | code >> 6, 0x80 | (code & 63));
}

static void fill_bpe(struct list *l, struct gguf_context *g)
{
    static const char *const merges[] = {"t h", "th e", "\xc4\xa0 the", "c o", "\xc4\xa0 t",
                                         "\xc4\x8a \xc4\x8a", "? \xc4\xa0"};
    char text[16];

    for (int b = 0; b < 256; b++) {
        byte_text(b, text);
        push(l, text, NORMAL);
    }
    for (size_t m = 0; m < sizeof(merges) / sizeof(merges[0]); m++) {
        const char *space = strchr(merges[m], ' ');
        snprintf(text, sizeof(text), "%.*s%s", (int)(space - merges[m]), merges[m], space + 1);
        push(l, text, NORMAL);
    }
    push(l, "<s>", CONTROL);
    push(l, "</s>", CONTROL);
    push_specials(l);
    gguf_set_arr_str(g, "tokenizer.ggml.merges", (const char **)merges,
                     sizeof(merges) / sizeof(merges[0]));
}

struct gguf_context *test_llm_keys(int bpe)
{
    struct gguf_context *g = gguf_init_empty();
    struct list *l = calloc(1, sizeof(*l));

    gguf_set_val_str(g, "general.architecture", "llama");
    gguf_set_val_u32(g, "llama.block_count", 1);
    gguf_set_val_u32(g, "llama.context_length", 512);
    gguf_set_val_u32(g, "llama.embedding_length", 32);
    gguf_set_val_u32(g, "llama.feed_forward_length", 64);
    gguf_set_val_u32(g, "llama.attention.head_count", 2);
    gguf_set_val_f32(g, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_set_val_str(g, "tokenizer.ggml.model", bpe ? "gpt2" : "llama");
    gguf_set_val_str(g, "tokenizer.ggml.pre", bpe ? "llama-bpe" : "default");
    if (bpe)
        fill_bpe(l, g);
    else
        fill_spm(l);
    gguf_set_arr_str(g, "tokenizer.ggml.tokens", (const char **)l->text, (size_t)l->n);
    gguf_set_arr_data(g, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, l->score, (size_t)l->n);
    gguf_set_arr_data(g, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, l->type, (size_t)l->n);
    for (int i = 0; i < l->n; i++) {
        if (!strcmp(l->text[i], "<s>"))
            gguf_set_val_u32(g, "tokenizer.ggml.bos_token_id", (uint32_t)i);
        if (!strcmp(l->text[i], "</s>"))
            gguf_set_val_u32(g, "tokenizer.ggml.eos_token_id", (uint32_t)i);
        free(l->text[i]);
    }
    gguf_set_val_bool(g, "tokenizer.ggml.add_bos_token", true);
    gguf_set_val_bool(g, "tokenizer.ggml.add_space_prefix", !bpe);
    free(l);
    return g;
}

void test_write(const struct gguf_context *g, char path[64])
{
    snprintf(path, 64, "/tmp/winnow-test-XXXXXX");
    const int fd = mkstemp(path);

    if (fd < 0 || !gguf_write_to_file(g, path, false))
        abort();
    close(fd);
}

struct llama_model *test_vocab(int bpe)
{
    struct llama_model_params p = llama_model_default_params();
    struct gguf_context *g = test_llm_keys(bpe);
    char path[64];

    test_write(g, path);
    gguf_free(g);
    p.vocab_only = true;
    struct llama_model *model = llama_model_load_from_file(path, p);
    unlink(path);
    return model;
}
