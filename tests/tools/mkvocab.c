/* SPDX-License-Identifier: MIT */
#include "mkmodel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, UNUSED = 5, BYTE = 6 }; /* llama.cpp's token types */

#define SPACE "\xe2\x96\x81" /* SentencePiece's sign for a space */

struct vocab {
    char (*text)[64];
    float *score;
    int32_t *type;
    int n, max;
};

/* What libmtmd and the chat templates of the kinds look for. */
static const char *const specials[] = {
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>", "<start_of_image>", "<end_of_image>", "<start_of_turn>",
    "<end_of_turn>", "<image>", "</image>", "<img>", "</img>", "<fake_token_around_image>",
    "<global-img>", "<end_of_utterance>",
};

/* SPM joins two pieces only when the result is a piece, so every prefix of a word is added. */
static const char *const words[] = {
    "a", "and", "answer", "ASSISTANT", "assistant", "background", "ball", "blue", "car", "circle",
    "color", "colour", "count", "describe", "Describe", "digit", "does", "frame", "Frame", "green",
    "happens", "how", "How", "image", "in", "is", "many", "more", "moving", "of", "picture", "red",
    "scene", "second", "seconds", "shape", "show", "system", "the", "there", "this", "User", "user",
    "USER", "video", "what", "What", "where", "which", "white", "word", "you",
};

static void push(struct vocab *v, int32_t type, float score, const char *text)
{
    for (int i = 0; i < v->n; i++)
        if (!strcmp(v->text[i], text))
            return;
    if (v->n == v->max)
        return;
    snprintf(v->text[v->n], sizeof(v->text[0]), "%s", text);
    v->type[v->n] = type;
    v->score[v->n++] = score;
}

static void push_bytes(struct vocab *v)
{
    for (int b = 0; b < 256; b++) {
        char text[8];

        snprintf(text, sizeof(text), "<0x%02X>", b);
        push(v, BYTE, 0, text);
    }
}

static void push_words(struct vocab *v)
{
    char text[64];

    push(v, NORMAL, -1000, SPACE);
    for (char c = '!'; c <= '~'; c++)
        push(v, NORMAL, -1000, (char[]){c, 0});
    push(v, NORMAL, -1000, "\n");
    push(v, NORMAL, -999, "\n\n");
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
        for (int n = 1; n <= (int)strlen(words[w]); n++) {
            snprintf(text, sizeof(text), SPACE "%.*s", n, words[w]);
            push(v, NORMAL, -(float)v->n, text);
        }
}

static void push_tiles(struct vocab *v)
{
    for (int r = 1; r <= 6; r++)
        for (int c = 1; c <= 6; c++) {
            char text[32];

            snprintf(text, sizeof(text), "<row_%d_col_%d>", r, c);
            push(v, CONTROL, 0, text);
        }
}

static void write_keys(struct gguf_context *keys, const struct vocab *v)
{
    const char **text = calloc((size_t)v->n, sizeof(*text));

    if (!text)
        exit(1);
    for (int i = 0; i < v->n; i++)
        text[i] = v->text[i];
    gguf_set_val_str(keys, "tokenizer.ggml.model", "llama");
    gguf_set_val_str(keys, "tokenizer.ggml.pre", "default");
    gguf_set_arr_str(keys, "tokenizer.ggml.tokens", text, (size_t)v->n);
    gguf_set_arr_data(keys, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, v->score, (size_t)v->n);
    gguf_set_arr_data(keys, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, v->type, (size_t)v->n);
    gguf_set_val_u32(keys, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(keys, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(keys, "tokenizer.ggml.eos_token_id", 2);
    gguf_set_val_bool(keys, "tokenizer.ggml.add_bos_token", true);
    gguf_set_val_bool(keys, "tokenizer.ggml.add_eos_token", false);
    gguf_set_val_bool(keys, "tokenizer.ggml.add_space_prefix", true);
    free(text);
}

void mk_vocab(struct gguf_out *out, int n)
{
    struct vocab v = {.max = n};

    v.text = calloc((size_t)n, sizeof(*v.text));
    v.score = calloc((size_t)n, sizeof(*v.score));
    v.type = calloc((size_t)n, sizeof(*v.type));
    if (!v.text || !v.score || !v.type)
        exit(1);
    push(&v, UNKNOWN, 0, "<unk>");
    push(&v, CONTROL, 0, "<s>");
    push(&v, CONTROL, 0, "</s>");
    push_bytes(&v);
    for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
        push(&v, CONTROL, 0, specials[i]);
    push_words(&v);
    push_tiles(&v);
    while (v.n < n) {
        snprintf(v.text[v.n], sizeof(v.text[0]), "<unused_%d>", v.n);
        v.type[v.n] = UNUSED;
        v.score[v.n++] = -10000;
    }
    write_keys(gguf_out_keys(out), &v);
    free(v.text);
    free(v.score);
    free(v.type);
}
