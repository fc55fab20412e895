/* SPDX-License-Identifier: MIT */
/* mkmodel KIND [--shape tiny|real] [--seed N] [--type f32|f16|q8_0] [--set NAME=N]... --out PREFIX
 * writes PREFIX.gguf and PREFIX-mmproj.gguf. */
#include "mkmodel.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct args {
    const struct kind *kind;
    struct shape shape;
    enum ggml_type type;
    uint64_t seed;
    const char *out, *cls_layout;
};

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
#define F(name) {#name, offsetof(struct shape, name)}
    F(image), F(patch), F(v_layers), F(v_dim), F(v_heads), F(v_ff), F(merge), F(feature),
    F(pattern), F(layers), F(dim), F(heads), F(kv), F(ff), F(vocab), F(ctx),
#undef F
};

static void usage(void)
{
    fputs("usage: mkmodel KIND [--shape tiny|real] [--seed N] [--type f32|f16|q8_0]\n"
          "               [--set NAME=N]... [--cls-layout last|first] --out PREFIX\nkinds:\n",
          stderr);
    for (const struct kind *k = mk_kinds; k->name; k++)
        fprintf(stderr, "  %-9s %s\n", k->name, k->help);
    fputs("names:", stderr);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        fprintf(stderr, " %s", fields[i].name);
    fputs("\n", stderr);
    exit(2);
}

static bool set_field(struct shape *s, const char *text)
{
    const char *eq = strchr(text, '=');

    for (size_t i = 0; eq && i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strlen(fields[i].name) == (size_t)(eq - text) &&
            !strncmp(fields[i].name, text, (size_t)(eq - text))) {
            int v = (int)strtol(eq + 1, NULL, 10);

            memcpy((char *)s + fields[i].offset, &v, sizeof(v));
            return true;
        }
    return false;
}

static bool set_type(struct args *a, const char *text)
{
    static const enum ggml_type types[] = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (!strcmp(text, ggml_type_name(types[i]))) {
            a->type = types[i];
            return true;
        }
    return false;
}

static bool option(struct args *a, const char *name, const char *value)
{
    if (!strcmp(name, "--shape")) {
        a->shape = !strcmp(value, "real") ? a->kind->real : a->kind->tiny;
        return !strcmp(value, "real") || !strcmp(value, "tiny");
    }
    if (!strcmp(name, "--seed"))
        a->seed = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--out"))
        a->out = value;
    else if (!strcmp(name, "--cls-layout"))
        a->cls_layout = value;
    else if (!strcmp(name, "--type"))
        return set_type(a, value);
    else
        return !strcmp(name, "--set") && set_field(&a->shape, value);
    return true;
}

static struct args parse(int argc, char **argv)
{
    struct args a = {.seed = 1, .type = GGML_TYPE_F16};

    for (const struct kind *k = mk_kinds; argc > 1 && k->name; k++)
        if (!strcmp(k->name, argv[1]))
            a.kind = k;
    if (!a.kind || argc % 2)
        usage();
    a.shape = a.kind->tiny;
    for (int i = 2; i + 1 < argc; i += 2)
        if (!option(&a, argv[i], argv[i + 1]))
            usage();
    if (!a.out)
        usage();
    return a;
}

static void llm_keys(struct gguf_out *out, const struct args *a)
{
    const struct shape *s = &a->shape;
    const char *arch = a->kind->arch;
    struct gguf_context *keys = gguf_out_keys(out);
    char name[64];

    gguf_set_val_str(keys, "general.architecture", arch);
    snprintf(name, sizeof(name), "winnow random %s", a->kind->name);
    gguf_set_val_str(keys, "general.name", name);
    gguf_out_u32(out, arch, "context_length", (uint32_t)s->ctx);
    gguf_out_u32(out, arch, "embedding_length", (uint32_t)s->dim);
    gguf_out_u32(out, arch, "block_count", (uint32_t)s->layers);
    gguf_out_u32(out, arch, "feed_forward_length", (uint32_t)s->ff);
    gguf_out_u32(out, arch, "attention.head_count", (uint32_t)s->heads);
    gguf_out_u32(out, arch, "attention.head_count_kv", (uint32_t)s->kv);
    gguf_out_f32(out, arch, "attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_out_u32(out, arch, "rope.dimension_count", (uint32_t)(s->dim / s->heads));
    gguf_out_f32(out, arch, "rope.freq_base", 10000);
    gguf_out_u32(out, arch, "vocab_size", (uint32_t)s->vocab);
    gguf_set_val_str(keys, "tokenizer.chat_template", a->kind->chat_template);
    if (a->cls_layout)
        gguf_set_val_str(keys, "winnow.cls_layout", a->cls_layout);
    if (!strcmp(arch, "qwen2vl")) {
        /* Shares of half a head for time, row and column, like 16, 24, 24 of 64. */
        int32_t half = s->dim / s->heads / 2, t = half / 4, w = (half - t) / 2;
        int32_t sections[4] = {half - 2 * w, w, w, 0};

        gguf_set_arr_data(keys, "qwen2vl.rope.dimension_sections", GGUF_TYPE_INT32, sections, 4);
    }
}

static void llm_layer(struct gguf_out *out, const struct args *a, int i)
{
    const struct shape *s = &a->shape;
    int kv = s->dim / s->heads * s->kv;
    const struct {
        const char *name;
        int n_in, n_out;
        double gain;
        bool bias;
    } mats[] = {
        {"attn_q", s->dim, s->dim, 1.4, true},    {"attn_k", s->dim, kv, 1.4, true},
        {"attn_v", s->dim, kv, 1, true},          {"attn_output", s->dim, s->dim, 0.7, false},
        {"ffn_gate", s->dim, s->ff, 1, false},    {"ffn_up", s->dim, s->ff, 1, false},
        {"ffn_down", s->ff, s->dim, 0.7, false},
    };
    char name[64];

    for (size_t m = 0; m < sizeof(mats) / sizeof(mats[0]); m++) {
        snprintf(name, sizeof(name), "blk.%d.%s.weight", i, mats[m].name);
        gguf_out_matrix(out, name, mats[m].n_in, mats[m].n_out,
                        mats[m].gain / sqrt(mats[m].n_in));
        snprintf(name, sizeof(name), "blk.%d.%s.bias", i, mats[m].name);
        if (mats[m].bias && !strcmp(a->kind->arch, "qwen2vl"))
            gguf_out_f32s(out, name, mats[m].n_out, 0, 0, 0.05);
    }
    snprintf(name, sizeof(name), "blk.%d.attn_norm.weight", i);
    gguf_out_f32s(out, name, s->dim, 0, 1, 0.1);
    snprintf(name, sizeof(name), "blk.%d.ffn_norm.weight", i);
    gguf_out_f32s(out, name, s->dim, 0, 1, 0.1);
}

static bool write_llm(const struct args *a)
{
    struct gguf_out *out = gguf_out_create(a->seed, a->type);
    char path[4096];
    bool ok;

    if (!out)
        return false;
    llm_keys(out, a);
    mk_vocab(out, a->shape.vocab);
    gguf_out_matrix(out, "token_embd.weight", a->shape.dim, a->shape.vocab, 0.7);
    for (int i = 0; i < a->shape.layers; i++)
        llm_layer(out, a, i);
    gguf_out_f32s(out, "output_norm.weight", a->shape.dim, 0, 1, 0.1);
    gguf_out_matrix(out, "output.weight", a->shape.dim, a->shape.vocab, 2 / sqrt(a->shape.dim));
    snprintf(path, sizeof(path), "%s.gguf", a->out);
    ok = gguf_out_write(out, path);
    gguf_out_destroy(&out);
    return ok;
}

static bool write_tower(const struct args *a)
{
    struct gguf_out *out = gguf_out_create(a->seed, a->type);
    char path[4096];
    bool ok;

    if (!out)
        return false;
    a->kind->tower(out, &a->shape);
    snprintf(path, sizeof(path), "%s-mmproj.gguf", a->out);
    ok = gguf_out_write(out, path);
    gguf_out_destroy(&out);
    return ok;
}

int main(int argc, char **argv)
{
    struct args a = parse(argc, argv);

    return write_llm(&a) && write_tower(&a) ? 0 : 1;
}
