/* SPDX-License-Identifier: MIT */
#include "mkmodel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *fmt(char buf[64], const char *f, ...)
{
    va_list ap;

    va_start(ap, f);
    vsnprintf(buf, 64, f, ap);
    va_end(ap);
    return buf;
}

/* A linear layer with gain: outputs have about gain times the spread of its inputs. */
static void linear(struct gguf_out *out, const char *name, int n_in, int n_out, double gain,
                   bool bias)
{
    char buf[64];

    gguf_out_matrix(out, fmt(buf, "%s.weight", name), n_in, n_out, gain / sqrt(n_in));
    if (bias)
        gguf_out_f32s(out, fmt(buf, "%s.bias", name), n_out, 0, 0, 0.05);
}

static void norm(struct gguf_out *out, const char *name, int n, bool bias)
{
    char buf[64];

    gguf_out_f32s(out, fmt(buf, "%s.weight", name), n, 0, 1, 0.1);
    if (bias)
        gguf_out_f32s(out, fmt(buf, "%s.bias", name), n, 0, 0, 0.05);
}

static void clip_keys(struct gguf_out *out, const struct shape *s, const char *projector)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    struct gguf_context *keys = gguf_out_keys(out);
    const char *v = "clip.vision";

    gguf_set_val_str(keys, "general.architecture", "clip");
    gguf_set_val_str(keys, "clip.projector_type", projector);
    gguf_set_val_bool(keys, "clip.has_vision_encoder", true);
    gguf_out_u32(out, v, "image_size", (uint32_t)s->image);
    gguf_out_u32(out, v, "patch_size", (uint32_t)s->patch);
    gguf_out_u32(out, v, "embedding_length", (uint32_t)s->v_dim);
    gguf_out_u32(out, v, "feed_forward_length", (uint32_t)s->v_ff);
    gguf_out_u32(out, v, "block_count", (uint32_t)s->v_layers);
    gguf_out_u32(out, v, "projection_dim", (uint32_t)s->dim);
    gguf_out_u32(out, v, "attention.head_count", (uint32_t)s->v_heads);
    gguf_out_f32(out, v, "attention.layer_norm_epsilon", 1e-5f);
    gguf_set_arr_data(keys, "clip.vision.image_mean", GGUF_TYPE_FLOAT32, mean, 3);
    gguf_set_arr_data(keys, "clip.vision.image_std", GGUF_TYPE_FLOAT32, std, 3);
}

/* Layers of a plain ViT; Q and K have more gain so that attention is not flat. */
static void blocks(struct gguf_out *out, const struct shape *s, bool norm_bias, bool gate)
{
    char name[64];

    for (int i = 0; i < s->v_layers; i++) {
        linear(out, fmt(name, "v.blk.%d.attn_q", i), s->v_dim, s->v_dim, 1.4, true);
        linear(out, fmt(name, "v.blk.%d.attn_k", i), s->v_dim, s->v_dim, 1.4, true);
        linear(out, fmt(name, "v.blk.%d.attn_v", i), s->v_dim, s->v_dim, 1, true);
        linear(out, fmt(name, "v.blk.%d.attn_out", i), s->v_dim, s->v_dim, 0.7, true);
        norm(out, fmt(name, "v.blk.%d.ln1", i), s->v_dim, norm_bias);
        norm(out, fmt(name, "v.blk.%d.ln2", i), s->v_dim, norm_bias);
        linear(out, fmt(name, "v.blk.%d.ffn_up", i), s->v_dim, s->v_ff, 1, true);
        if (gate)
            linear(out, fmt(name, "v.blk.%d.ffn_gate", i), s->v_dim, s->v_ff, 1, true);
        linear(out, fmt(name, "v.blk.%d.ffn_down", i), s->v_ff, s->v_dim, 0.7, true);
    }
}

static void patches(struct gguf_out *out, const struct shape *s, bool bias)
{
    double std = 1 / sqrt(3.0 * s->patch * s->patch);

    gguf_out_conv(out, "v.patch_embd.weight", s->patch, s->v_dim, std);
    if (bias)
        gguf_out_f32s(out, "v.patch_embd.bias", s->v_dim, 0, 0, 0.05);
}

static int side(const struct shape *s)
{
    return s->image / s->patch;
}

/* CLIP with a CLS token and the two-layer projector of LLaVA. */
static void llava_tower(struct gguf_out *out, const struct shape *s)
{
    struct gguf_context *keys = gguf_out_keys(out);

    clip_keys(out, s, "mlp");
    if (s->feature >= 0) {
        int32_t feature = s->feature;

        gguf_set_arr_data(keys, "clip.vision.feature_layer", GGUF_TYPE_INT32, &feature, 1);
    }
    patches(out, s, false);
    gguf_out_f32s(out, "v.class_embd", s->v_dim, 0, 0, 0.5);
    gguf_out_f32s(out, "v.position_embd.weight", s->v_dim, side(s) * side(s) + 1, 0, 0.3);
    norm(out, "v.pre_ln", s->v_dim, true);
    blocks(out, s, true, false);
    linear(out, "mm.0", s->v_dim, s->dim, 1, true);
    linear(out, "mm.2", s->dim, s->dim, 1, true);
}

/* LLaVA 1.6: the same tower, pictures cut in tiles. */
static void llava16_tower(struct gguf_out *out, const struct shape *s)
{
    const int32_t n = s->image;
    const int32_t pinpoints[] = {n, 2 * n, 2 * n, n, 2 * n, 2 * n, 3 * n, n, n, 3 * n};

    llava_tower(out, s);
    gguf_set_arr_data(gguf_out_keys(out), "clip.vision.image_grid_pinpoints", GGUF_TYPE_INT32,
                      pinpoints, sizeof(pinpoints) / sizeof(pinpoints[0]));
}

/* LLaVA-NeXT: without padding, with a row that ends a line of tiles. */
static void llava_next_tower(struct gguf_out *out, const struct shape *s)
{
    llava16_tower(out, s);
    gguf_set_val_str(gguf_out_keys(out), "clip.vision.mm_patch_merge_type", "spatial_unpad");
    gguf_out_f32s(out, "v.image_newline", s->dim, 0, 0, 0.5);
}

/* SigLIP with LLaVA's projector, all layers. */
static void siglip_mlp_tower(struct gguf_out *out, const struct shape *s)
{
    const int32_t feature = s->v_layers;

    clip_keys(out, s, "mlp");
    gguf_set_val_bool(gguf_out_keys(out), "clip.use_gelu", true);
    gguf_set_arr_data(gguf_out_keys(out), "clip.vision.feature_layer", GGUF_TYPE_INT32, &feature,
                      1);
    patches(out, s, true);
    gguf_out_f32s(out, "v.position_embd.weight", s->v_dim, side(s) * side(s), 0, 0.3);
    blocks(out, s, true, false);
    linear(out, "mm.0", s->v_dim, s->dim, 1, true);
    linear(out, "mm.2", s->dim, s->dim, 1, true);
}

/* OneVision: the same, frames of a video pooled; a row that ends lines; SigLIP's pooling head. */
static void onevision_tower(struct gguf_out *out, const struct shape *s)
{
    siglip_mlp_tower(out, s);
    gguf_out_f32s(out, "model.image_newline", s->dim, 0, 0, 0.5);
    norm(out, "v.post_ln", s->v_dim, true);
    gguf_out_f32s(out, "v.head.probe", s->v_dim, 0, 0, 0.5);
    linear(out, "v.head.attn_qkv", s->v_dim, 3 * s->v_dim, 1, true);
    linear(out, "v.head.attn_out", s->v_dim, s->v_dim, 1, true);
    norm(out, "v.head.ln", s->v_dim, true);
    linear(out, "v.head.ffn_up", s->v_dim, s->v_ff, 1, true);
    linear(out, "v.head.ffn_down", s->v_ff, s->v_dim, 1, true);
}

/* SigLIP as Gemma 3 has it: no CLS token, patches averaged in merge x merge blocks. */
static void gemma_tower(struct gguf_out *out, const struct shape *s)
{
    clip_keys(out, s, "gemma3");
    gguf_set_val_bool(gguf_out_keys(out), "clip.use_gelu", true);
    gguf_out_u32(out, "clip.vision", "projector.scale_factor", (uint32_t)s->merge);
    patches(out, s, true);
    gguf_out_f32s(out, "v.position_embd.weight", s->v_dim, side(s) * side(s), 0, 0.3);
    blocks(out, s, true, false);
    norm(out, "v.post_ln", s->v_dim, true);
    norm(out, "mm.soft_emb_norm", s->v_dim, false);
    gguf_out_f32s(out, "mm.input_projection.weight", s->dim, s->v_dim, 0, 1 / sqrt(s->v_dim));
}

/* SigLIP as SmolVLM has it: blocks of patches side by side in one row, tiles of large pictures. */
static void idefics_tower(struct gguf_out *out, const struct shape *s)
{
    clip_keys(out, s, "idefics3");
    gguf_set_val_bool(gguf_out_keys(out), "clip.use_gelu", true);
    gguf_out_u32(out, "clip.vision", "projector.scale_factor", (uint32_t)s->merge);
    gguf_out_u32(out, "clip.vision", "preproc_image_size", (uint32_t)s->image * 4);
    patches(out, s, true);
    gguf_out_f32s(out, "v.position_embd.weight", s->v_dim, side(s) * side(s), 0, 0.3);
    blocks(out, s, true, false);
    norm(out, "v.post_ln", s->v_dim, true);
    linear(out, "mm.model.fc", s->v_dim * s->merge * s->merge, s->dim, 1, false);
}

/* A tower with a CLS token that no output row stands for; libmtmd encodes it in batches. */
static void internvl_tower(struct gguf_out *out, const struct shape *s)
{
    int wide = s->v_dim * s->merge * s->merge;

    clip_keys(out, s, "internvl");
    gguf_set_val_bool(gguf_out_keys(out), "clip.use_gelu", true);
    gguf_out_u32(out, "clip.vision", "projector.scale_factor", (uint32_t)s->merge);
    gguf_out_u32(out, "clip.vision", "preproc_min_tiles", 1);
    gguf_out_u32(out, "clip.vision", "preproc_max_tiles", 4);
    patches(out, s, true);
    gguf_out_f32s(out, "v.class_embd", s->v_dim, 0, 0, 0.5);
    gguf_out_f32s(out, "v.position_embd.weight", s->v_dim, side(s) * side(s) + 1, 0, 0.3);
    blocks(out, s, true, false);
    norm(out, "mm.model.mlp.0", wide, true);
    linear(out, "mm.model.mlp.1", wide, s->dim, 1, true);
    linear(out, "mm.model.mlp.3", s->dim, s->dim, 1, true);
}

static void qwen_projector(struct gguf_out *out, const struct shape *s)
{
    linear(out, "mm.0", s->v_dim * 4, s->v_dim * 4, 1, true);
    linear(out, "mm.2", s->v_dim * 4, s->dim, 1, true);
}

static void qwen_patches(struct gguf_out *out, const struct shape *s)
{
    patches(out, s, false);
    gguf_out_conv(out, "v.patch_embd.weight.1", s->patch, s->v_dim,
                  1 / sqrt(3.0 * s->patch * s->patch));
}

static void qwen2_tower(struct gguf_out *out, const struct shape *s)
{
    clip_keys(out, s, "qwen2vl_merger");
    qwen_patches(out, s);
    blocks(out, s, true, false);
    norm(out, "v.post_ln", s->v_dim, true);
    qwen_projector(out, s);
}

/* Attention in windows but for every `pattern`th layer: rows are reordered inside the tower. */
static void qwen25_tower(struct gguf_out *out, const struct shape *s)
{
    clip_keys(out, s, "qwen2.5vl_merger");
    gguf_set_val_bool(gguf_out_keys(out), "clip.use_silu", true);
    gguf_out_u32(out, "clip.vision", "n_wa_pattern", (uint32_t)s->pattern);
    qwen_patches(out, s);
    blocks(out, s, false, true);
    norm(out, "v.post_ln", s->v_dim, false);
    qwen_projector(out, s);
}

#define VICUNA \
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ 'USER: ' + m['content'] + " \
    "' ASSISTANT:' }}{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
#define CHATML \
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' " \
    "+ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}" \
    "{% endif %}"

#define TINY_LLM .layers = 3, .dim = 96, .heads = 6, .kv = 3, .ff = 160, .vocab = 1024, .ctx = 4096
#define LLAMA_1B .layers = 16, .dim = 2048, .heads = 32, .kv = 8, .ff = 5632, .vocab = 32000, \
    .ctx = 4096
#define SIGLIP_REAL .image = 448, .patch = 14, .v_layers = 27, .v_dim = 1152, .v_heads = 16, \
    .v_ff = 4304, .merge = 2, .feature = -1
#define SO400M .image = 384, .patch = 14, .v_layers = 26, .v_dim = 1152, .v_heads = 16, \
    .v_ff = 4304, .feature = -1
#define QWEN_REAL .image = 560, .patch = 14, .v_layers = 32, .v_dim = 1280, .v_heads = 16, \
    .merge = 2, .feature = -1, .layers = 28, .dim = 1536, .heads = 12, .kv = 2, .ff = 8960, \
    .vocab = 32000, .ctx = 8192

const struct kind mk_kinds[] = {
    {"llava", "CLIP with a CLS token, two-layer projector, arch llama", "llama", "mlp", VICUNA,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128,
      .feature = -1, TINY_LLM},
     {.image = 336, .patch = 14, .v_layers = 24, .v_dim = 1024, .v_heads = 16, .v_ff = 4096,
      .feature = -1, LLAMA_1B},
     llava_tower},
    {"llava16", "the same with tiles as in LLaVA 1.6", "llama", "mlp", VICUNA,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128,
      .feature = -1, TINY_LLM},
     {.image = 336, .patch = 14, .v_layers = 24, .v_dim = 1024, .v_heads = 16, .v_ff = 4096,
      .feature = -1, LLAMA_1B},
     llava16_tower},
    {"llava_next", "the same without padding, and lines of tiles that end", "llama", "mlp", VICUNA,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128,
      .feature = 3, TINY_LLM},
     {.image = 336, .patch = 14, .v_layers = 24, .v_dim = 1024, .v_heads = 16, .v_ff = 4096,
      .feature = 23, LLAMA_1B},
     llava_next_tower},
    {"siglip_mlp", "SigLIP with LLaVA's projector, arch llama", "llama", "mlp", VICUNA,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128,
      .feature = -1, TINY_LLM},
     {SO400M, LLAMA_1B},
     siglip_mlp_tower},
    {"onevision", "the same with a newline row as in OneVision", "llama", "mlp", VICUNA,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128,
      .feature = -1, TINY_LLM},
     {SO400M, LLAMA_1B},
     onevision_tower},
    {"siglip", "SigLIP without CLS as in Gemma 3, arch llama", "llama", "gemma3", VICUNA,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128, .merge = 2,
      .feature = -1, TINY_LLM},
     {SIGLIP_REAL, LLAMA_1B},
     gemma_tower},
    {"idefics3", "SigLIP without CLS and with tiles as in SmolVLM, arch llama", "llama",
     "idefics3", CHATML,
     {.image = 64, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128, .merge = 2,
      .feature = -1, TINY_LLM},
     {SIGLIP_REAL, LLAMA_1B},
     idefics_tower},
    {"internvl", "InternViT: CLS inside only, pixel shuffle, batches, arch llama", "llama",
     "internvl", CHATML,
     {.image = 48, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128, .merge = 2,
      .feature = -1, TINY_LLM},
     {.image = 448, .patch = 14, .v_layers = 24, .v_dim = 1024, .v_heads = 16, .v_ff = 4096,
      .merge = 2, .feature = -1, LLAMA_1B},
     internvl_tower},
    {"qwen2vl", "dynamic sizes, pairs of frames, M-RoPE, arch qwen2vl", "qwen2vl",
     "qwen2vl_merger", CHATML,
     {.image = 56, .patch = 8, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128, .merge = 2,
      .feature = -1, TINY_LLM},
     {QWEN_REAL, .v_ff = 5120},
     qwen2_tower},
    {"qwen25vl", "like qwen2vl with attention in windows", "qwen2vl", "qwen2.5vl_merger", CHATML,
     {.image = 56, .patch = 14, .v_layers = 4, .v_dim = 64, .v_heads = 4, .v_ff = 128, .merge = 2,
      .feature = -1, .pattern = 2, TINY_LLM},
     {QWEN_REAL, .v_ff = 3456, .pattern = 8},
     qwen25_tower},
    {NULL},
};
