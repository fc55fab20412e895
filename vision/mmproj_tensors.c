/* SPDX-License-Identifier: MIT */
#include "mmproj_tensors.h"

#include <ggml.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Sizes that a dimension must have; LAST: the output of the entry before. */
enum size { ANY, DIM, FEATURES, BLOCK, FOUR, LAST };

struct rule {
    const char *name;
    enum size in, out; /* of ne[0] and ne[1] */
};

/* Towers whose tensors are known here. libmtmd builds others, but then nothing here knows what
 * they need. */
static const struct tower {
    const char *arch;
    bool square;    /* one position a patch, and one for CLS */
    bool looked_up; /* positions are read row by row, so that they may be of any type */
    bool need_bias; /* of Q, K and V */
    bool fused;     /* Q, K and V are one tensor, with a bias */
    struct rule rule[5];
} towers[] = {
    {"mlp", true, true, false, false,
     {{"mm.0.weight", FEATURES, ANY}, {"mm.2.weight", LAST, ANY}, {"mm.0.bias", ANY, ANY},
      {"mm.2.bias", ANY, ANY}}},
    {"gemma3", true, false, false, false,
     {{"mm.input_projection.weight", ANY, DIM}, {"mm.soft_emb_norm.weight", DIM, ANY}}},
    {"idefics3", true, false, false, false, {{"mm.model.fc.weight", BLOCK, ANY}}},
    {"internvl", true, false, false, false,
     {{"mm.model.mlp.0.weight", BLOCK, ANY}, {"mm.model.mlp.1.weight", BLOCK, ANY},
      {"mm.model.mlp.3.weight", LAST, ANY}, {"mm.model.mlp.0.bias", BLOCK, ANY},
      {"v.class_embd", DIM, ANY}}},
    {"qwen2vl_merger", false, false, true, false,
     {{"mm.0.weight", FOUR, ANY}, {"mm.2.weight", LAST, ANY}, {"mm.0.bias", ANY, ANY},
      {"mm.2.bias", ANY, ANY}, {"v.patch_embd.weight.1", ANY, ANY}}},
    {"qwen2.5vl_merger", false, false, true, false,
     {{"mm.0.weight", FOUR, ANY}, {"mm.2.weight", LAST, ANY}, {"mm.0.bias", ANY, ANY},
      {"mm.2.bias", ANY, ANY}, {"v.patch_embd.weight.1", ANY, ANY}}},
    {"qwen3vl_merger", false, false, false, true,
     {{"mm.0.weight", FOUR, ANY}, {"mm.2.weight", LAST, ANY}, {"v.patch_embd.weight.1", ANY, ANY},
      {"v.position_embd.weight", DIM, ANY}, {"v.patch_embd.bias", DIM, ANY}}},
    {"mlp_norm", true, true, false, false, {{NULL}}},
    {"ldp", true, true, false, false, {{NULL}}},
    {"ldpv2", true, true, false, false, {{NULL}}},
    {"janus_pro", true, false, false, false, {{NULL}}},
};

static const int64_t *shape(const struct wn_mmproj_file *f, const char *name)
{
    int64_t t = gguf_find_tensor(f->gguf, name);

    return t < 0 ? NULL : gguf_get_tensor_ne(f->gguf, t);
}

static int want(const struct wn_mmproj_file *f, const char *name, int dim, int64_t n,
                const char *what)
{
    const int64_t *ne = shape(f, name);

    if (ne && ne[dim] != n)
        return wn_mmproj_bad(f, "tensor %s has %" PRId64 " where %s wants %" PRId64, name, ne[dim],
                             what, n);
    return WN_OK;
}

static int need(const struct wn_mmproj_file *f, const char *name)
{
    return shape(f, name) ? WN_OK : wn_mmproj_bad(f, "tensor %s is missing", name);
}

static bool ends(const char *s, const char *with)
{
    const size_t n = strlen(s), m = strlen(with);

    return n >= m && !strcmp(s + n - m, with);
}

/* Vectors are added or multiplied, which libggml only does in f32; a bias is as long as its
 * weight's output. */
static int check_vectors(const struct wn_mmproj_file *f)
{
    char weight[GGML_MAX_NAME + 8];
    int err = WN_OK;

    for (int64_t i = 0; i < gguf_get_n_tensors(f->gguf); i++) {
        const char *name = gguf_get_tensor_name(f->gguf, i);
        const int64_t *own = gguf_get_tensor_ne(f->gguf, i);
        const enum ggml_type type = gguf_get_tensor_type(f->gguf, i);

        if (strncmp(name, "v.", 2) && strncmp(name, "mm.", 3))
            continue;
        if (own[1] == 1 && own[2] == 1 && own[3] == 1 && type != GGML_TYPE_F32)
            return wn_mmproj_bad(f, "tensor %s has type %s, not f32", name, ggml_type_name(type));
        if (!ends(name, ".bias"))
            continue;
        snprintf(weight, sizeof(weight), "%.*s.weight", (int)(strlen(name) - 5), name);
        const int64_t *ne = shape(f, weight);
        if (ne && ne[2] == 1 && ne[3] == 1)
            TRY(want(f, name, 0, ne[1] > 1 ? ne[1] : ne[0], weight));
    }
fail:
    return err;
}

/* Tensors of one layer as one number; equal sets of names give equal numbers. */
static uint64_t names_of_layer(const struct wn_mmproj_file *f, int layer)
{
    char prefix[32];
    uint64_t sum = 0;

    const int n = snprintf(prefix, sizeof(prefix), "v.blk.%d.", layer);
    for (int64_t i = 0; i < gguf_get_n_tensors(f->gguf); i++) {
        const char *name = gguf_get_tensor_name(f->gguf, i);

        if (!strncmp(name, prefix, (size_t)n))
            sum += wn_hash64(name + n, strlen(name + n), 0);
    }
    return sum;
}

static int check_names(const struct wn_mmproj_file *f, const struct wn_mmproj *m,
                       const struct tower *tower)
{
    static const char *const always[] = {"attn_out.weight", "ln1.weight", "ln2.weight",
                                         "ffn_up.weight", "ffn_down.weight"};
    static const char *const split[] = {"attn_q", "attn_k", "attn_v"};
    const uint64_t first = names_of_layer(f, 0);
    char name[GGML_MAX_NAME];
    int err = WN_OK;

    for (int i = 0; i < WN_LEN(always); i++) {
        snprintf(name, sizeof(name), "v.blk.0.%s", always[i]);
        TRY(need(f, name));
    }
    for (int i = 0; i < WN_LEN(split); i++) {
        snprintf(name, sizeof(name), "v.blk.0.%s.weight", split[i]);
        if (tower->need_bias || (!tower->fused && !shape(f, "v.blk.0.attn_qkv.weight")))
            TRY(need(f, name));
        snprintf(name, sizeof(name), "v.blk.0.%s.bias", split[i]);
        if (tower->need_bias)
            TRY(need(f, name));
    }
    if (tower->fused) {
        TRY(need(f, "v.blk.0.attn_qkv.weight"));
        TRY(need(f, "v.blk.0.attn_qkv.bias"));
    }
    for (int l = 1; l < m->n_layers; l++)
        if (names_of_layer(f, l) != first)
            return wn_mmproj_bad(f, "tensors of v.blk.%d have other names than those of v.blk.0",
                                 l);
fail:
    return err;
}

static int check_layer(const struct wn_mmproj_file *f, const struct wn_mmproj *m, int layer)
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
    TRY(want(f, name, 0, (int64_t)m->n_heads * m->head_dim, "heads"));
    TRY(want(f, name, 1, m->dim, "clip.vision.embedding_length"));
    snprintf(name, sizeof(name), "v.blk.%d.ffn_up.weight", layer);
    snprintf(other, sizeof(other), "v.blk.%d.ffn_down.weight", layer);
    const int64_t *up = shape(f, name), *down = shape(f, other);
    if (up && down &&
        (up[0] != down[1] || up[1] != down[0] || (up[0] != m->dim && up[1] != m->dim)))
        return wn_mmproj_bad(f, "tensors %s and %s do not fit each other", name, other);
    snprintf(name, sizeof(name), "v.blk.%d.ffn_gate.weight", layer);
    const int64_t *gate = shape(f, name);
    if (gate && up)
        TRY(want(f, name, 1, up[0] == m->dim ? up[1] : up[0], "the ffn_up of its layer"));
    const int64_t q = (int64_t)m->n_heads * m->head_dim, kv = (int64_t)m->n_kv * m->head_dim;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "v.blk.%d.%s.weight", layer, reads_rows[i]);
        TRY(want(f, name, 1, i ? kv : q, "heads"));
    }
    snprintf(name, sizeof(name), "v.blk.%d.attn_qkv.weight", layer);
    TRY(want(f, name, 1, q + 2 * kv, "heads"));
fail:
    return err;
}

static int check_positions(const struct wn_mmproj_file *f, const struct wn_mmproj *m,
                           const struct tower *tower)
{
    const int64_t side = m->image_size / m->patch_size;
    const int64_t n = side * side + (shape(f, "v.class_embd") ? 1 : 0);
    const int64_t position = gguf_find_tensor(f->gguf, "v.position_embd.weight");
    int err;

    if (!m->image_size)
        return wn_mmproj_bad(f, "key clip.vision.image_size is 0");
    TRY(need(f, "v.position_embd.weight"));
    TRY(want(f, "v.position_embd.weight", 0, m->dim, "clip.vision.embedding_length"));
    TRY(want(f, "v.position_embd.weight", 1, n, "clip.vision.image_size"));
    const enum ggml_type type = gguf_get_tensor_type(f->gguf, position);
    if (type != GGML_TYPE_F32 && !tower->looked_up)
        return wn_mmproj_bad(f, "tensor v.position_embd.weight has type %s, not f32",
                             ggml_type_name(type));
    if (side % m->merge && strcmp(m->arch, "idefics3"))
        return wn_mmproj_bad(f, "%" PRId64 " patches a side are no multiple of the merge size %d",
                             side, m->merge);
fail:
    return err;
}

/* How many layers' outputs stand side by side in what the projector takes. */
static int32_t count_features(const struct wn_mmproj_file *f, const struct wn_mmproj *m)
{
    const int64_t key = gguf_find_key(f->gguf, "clip.vision.feature_layer");
    int32_t n = 0;

    if (key < 0 || gguf_get_arr_type(f->gguf, key) != GGUF_TYPE_INT32)
        return 1;
    const int32_t *v = gguf_get_arr_data(f->gguf, key);
    for (int32_t l = 0; l <= m->n_layers; l++)
        for (size_t i = 0; i < gguf_get_arr_n(f->gguf, key); i++)
            if (v[i] == l) {
                n++;
                break;
            }
    return WN_MAX(n, 1);
}

static int64_t size_of(const struct wn_mmproj_file *f, const struct wn_mmproj *m, enum size size,
                       int64_t last)
{
    const int64_t dim = m->dim;

    switch (size) {
    case DIM:
        return dim;
    case FEATURES:
        return dim * count_features(f, m);
    case BLOCK:
        return dim * m->merge * m->merge;
    case FOUR:
        return dim * 4;
    default:
        return last;
    }
}

static int check_projector(const struct wn_mmproj_file *f, const struct wn_mmproj *m,
                           const struct tower *tower)
{
    int64_t last = 0;
    int err = WN_OK;

    for (int i = 0; i < WN_LEN(tower->rule) && tower->rule[i].name; i++) {
        const struct rule *r = &tower->rule[i];

        TRY(need(f, r->name));
        if (r->in != ANY)
            TRY(want(f, r->name, 0, size_of(f, m, r->in, last), "what it reads"));
        if (r->out != ANY)
            TRY(want(f, r->name, 1, size_of(f, m, r->out, last), "what it reads"));
        last = shape(f, r->name)[1];
    }
    if (!strcmp(m->arch, "qwen2.5vl_merger"))
        TRY(want(f, "mm.2.weight", 1, m->projection, "clip.vision.projection_dim"));
fail:
    return err;
}

static int check_patches(const struct wn_mmproj_file *f, const struct wn_mmproj *m)
{
    static const char *const conv[] = {"v.patch_embd.weight", "v.patch_embd.weight.1"};
    static const char *const rows[] = {"v.class_embd", "v.pre_ln.weight", "v.post_ln.weight",
                                       "v.patch_embd.bias"};
    int err = need(f, conv[0]);

    for (int i = 0; err >= 0 && i < WN_LEN(conv); i++) {
        const int64_t *p = shape(f, conv[i]);

        if (p && (p[0] != m->patch_size || p[1] != m->patch_size || p[2] != 3 || p[3] != m->dim))
            return wn_mmproj_bad(f,
                                 "tensor %s is %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64
                                 ", not %d x %d x 3 x %d",
                                 conv[i], p[0], p[1], p[2], p[3], m->patch_size, m->patch_size,
                                 m->dim);
    }
    for (int i = 0; err >= 0 && i < WN_LEN(rows); i++)
        err = want(f, rows[i], 0, m->dim, "clip.vision.embedding_length");
    return err;
}

/* What libmtmd takes for granted of towers that are known here. */
static int check_heads(const struct wn_mmproj_file *f, const struct wn_mmproj *m,
                       const struct tower *tower)
{
    if (m->n_kv != m->n_heads || m->head_dim * m->n_heads != m->dim)
        return wn_mmproj_bad(f,
                             "%d heads and %d heads of keys with %d channels each do not make %d "
                             "channels",
                             m->n_heads, m->n_kv, m->head_dim, m->dim);
    if (strncmp(m->arch, "qwen", 4))
        return WN_OK;
    if (m->head_dim % 4)
        return wn_mmproj_bad(f, "key clip.vision.attention.head_count is %d: heads of %d channels "
                             "are no multiple of 4", m->n_heads, m->head_dim);
    if (m->merge != 2)
        return wn_mmproj_bad(f, "key clip.vision.spatial_merge_size is %d, not 2", m->merge);
    if (m->pattern == 1)
        return wn_mmproj_bad(f, "key clip.vision.n_wa_pattern is 1: no layer has windows");
    return WN_OK;
}

/* Towers that are no plain ViT: without these, libmtmd stops the process. */
static int check_marks(const struct wn_mmproj_file *f, const struct wn_mmproj *m)
{
    static const char *const marks[][2] = {
        {"gemma3nv", "v.conv_stem.conv.weight"}, {"yasa2", "v.patch_embd.weight"},
        {"yasa2", "v.stage.0.blk.0.conv_dw.weight"},
    };
    const int64_t side = m->image_size / m->patch_size;
    int err = WN_OK;

    for (int i = 0; i < WN_LEN(marks); i++)
        if (!strcmp(m->arch, marks[i][0]))
            TRY(need(f, marks[i][1]));
    if (!strcmp(m->arch, "nemotron_v2_vl"))
        TRY(want(f, "v.position_embd.weight", 1, side * side, "clip.vision.image_size"));
fail:
    return err;
}

int32_t wn_mmproj_width(const struct wn_mmproj_file *f, const struct wn_mmproj *m)
{
    static const struct {
        const char *arch, *tensor;
        int dim;
    } last[] = {
        {"mlp", "mm.2.weight", 1}, {"gemma3", "mm.input_projection.weight", 0},
        {"idefics3", "mm.model.fc.weight", 1}, {"internvl", "mm.model.mlp.3.weight", 1},
        {"qwen2vl_merger", "mm.2.weight", 1}, {"qwen2.5vl_merger", "mm.2.weight", 1},
    };

    for (int i = 0; i < WN_LEN(last); i++)
        if (!strcmp(m->arch, last[i].arch) && shape(f, last[i].tensor))
            return (int32_t)WN_MIN(shape(f, last[i].tensor)[last[i].dim], INT32_MAX);
    return 0;
}

int wn_mmproj_check_tensors(const struct wn_mmproj_file *f, const struct wn_mmproj *m)
{
    const struct tower *tower = NULL;
    int err;

    for (int i = 0; i < WN_LEN(towers); i++)
        if (!strcmp(m->arch, towers[i].arch))
            tower = &towers[i];
    TRY(check_vectors(f));
    TRY(check_marks(f, m));
    for (int i = 0; i < m->n_layers; i++)
        TRY(check_layer(f, m, i));
    if (!tower)
        return WN_OK;
    TRY(check_heads(f, m, tower));
    TRY(check_patches(f, m));
    TRY(check_projector(f, m, tower));
    if (tower->square)
        TRY(check_positions(f, m, tower));
    TRY(check_names(f, m, tower));
fail:
    return err;
}
