/* SPDX-License-Identifier: MIT */
#include "mmproj.h"

#include <ggml.h>
#include <gguf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../pipeline/encoder.h"
#include "gguf_check.h"
#include "mmproj_tensors.h"

enum { MAX_SIDE = 4096 }; /* of a picture as the tower sees it: bounds what libmtmd allocates */

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

int wn_mmproj_bad(const struct wn_mmproj_file *f, const char *fmt, ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return wn_fail(f->log, WN_ERR_MODEL, "%s: not a vision tower to work with: %s", f->path, what);
}

static int check_types(const struct wn_mmproj_file *f)
{
    for (int t = 0; t < WN_LEN(typed); t++)
        for (const char *const *name = typed[t].names; *name; name++) {
            int64_t key = gguf_find_key(f->gguf, *name);

            if (key >= 0 && gguf_get_kv_type(f->gguf, key) != typed[t].type)
                return wn_mmproj_bad(f, "key %s has type %s, not %s", *name,
                           gguf_type_name(gguf_get_kv_type(f->gguf, key)),
                           gguf_type_name(typed[t].type));
        }
    return WN_OK;
}

/* A required count; its type was checked. */
static int count(const struct wn_mmproj_file *f, int32_t *out, const char *name, uint32_t min,
                 uint32_t max)
{
    int64_t key = gguf_find_key(f->gguf, name);

    if (key < 0)
        return wn_mmproj_bad(f, "key %s is missing", name);
    uint32_t v = gguf_get_val_u32(f->gguf, key);
    if (v < min || v > max)
        return wn_mmproj_bad(f, "key %s is %" PRIu32 ", not %" PRIu32 " to %" PRIu32, name, v, min,
                             max);
    *out = (int32_t)v;
    return WN_OK;
}

static int optional(const struct wn_mmproj_file *f, int32_t *out, const char *name, uint32_t min,
                    uint32_t max)
{
    return gguf_find_key(f->gguf, name) < 0 ? WN_OK : count(f, out, name, min, max);
}

static int three_floats(const struct wn_mmproj_file *f, float out[3], const char *name)
{
    int64_t key = gguf_find_key(f->gguf, name);

    if (key < 0)
        return wn_mmproj_bad(f, "key %s is missing", name);
    if (gguf_get_arr_type(f->gguf, key) != GGUF_TYPE_FLOAT32 || gguf_get_arr_n(f->gguf, key) < 3)
        return wn_mmproj_bad(f, "key %s is not three floats", name);
    memcpy(out, gguf_get_arr_data(f->gguf, key), 3 * sizeof(*out));
    return WN_OK;
}

/* Sizes that a picture may be cut in tiles at: pairs of width and height. */
static int check_pinpoints(const struct wn_mmproj_file *f, const struct wn_mmproj *m)
{
    const int64_t key = gguf_find_key(f->gguf, "clip.vision.image_grid_pinpoints");

    if (key < 0)
        return WN_OK;
    const size_t n = gguf_get_arr_n(f->gguf, key);
    if (gguf_get_arr_type(f->gguf, key) != GGUF_TYPE_INT32 || n % 2 || n > 512)
        return wn_mmproj_bad(
            f, "key clip.vision.image_grid_pinpoints is not a list of pairs of int32");
    const int32_t *v = gguf_get_arr_data(f->gguf, key);
    for (size_t i = 0; i < n; i++)
        if (v[i] < 1 || v[i] > MAX_SIDE || (m->image_size && v[i] % m->image_size))
            return wn_mmproj_bad(
                f,
                "key clip.vision.image_grid_pinpoints has the value %d, no multiple "
                "of clip.vision.image_size",
                v[i]);
    return WN_OK;
}

static const char *text(const struct wn_mmproj_file *f, const char *name)
{
    int64_t key = gguf_find_key(f->gguf, name);

    return key < 0 ? NULL : gguf_get_val_str(f->gguf, key);
}

static int read_kind(const struct wn_mmproj_file *f, struct wn_mmproj *out)
{
    const char *arch = text(f, "general.architecture"), *kind = text(f, "clip.projector_type");
    int64_t vision = gguf_find_key(f->gguf, "clip.has_vision_encoder");
    char shown[64];

    if (!arch || strcmp(arch, "clip"))
        return wn_mmproj_bad(f,
                             "key general.architecture is %s, not clip; is it the language model?",
                             arch ? wn_printable(shown, sizeof(shown), arch) : "missing");
    if (vision < 0 || !gguf_get_val_bool(f->gguf, vision))
        return wn_mmproj_bad(f, "key clip.has_vision_encoder is %s",
                             vision < 0 ? "missing" : "false");
    if (!kind || !*kind)
        kind = text(f, "clip.vision.projector_type");
    if (!kind)
        return wn_mmproj_bad(f, "key clip.projector_type is missing");
    wn_printable(out->arch, sizeof(out->arch), kind);
    return WN_OK;
}

static int read_numbers(const struct wn_mmproj_file *f, struct wn_mmproj *out)
{
    float mean[3], std[3];
    int32_t unused, least = 1, most = 12; /* tiles, if the file does not say */
    int err;

    TRY(count(f, &out->n_layers, "clip.vision.block_count", 1, WN_MAX_LAYERS));
    TRY(count(f, &out->dim, "clip.vision.embedding_length", 1, 1 << 16));
    TRY(count(f, &out->n_heads, "clip.vision.attention.head_count", 1, 1 << 12));
    TRY(count(f, &unused, "clip.vision.feed_forward_length", 0, 1 << 20));
    TRY(count(f, &out->projection, "clip.vision.projection_dim", 0, 1 << 20));
    TRY(count(f, &out->image_size, "clip.vision.image_size", 0, MAX_SIDE));
    TRY(count(f, &out->patch_size, "clip.vision.patch_size", 1, 1024));
    const int64_t eps = gguf_find_key(f->gguf, "clip.vision.attention.layer_norm_epsilon");
    if (eps < 0)
        return wn_mmproj_bad(f, "key clip.vision.attention.layer_norm_epsilon is missing");
    if (!(gguf_get_val_f32(f->gguf, eps) >= 0 && gguf_get_val_f32(f->gguf, eps) < 1))
        return wn_mmproj_bad(f, "key clip.vision.attention.layer_norm_epsilon is %g",
                             (double)gguf_get_val_f32(f->gguf, eps));
    TRY(three_floats(f, mean, "clip.vision.image_mean"));
    TRY(three_floats(f, std, "clip.vision.image_std"));
    for (int i = 0; i < 3; i++)
        if (!(std[i] > 0 && std[i] < 1e6f && mean[i] > -1e6f && mean[i] < 1e6f))
            return wn_mmproj_bad(
                f, "keys clip.vision.image_mean and image_std have the values %g and %g",
                (double)mean[i], (double)std[i]);
    out->merge = !strcmp(out->arch, "gemma3") ? 4 : !strncmp(out->arch, "qwen", 4) ? 2 : 1;
    TRY(optional(f, &out->merge, "clip.vision.spatial_merge_size", 1, 64));
    TRY(optional(f, &out->merge, "clip.vision.projector.scale_factor", 1, 64));
    TRY(optional(f, &unused, "clip.vision.preproc_image_size", 1, MAX_SIDE));
    TRY(optional(f, &unused, "clip.vision.image_min_pixels", 0, MAX_SIDE * MAX_SIDE));
    TRY(optional(f, &unused, "clip.vision.image_max_pixels", 0, 4 * MAX_SIDE * MAX_SIDE));
    TRY(optional(f, &most, "clip.vision.preproc_max_tiles", 1, 256));
    TRY(optional(f, &least, "clip.vision.preproc_min_tiles", 1, 1 << 10));
    if (least * least > most)
        return wn_mmproj_bad(f, "key clip.vision.preproc_min_tiles is %d: no grid of at most %d "
                             "tiles is %d wide and high", least, most, least);
    if (gguf_find_key(f->gguf, "clip.vision.attention.head_dim") < 0 && out->dim % out->n_heads)
        return wn_mmproj_bad(f, "key clip.vision.embedding_length is %d, no multiple of "
                             "clip.vision.attention.head_count (%d)", out->dim, out->n_heads);
    out->head_dim = out->dim / out->n_heads;
    out->n_kv = out->n_heads;
    TRY(optional(f, &out->head_dim, "clip.vision.attention.head_dim", 0, 1 << 12));
    TRY(optional(f, &out->n_kv, "clip.vision.attention.head_count_kv", 1, 1 << 12));
    TRY(optional(f, &out->pattern, "clip.vision.n_wa_pattern", 0, 1 << 12));
    if (!out->head_dim)
        out->head_dim = out->dim / out->n_heads;
    if (!out->head_dim || out->n_heads % out->n_kv)
        return wn_mmproj_bad(f,
                             "key clip.vision.attention.head_count (%d) does not fit "
                             "clip.vision.embedding_length (%d) or head_count_kv (%d)",
                             out->n_heads, out->dim, out->n_kv);
    if (out->image_size && out->image_size < out->patch_size)
        return wn_mmproj_bad(
            f, "key clip.vision.image_size is %d, less than clip.vision.patch_size (%d)",
            out->image_size, out->patch_size);
fail:
    return err;
}

/* How libmtmd 0.5.0 makes a picture square for the towers that take one size. */
static void read_resize(const struct wn_mmproj_file *f, struct wn_mmproj *m)
{
    static const uint8_t llava[3] = {122, 116, 104};
    const bool pinpoints = gguf_find_key(f->gguf, "clip.vision.image_grid_pinpoints") >= 0;

    m->pad = !pinpoints && m->image_size && (!strcmp(m->arch, "mlp") || !strcmp(m->arch, "gemma3"));
    if (!strcmp(m->arch, "mlp"))
        memcpy(m->pad_color, llava, sizeof(llava));
}

int wn_mmproj_read(struct wn_mmproj *out, const char *path, struct wn_log *log)
{
    struct wn_mmproj m = {0};
    struct wn_mmproj_file f = {.path = path, .log = log};
    struct gguf_init_params params = {.no_alloc = true};
    int err = wn_gguf_check(path, log);

    if (err < 0)
        return err;
    f.gguf = gguf_init_from_file(path, params);
    if (!f.gguf)
        return wn_mmproj_bad(&f, "libggml refuses its header");
    TRY(check_types(&f));
    TRY(read_kind(&f, &m));
    TRY(read_numbers(&f, &m));
    TRY(check_pinpoints(&f, &m));
    TRY(wn_mmproj_check_tensors(&f, &m));
    m.width = wn_mmproj_width(&f, &m);
    read_resize(&f, &m);
    *out = m;
fail:
    gguf_free(f.gguf);
    return err;
}
