/* SPDX-License-Identifier: MIT */
/* The header of a tower's file: keys and the shape of every tensor, before any of them is read. */
#include "vit_load.h"

#include <ggml.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_check.h"

int wn_vit_bad(struct wn_vit_file *f, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->why, sizeof(f->why), fmt, ap);
    va_end(ap);
    return err;
}

/* ---- keys ---- */

/* -1: not there, -2: of another type */
static int64_t find(struct wn_vit_file *f, const char *name, enum gguf_type type)
{
    const int64_t key = gguf_find_key(f->gguf, name);

    return key < 0 ? -1 : gguf_get_kv_type(f->gguf, key) != type ? -2 : key;
}

static int number(struct wn_vit_file *f, int32_t *out, const char *name, uint32_t min, uint32_t max)
{
    const int64_t key = find(f, name, GGUF_TYPE_UINT32);

    if (key < 0)
        return wn_vit_bad(f, WN_ERR_MODEL, "key %s is missing or no 32-bit count", name);
    const uint32_t v = gguf_get_val_u32(f->gguf, key);
    if (v < min || v > max)
        return wn_vit_bad(f, WN_ERR_MODEL, "key %s is %" PRIu32 ", not %" PRIu32 " to %" PRIu32,
                          name, v, min, max);
    *out = (int32_t)v;
    return WN_OK;
}

static const char *text(struct wn_vit_file *f, const char *name)
{
    const int64_t key = find(f, name, GGUF_TYPE_STRING);

    return key < 0 ? "" : gguf_get_val_str(f->gguf, key);
}

static bool flag(struct wn_vit_file *f, const char *name)
{
    const int64_t key = find(f, name, GGUF_TYPE_BOOL);

    return key >= 0 && gguf_get_val_bool(f->gguf, key);
}

/* Elements of an array of that type; 0 and NULL where there is none. */
static const void *array(struct wn_vit_file *f, const char *name, enum gguf_type type, size_t *n)
{
    const int64_t key = find(f, name, GGUF_TYPE_ARRAY);

    *n = 0;
    if (key < 0 || gguf_get_arr_type(f->gguf, key) != type)
        return NULL;
    *n = gguf_get_arr_n(f->gguf, key);
    return gguf_get_arr_data(f->gguf, key);
}

static int three(struct wn_vit_file *f, float out[3], const char *name, bool positive)
{
    size_t n;
    const float *v = array(f, name, GGUF_TYPE_FLOAT32, &n);

    if (n != 3)
        return wn_vit_bad(f, WN_ERR_MODEL, "key %s is not three floats", name);
    for (int i = 0; i < 3; i++)
        if (!(v[i] > (positive ? 0 : -1e6f) && v[i] < 1e6f))
            return wn_vit_bad(f, WN_ERR_MODEL, "key %s holds %g", name, (double)v[i]);
    memcpy(out, v, 3 * sizeof(*out));
    return WN_OK;
}

static int read_sizes(struct wn_vit_file *f, struct wn_vit_info *m)
{
    const int64_t eps = find(f, "clip.vision.attention.layer_norm_epsilon", GGUF_TYPE_FLOAT32);
    int err;

    TRY(number(f, &m->image_size, "clip.vision.image_size", 1, 8192));
    TRY(number(f, &m->patch_size, "clip.vision.patch_size", 1, 256));
    TRY(number(f, &m->dim, "clip.vision.embedding_length", 1, 1 << 14));
    TRY(number(f, &m->ff, "clip.vision.feed_forward_length", 1, 1 << 17));
    TRY(number(f, &m->n_layers, "clip.vision.block_count", 1, WN_MAX_LAYERS));
    TRY(number(f, &m->n_heads, "clip.vision.attention.head_count", 1, 1 << 10));
    TRY(three(f, m->mean, "clip.vision.image_mean", false));
    TRY(three(f, m->std, "clip.vision.image_std", true));
    m->side = m->image_size / m->patch_size;
    m->n_patches = m->side * m->side;
    m->eps = eps < 0 ? 0 : gguf_get_val_f32(f->gguf, eps);
    if (!(m->eps > 0 && m->eps < 1))
        return wn_vit_bad(f, WN_ERR_MODEL,
                          "key clip.vision.attention.layer_norm_epsilon is missing "
                          "or %g", (double)m->eps);
    if (m->side < 1 || m->n_patches > 1 << 14)
        return wn_vit_bad(f, WN_ERR_MODEL, "keys clip.vision.image_size and patch_size make %d "
                          "patches a side", m->side);
    if (m->dim % m->n_heads)
        return wn_vit_bad(f, WN_ERR_MODEL, "key clip.vision.embedding_length is %d, no multiple of "
                          "clip.vision.attention.head_count (%d)", m->dim, m->n_heads);
fail:
    return err;
}

/* Hidden states for the projector; without the key all layers run: the converters that leave it
 * out have cut the others off. */
static int read_features(struct wn_vit_file *f, struct wn_vit_info *m)
{
    size_t n;
    const int32_t *v = array(f, "clip.vision.feature_layer", GGUF_TYPE_INT32, &n);

    if (n > WN_VIT_FEATURES)
        return wn_vit_bad(f, WN_ERR_UNSUPPORTED, "key clip.vision.feature_layer lists %zu layers",
                          n);
    m->n_features = n ? (int32_t)n : 1;
    m->feature[0] = m->n_layers;
    for (size_t i = 0; i < n; i++) {
        m->feature[i] = v[i] < 0 ? m->n_layers + 1 + v[i] : v[i];
        if (m->feature[i] < 0 || m->feature[i] > m->n_layers)
            return wn_vit_bad(f, WN_ERR_MODEL, "key clip.vision.feature_layer names %d of %d", v[i],
                              m->n_layers);
    }
    for (int i = 0; i < m->n_features; i++)
        m->depth = WN_MAX(m->depth, m->feature[i]);
    return WN_OK;
}

/* Pairs of width and height in the file; more tiles than 64 are not for a video. */
static int read_pinpoints(struct wn_vit_file *f, struct wn_vit_info *m)
{
    const char *const name = "clip.vision.image_grid_pinpoints";
    size_t n;
    const int32_t *v = array(f, name, GGUF_TYPE_INT32, &n);

    if (gguf_find_key(f->gguf, name) >= 0 && (!v || n % 2 || n > 2 * WN_VIT_PINPOINTS))
        return wn_vit_bad(f, WN_ERR_MODEL, "key %s is no list of sizes", name);
    for (size_t i = 0; i < n; i++) {
        const int32_t tiles = v[i] / m->image_size;

        if (v[i] < 1 || v[i] % m->image_size || tiles > 64)
            return wn_vit_bad(f, WN_ERR_MODEL, "key %s holds %d, no multiple of %d", name, v[i],
                              m->image_size);
        m->pinpoint[i / 2][i % 2] = v[i];
    }
    m->n_pinpoints = (int32_t)(n / 2);
    m->unpad = !strcmp(text(f, "clip.vision.mm_patch_merge_type"), "spatial_unpad");
    return WN_OK;
}

/* SigLIP towers have no CLS token and one activation, whatever a converter's flags say; "gelu" of a
 * CLIP tower is the exact one. */
static void read_act(struct wn_vit_file *f, struct wn_vit_info *m)
{
    if (flag(f, "clip.use_silu"))
        m->act = WN_VIT_SILU;
    else if (!m->cls)
        m->act = WN_VIT_GELU_TANH;
    else
        m->act = flag(f, "clip.use_gelu") ? WN_VIT_GELU_ERF : WN_VIT_QUICK_GELU;
}

static int read_keys(struct wn_vit_file *f, struct wn_vit_info *m)
{
    const char *kind = text(f, "clip.projector_type");
    int err;

    if (strcmp(text(f, "general.architecture"), "clip") || !flag(f, "clip.has_vision_encoder"))
        return wn_vit_bad(f, WN_ERR_MODEL, "it holds no vision tower");
    if (!*kind)
        kind = text(f, "clip.vision.projector_type");
    wn_printable(m->arch, sizeof(m->arch), kind);
    if (strcmp(kind, "mlp"))
        return wn_vit_bad(f, WN_ERR_UNSUPPORTED, "its projector is %s, not one of the LLaVA family",
                          *kind ? m->arch : "not named");
    TRY(read_sizes(f, m));
    TRY(read_features(f, m));
    TRY(read_pinpoints(f, m));
    m->cls = gguf_find_tensor(f->gguf, "v.class_embd") >= 0;
    m->cls_last = !strcmp(text(f, "winnow.cls_layout"), "last");
    m->pre_ln = gguf_find_tensor(f->gguf, "v.pre_ln.weight") >= 0;
    m->post_ln = gguf_find_tensor(f->gguf, "v.post_ln.weight") >= 0;
    m->n_tokens = m->n_patches + m->cls;
    read_act(f, m);
fail:
    return err;
}

/* What a check of another file says becomes why, which then names that file. */
static int refused(struct wn_vit_file *f, int err, struct wn_log *log)
{
    if (err < 0) {
        wn_vit_bad(f, err, "%s", log->last_error);
        f->why_names_file = true;
    }
    wn_log_finish(log);
    return err;
}

int wn_vit_file_open(struct wn_vit_file *f, const char *path, struct wn_vit_info *m)
{
    const struct gguf_init_params params = {.no_alloc = true};
    struct wn_log log;
    int err;

    f->path = path;
    wn_log_init(&log);
    err = refused(f, wn_gguf_check(path, &log), &log);
    if (err < 0)
        return err;
    f->gguf = gguf_init_from_file(path, params);
    if (!f->gguf)
        return wn_vit_bad(f, WN_ERR_MODEL, "libggml refuses its header");
    return read_keys(f, m);
}

int wn_vit_file_lora(struct wn_vit_file *f, const char *path, const struct wn_vit_info *m)
{
    struct wn_log log;

    wn_log_init(&log);
    return refused(f, wn_vit_lora_open(&f->lora, path, m, &log), &log);
}

void wn_vit_file_close(struct wn_vit_file *f)
{
    gguf_free(f->gguf);
    free(f->entry);
    wn_vit_lora_close(&f->lora);
    *f = (struct wn_vit_file){0};
}
