/* SPDX-License-Identifier: MIT */
#include "mmproj.h"

#include <ggml.h>
#include <gguf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gguf_check.h"
#include "../pipeline/encoder.h"

/* libmtmd reads these without looking at their type. */
static const struct {
    enum gguf_type type;
    const char *const *names;
} typed[] = {
    {GGUF_TYPE_UINT32, (const char *const[]){
        "clip.vision.image_size", "clip.vision.patch_size", "clip.vision.embedding_length",
        "clip.vision.feed_forward_length", "clip.vision.block_count", "clip.vision.projection_dim",
        "clip.vision.attention.head_count", "clip.vision.attention.head_count_kv",
        "clip.vision.attention.head_dim", "clip.vision.image_min_pixels",
        "clip.vision.image_max_pixels", "clip.vision.preproc_min_tiles",
        "clip.vision.preproc_max_tiles", "clip.vision.preproc_image_size",
        "clip.vision.projector.scale_factor", "clip.vision.projector.query_side",
        "clip.vision.projector.window_side", "clip.vision.spatial_merge_size",
        "clip.vision.n_wa_pattern", "clip.vision.window_size", "clip.vision.sam.head_count",
        "clip.vision.sam.block_count", "clip.vision.sam.embedding_length",
        "clip.vision.expert_used_count", "clip.minicpmv_query_num", NULL}},
    {GGUF_TYPE_INT32, (const char *const[]){"clip.minicpmv_version", NULL}},
    {GGUF_TYPE_FLOAT32, (const char *const[]){
        "clip.vision.attention.layer_norm_epsilon", "clip.vision.swiglu_clamp", NULL}},
    {GGUF_TYPE_BOOL, (const char *const[]){
        "clip.has_vision_encoder", "clip.has_audio_encoder", "clip.has_gen_audio_encoder",
        "clip.use_gelu", "clip.use_silu", NULL}},
    {GGUF_TYPE_STRING, (const char *const[]){
        "general.architecture", "general.name", "general.description", "clip.projector_type",
        "clip.vision.projector_type", "clip.audio.projector_type", "clip.gen.audio.projector_type",
        "clip.vision.mm_patch_merge_type", NULL}},
    {GGUF_TYPE_ARRAY, (const char *const[]){
        "clip.vision.image_mean", "clip.vision.image_std", "clip.vision.feature_layer",
        "clip.vision.image_grid_pinpoints", NULL}},
};

struct file {
    const char *path;
    struct gguf_context *gguf;
    struct wn_log *log;
};

static int bad(const struct file *f, const char *fmt, ...) WN_PRINTF(2, 3);

static int bad(const struct file *f, const char *fmt, ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return wn_fail(f->log, WN_ERR_MODEL, "%s: not a vision tower to work with: %s", f->path, what);
}

static int check_types(const struct file *f)
{
    for (int t = 0; t < WN_LEN(typed); t++)
        for (const char *const *name = typed[t].names; *name; name++) {
            int64_t key = gguf_find_key(f->gguf, *name);

            if (key >= 0 && gguf_get_kv_type(f->gguf, key) != typed[t].type)
                return bad(f, "key %s has type %s, not %s", *name,
                           gguf_type_name(gguf_get_kv_type(f->gguf, key)),
                           gguf_type_name(typed[t].type));
        }
    return WN_OK;
}

/* A required count; its type was checked. */
static int count(const struct file *f, int32_t *out, const char *name, uint32_t min, uint32_t max)
{
    int64_t key = gguf_find_key(f->gguf, name);

    if (key < 0)
        return bad(f, "key %s is missing", name);
    uint32_t v = gguf_get_val_u32(f->gguf, key);
    if (v < min || v > max)
        return bad(f, "key %s is %" PRIu32 ", not %" PRIu32 " to %" PRIu32, name, v, min, max);
    *out = (int32_t)v;
    return WN_OK;
}

static int optional(const struct file *f, int32_t *out, const char *name, uint32_t min,
                    uint32_t max)
{
    return gguf_find_key(f->gguf, name) < 0 ? WN_OK : count(f, out, name, min, max);
}

static int three_floats(const struct file *f, float out[3], const char *name)
{
    int64_t key = gguf_find_key(f->gguf, name);

    if (key < 0)
        return bad(f, "key %s is missing", name);
    if (gguf_get_arr_type(f->gguf, key) != GGUF_TYPE_FLOAT32 || gguf_get_arr_n(f->gguf, key) < 3)
        return bad(f, "key %s is not three floats", name);
    memcpy(out, gguf_get_arr_data(f->gguf, key), 3 * sizeof(*out));
    return WN_OK;
}

static const char *text(const struct file *f, const char *name)
{
    int64_t key = gguf_find_key(f->gguf, name);

    return key < 0 ? NULL : gguf_get_val_str(f->gguf, key);
}

static int read_kind(const struct file *f, struct wn_mmproj *out)
{
    const char *arch = text(f, "general.architecture"), *kind = text(f, "clip.projector_type");
    int64_t vision = gguf_find_key(f->gguf, "clip.has_vision_encoder");
    char shown[64];

    if (!arch || strcmp(arch, "clip"))
        return bad(f, "key general.architecture is %s, not clip; is it the language model?",
                   arch ? wn_printable(shown, sizeof(shown), arch) : "missing");
    if (vision < 0 || !gguf_get_val_bool(f->gguf, vision))
        return bad(f, "key clip.has_vision_encoder is %s", vision < 0 ? "missing" : "false");
    if (!kind || !*kind)
        kind = text(f, "clip.vision.projector_type");
    if (!kind)
        return bad(f, "key clip.projector_type is missing");
    wn_printable(out->arch, sizeof(out->arch), kind);
    return WN_OK;
}

static int read_numbers(const struct file *f, struct wn_mmproj *out)
{
    float mean[3], std[3];
    int32_t unused;
    int err;

    TRY(count(f, &out->n_layers, "clip.vision.block_count", 1, WN_MAX_LAYERS));
    TRY(count(f, &out->dim, "clip.vision.embedding_length", 1, 1 << 16));
    TRY(count(f, &out->n_heads, "clip.vision.attention.head_count", 1, 1 << 12));
    TRY(count(f, &unused, "clip.vision.feed_forward_length", 0, 1 << 20));
    TRY(count(f, &unused, "clip.vision.projection_dim", 0, 1 << 20));
    TRY(count(f, &out->image_size, "clip.vision.image_size", 0, 8192));
    TRY(count(f, &out->patch_size, "clip.vision.patch_size", 1, 1024));
    if (gguf_find_key(f->gguf, "clip.vision.attention.layer_norm_epsilon") < 0)
        return bad(f, "key clip.vision.attention.layer_norm_epsilon is missing");
    TRY(three_floats(f, mean, "clip.vision.image_mean"));
    TRY(three_floats(f, std, "clip.vision.image_std"));
    for (int i = 0; i < 3; i++)
        if (!(std[i] > 0 && std[i] < 1e6f && mean[i] > -1e6f && mean[i] < 1e6f))
            return bad(f, "keys clip.vision.image_mean and image_std have the values %g and %g",
                       (double)mean[i], (double)std[i]);
    out->merge = 1;
    TRY(optional(f, &out->merge, "clip.vision.spatial_merge_size", 1, 64));
    TRY(optional(f, &out->merge, "clip.vision.projector.scale_factor", 1, 64));
    TRY(optional(f, &unused, "clip.vision.preproc_image_size", 1, 1 << 16));
    TRY(optional(f, &unused, "clip.vision.preproc_max_tiles", 1, 1 << 10));
    if (gguf_find_key(f->gguf, "clip.vision.attention.head_dim") < 0 && out->dim % out->n_heads)
        return bad(f, "key clip.vision.embedding_length is %d, not a multiple of "
                   "clip.vision.attention.head_count (%d)", out->dim, out->n_heads);
    if (out->image_size && out->image_size < out->patch_size)
        return bad(f, "key clip.vision.image_size is %d, less than clip.vision.patch_size (%d)",
                   out->image_size, out->patch_size);
fail:
    return err;
}

static const int64_t *shape(const struct file *f, const char *name)
{
    int64_t t = gguf_find_tensor(f->gguf, name);

    return t < 0 ? NULL : gguf_get_tensor_ne(f->gguf, t);
}

static int want(const struct file *f, const char *name, int dim, int64_t n, const char *what)
{
    const int64_t *ne = shape(f, name);

    if (ne && ne[dim] != n)
        return bad(f, "tensor %s has %" PRId64 " where %s wants %" PRId64, name, ne[dim], what, n);
    return WN_OK;
}

/* Every bias is as long as its weight's output. */
static int check_biases(const struct file *f)
{
    char weight[GGML_MAX_NAME + 8];
    int err = WN_OK;

    for (int64_t i = 0; i < gguf_get_n_tensors(f->gguf); i++) {
        const char *name = gguf_get_tensor_name(f->gguf, i);
        size_t n = strlen(name);

        if (n < 6 || strcmp(name + n - 5, ".bias") || !strncmp(name, "a.", 2))
            continue;
        snprintf(weight, sizeof(weight), "%.*s.weight", (int)(n - 5), name);
        const int64_t *ne = shape(f, weight);
        if (ne && ne[2] == 1 && ne[3] == 1)
            TRY(want(f, name, 0, ne[1] > 1 ? ne[1] : ne[0], weight));
    }
fail:
    return err;
}

static int check_layer(const struct file *f, const struct wn_mmproj *m, int layer)
{
    static const char *const reads_rows[] = {"attn_q", "attn_k", "attn_v", "attn_qkv", "ffn_gate",
                                             "ln1", "ln2"};
    char name[GGML_MAX_NAME], other[GGML_MAX_NAME];
    int err = WN_OK;

    for (int i = 0; i < WN_LEN(reads_rows); i++) {
        snprintf(name, sizeof(name), "v.blk.%d.%s.weight", layer, reads_rows[i]);
        TRY(want(f, name, 0, m->dim, "clip.vision.embedding_length"));
    }
    snprintf(name, sizeof(name), "v.blk.%d.attn_out.weight", layer);
    TRY(want(f, name, 1, m->dim, "clip.vision.embedding_length"));
    snprintf(name, sizeof(name), "v.blk.%d.ffn_up.weight", layer);
    snprintf(other, sizeof(other), "v.blk.%d.ffn_down.weight", layer);
    const int64_t *up = shape(f, name), *down = shape(f, other);
    if (up && down && (up[0] != down[1] || up[1] != down[0] || (up[0] != m->dim && up[1] != m->dim)))
        return bad(f, "tensors %s and %s do not fit each other", name, other);
    if (gguf_find_key(f->gguf, "clip.vision.attention.head_dim") >= 0 ||
        gguf_find_key(f->gguf, "clip.vision.attention.head_count_kv") >= 0)
        return WN_OK;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "v.blk.%d.%s.weight", layer, reads_rows[i]);
        TRY(want(f, name, 1, m->dim, "clip.vision.embedding_length"));
    }
fail:
    return err;
}

/* Towers that take one square picture have one position a patch, and one for CLS. */
static int check_positions(const struct file *f, const struct wn_mmproj *m)
{
    static const char *const square[] = {"mlp", "mlp_norm", "ldp", "ldpv2", "gemma3", "idefics3",
                                         "internvl", "janus_pro"};
    const int64_t *ne = shape(f, "v.position_embd.weight");
    const int64_t side = m->image_size / m->patch_size;
    bool known = false;

    for (int i = 0; i < WN_LEN(square); i++)
        known |= !strcmp(m->arch, square[i]);
    if (!known)
        return WN_OK;
    if (!m->image_size)
        return bad(f, "key clip.vision.image_size is 0");
    if (!ne)
        return bad(f, "tensor v.position_embd.weight is missing");
    if (!shape(f, "v.patch_embd.weight"))
        return bad(f, "tensor v.patch_embd.weight is missing");
    const int64_t n = side * side + (shape(f, "v.class_embd") ? 1 : 0);
    if (ne[1] != n)
        return bad(f, "tensor v.position_embd.weight has %" PRId64 " rows, not %" PRId64, ne[1], n);
    if (side % m->merge && strcmp(m->arch, "idefics3"))
        return bad(f, "%" PRId64 " patches a side are no multiple of the merge size %d", side,
                   m->merge);
    return WN_OK;
}

static int check_tensors(const struct file *f, const struct wn_mmproj *m)
{
    static const char *const rows[] = {"v.class_embd", "v.position_embd.weight", "v.pre_ln.weight",
                                       "v.post_ln.weight", "v.patch_embd.bias"};
    const int64_t *patch = shape(f, "v.patch_embd.weight");
    int64_t cls = gguf_find_tensor(f->gguf, "v.class_embd");
    int err;

    for (int i = 0; i < m->n_layers; i++)
        TRY(check_layer(f, m, i));
    TRY(check_biases(f));
    TRY(check_positions(f, m));
    for (int i = 0; i < WN_LEN(rows); i++)
        if (!strcmp(m->arch, "mlp") || !strcmp(m->arch, "gemma3") || !strcmp(m->arch, "idefics3") ||
            !strcmp(m->arch, "internvl"))
            TRY(want(f, rows[i], 0, m->dim, "clip.vision.embedding_length"));
    if (patch && patch[3] > 1 && (patch[0] != patch[1] || patch[0] != m->patch_size || patch[2] != 3))
        return bad(f, "tensor v.patch_embd.weight is %" PRId64 " x %" PRId64 " x %" PRId64
                   ", not %d x %d x 3", patch[0], patch[1], patch[2], m->patch_size, m->patch_size);
    if (cls >= 0 && gguf_get_tensor_type(f->gguf, cls) != GGML_TYPE_F32)
        return bad(f, "tensor v.class_embd has type %s, not f32",
                   ggml_type_name(gguf_get_tensor_type(f->gguf, cls)));
fail:
    return err;
}

/* How libmtmd 0.5.0 makes a picture square for the towers that take one size. */
static void read_resize(const struct file *f, struct wn_mmproj *m)
{
    static const uint8_t llava[3] = {122, 116, 104};
    const bool pinpoints = gguf_find_key(f->gguf, "clip.vision.image_grid_pinpoints") >= 0;

    m->tiles = pinpoints || !strcmp(m->arch, "idefics3") || !strcmp(m->arch, "internvl") ||
               !strcmp(m->arch, "resampler") || !strcmp(m->arch, "llama4");
    m->pad = !pinpoints && m->image_size && (!strcmp(m->arch, "mlp") || !strcmp(m->arch, "gemma3"));
    if (!strcmp(m->arch, "mlp"))
        memcpy(m->pad_color, llava, sizeof(llava));
}

int wn_mmproj_read(struct wn_mmproj *out, const char *path, struct wn_log *log)
{
    struct wn_mmproj m = {.merge = 1};
    struct file f = {.path = path, .log = log};
    struct gguf_init_params params = {.no_alloc = true};
    int err = wn_gguf_check(path, log);

    if (err < 0)
        return err;
    f.gguf = gguf_init_from_file(path, params);
    if (!f.gguf)
        return bad(&f, "libggml refuses its header");
    TRY(check_types(&f));
    TRY(read_kind(&f, &m));
    TRY(read_numbers(&f, &m));
    TRY(check_tensors(&f, &m));
    read_resize(&f, &m);
    *out = m;
fail:
    gguf_free(f.gguf);
    return err;
}
