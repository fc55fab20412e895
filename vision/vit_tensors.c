/* SPDX-License-Identifier: MIT */
#include <ggml.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vit_f16.h"
#include "vit_load.h"
#include "vit_q8.h"

enum { PER_LAYER = 16, OTHERS = 40, ROW = 32 }; /* ROW: rows are padded to whole vectors */

struct define {
    struct wn_vit_file *f;
    struct wn_vit *vit;
    enum wn_vit_weights weights;
    bool *used; /* [tensors of the file] */
};

static int add(struct define *d, struct ggml_tensor *to, int64_t id, int64_t row)
{
    struct wn_vit_file *f = d->f;

    if (!to)
        return wn_vit_bad(f, WN_ERR_NOMEM, "out of memory");
    f->entry[f->n_entries++] = (struct wn_vit_entry){.to = to, .id = id, .row = row};
    if (id >= 0)
        d->used[id] = true;
    return WN_OK;
}

/* -1: not there. Sizes of 0 may be any. */
static int64_t look(struct define *d, const char *name, const int64_t want[4], int *err)
{
    const int64_t id = gguf_find_tensor(d->f->gguf, name);
    const int64_t *ne = id < 0 ? NULL : gguf_get_tensor_ne(d->f->gguf, id);

    *err = WN_OK;
    for (int i = 0; ne && i < 4; i++)
        if (want[i] && ne[i] != want[i]) {
            *err = wn_vit_bad(d->f, WN_ERR_MODEL, "tensor %s is %" PRId64 " x %" PRId64 " x %"
                              PRId64 " x %" PRId64 ", not %" PRId64 " x %" PRId64 " x %" PRId64
                              " x %" PRId64, name, ne[0], ne[1], ne[2], ne[3], want[0], want[1],
                              want[2], want[3]);
            return -1;
        }
    return id;
}

static int missing(struct define *d, const char *name)
{
    return wn_vit_bad(d->f, WN_ERR_MODEL, "tensor %s is missing", name);
}

/* n 0: any length. *out NULL where an optional one is missing. */
static int vector(struct define *d, struct ggml_tensor **out, const char *name, int64_t n,
                  bool required)
{
    int err;
    const int64_t id = look(d, name, (int64_t[4]){n, 1, 1, 1}, &err);

    if (err < 0 || id < 0)
        return err < 0 ? err : required ? missing(d, name) : WN_OK;
    n = gguf_get_tensor_ne(d->f->gguf, id)[0];
    *out = ggml_new_tensor_1d(d->vit->weights, GGML_TYPE_F32, n);
    return add(d, *out, id, n);
}

static int norm(struct define *d, struct wn_vit_linear *out, const char *prefix, int64_t n,
                bool required)
{
    char name[GGML_MAX_NAME];
    int err;

    snprintf(name, sizeof(name), "%s.weight", prefix);
    TRY(vector(d, &out->w, name, n, required));
    snprintf(name, sizeof(name), "%s.bias", prefix);
    TRY(vector(d, &out->b, name, n, required));
    if (!out->w != !out->b)
        return wn_vit_bad(d->f, WN_ERR_MODEL, "tensors %s.weight and bias do not come together",
                          prefix);
fail:
    return err;
}

static enum ggml_type held_as(const struct define *d, enum ggml_type stored, int64_t row)
{
    if (d->weights == WN_VIT_F32 || stored == GGML_TYPE_F32)
        return d->weights == WN_VIT_Q8_0 && row % 32 == 0 ? GGML_TYPE_Q8_0 : GGML_TYPE_F32;
    return d->weights == WN_VIT_Q8_0 && row % 32 == 0 ? GGML_TYPE_Q8_0 : stored;
}

/* F32, which is 0: not packed. */
static enum ggml_type packed_as(const struct define *d, enum ggml_type stored, int64_t row)
{
    const bool eight = d->weights == WN_VIT_Q8_0 || held_as(d, stored, row) == GGML_TYPE_Q8_0;

    if (!d->vit->on_cpu)
        return GGML_TYPE_F32;
    if (eight)
        return wn_vit_q8_runs() ? GGML_TYPE_Q8_0 : GGML_TYPE_F32;
    return held_as(d, stored, row) == GGML_TYPE_F16 && wn_vit_f16_runs() ? GGML_TYPE_F16
                                                                       : GGML_TYPE_F32;
}

/* in x out; out 0: any. A bias where there is one, or zeros when `bias`. */
static int linear(struct define *d, struct wn_vit_linear *to, const char *prefix, int64_t in,
                  int64_t out, bool bias)
{
    char name[GGML_MAX_NAME];
    int err;

    snprintf(name, sizeof(name), "%s.weight", prefix);
    const int64_t id = look(d, name, (int64_t[4]){in, out, 1, 1}, &err);
    if (err < 0 || id < 0)
        return err < 0 ? err : missing(d, name);
    const enum ggml_type stored = gguf_get_tensor_type(d->f->gguf, id);
    to->out = out = gguf_get_tensor_ne(d->f->gguf, id)[1];
    to->packed = packed_as(d, stored, in);
    if (to->packed == GGML_TYPE_Q8_0)
        to->w = ggml_new_tensor_1d(d->vit->weights, GGML_TYPE_I8, (int64_t)wn_vit_q8_size(in, out));
    else if (to->packed == GGML_TYPE_F16)
        to->w = ggml_new_tensor_1d(d->vit->weights, GGML_TYPE_I8,
                                   (int64_t)wn_vit_f16_size(in, out));
    else
        to->w = ggml_new_tensor_2d(d->vit->weights, held_as(d, stored, in), in, out);
    TRY(add(d, to->w, id, in));
    d->f->entry[d->f->n_entries - 1].packed = to->packed;
    d->f->entry[d->f->n_entries - 1].rows = to->packed ? out : 0;
    snprintf(name, sizeof(name), "%s.bias", prefix);
    TRY(vector(d, &to->b, name, out, false));
    if (!to->b && bias) {
        to->b = ggml_new_tensor_1d(d->vit->weights, GGML_TYPE_F32, out);
        TRY(add(d, to->b, -1, out));
    }
fail:
    return err;
}

/* The old converter called the first matrix of an MLP "down". Shapes tell, or, for a square one,
 * the key that only this converter wrote. */
static bool swapped(const struct define *d)
{
    const int64_t id = gguf_find_tensor(d->f->gguf, "v.blk.0.ffn_down.weight");
    const struct wn_vit_info *m = &d->vit->info;

    if (m->ff == m->dim)
        return gguf_find_key(d->f->gguf, "clip.has_llava_projector") >= 0;
    return id >= 0 && gguf_get_tensor_ne(d->f->gguf, id)[0] == m->dim;
}

static int layer(struct define *d, int i, bool swap)
{
    struct wn_vit_layer *l = &d->vit->layer[i];
    const int64_t dim = d->vit->info.dim, ff = d->vit->info.ff;
    char name[GGML_MAX_NAME];
    int err;

    struct {
        const char *name;
        struct wn_vit_linear *to;
        int64_t in, out; /* in 0: a norm */
    } const part[] = {
        {"ln1", &l->ln1, 0, dim}, {"attn_q", &l->q, dim, dim}, {"attn_k", &l->k, dim, dim},
        {"attn_v", &l->v, dim, dim}, {"attn_out", &l->out, dim, dim}, {"ln2", &l->ln2, 0, dim},
        {swap ? "ffn_down" : "ffn_up", &l->up, dim, ff},
        {swap ? "ffn_up" : "ffn_down", &l->down, ff, dim},
    };
    for (int p = 0; p < WN_LEN(part); p++) {
        snprintf(name, sizeof(name), "v.blk.%d.%s", i, part[p].name);
        if (!part[p].in)
            TRY(norm(d, part[p].to, name, dim, true));
        else
            TRY(linear(d, part[p].to, name, part[p].in, part[p].out, part[p].to == &l->up));
    }
fail:
    return err;
}

/* The convolution of patches as a matrix of unfolded ones. */
static int patches(struct define *d)
{
    struct wn_vit *vit = d->vit;
    const int64_t p = vit->info.patch_size, row = 3 * p * p;
    int err;
    const int64_t id = look(d, "v.patch_embd.weight", (int64_t[4]){p, p, 3, vit->info.dim}, &err);

    if (err < 0 || id < 0)
        return err < 0 ? err : missing(d, "v.patch_embd.weight");
    vit->patch_row = (int32_t)((row + ROW - 1) / ROW * ROW);
    vit->patch.w = ggml_new_tensor_2d(vit->weights, GGML_TYPE_F32, vit->patch_row, vit->info.dim);
    TRY(add(d, vit->patch.w, id, row));
    TRY(vector(d, &vit->patch.b, "v.patch_embd.bias", vit->info.dim, false));
fail:
    return err;
}

static int positions(struct define *d)
{
    struct wn_vit *vit = d->vit;
    const int64_t dim = vit->info.dim, n = vit->info.n_tokens;
    int err;
    const int64_t id = look(d, "v.position_embd.weight", (int64_t[4]){dim, n, 1, 1}, &err);

    if (err < 0 || id < 0)
        return err < 0 ? err : missing(d, "v.position_embd.weight");
    vit->position = ggml_new_tensor_2d(vit->weights, GGML_TYPE_F32, dim, n);
    return add(d, vit->position, id, dim);
}

static int projector(struct define *d)
{
    struct wn_vit *vit = d->vit;
    const bool two = gguf_find_tensor(d->f->gguf, "mm.2.weight") >= 0;
    int err = WN_OK;

    vit->info.out_dim = vit->info.dim * vit->info.n_features;
    TRY(linear(d, &vit->mm[0], "mm.0", vit->info.out_dim, 0, two));
    if (two)
        TRY(linear(d, &vit->mm[1], "mm.2", vit->mm[0].out, 0, false));
    vit->info.out_dim = (int32_t)vit->mm[two].out;
    if (vit->mm[two].out > 1 << 16)
        return wn_vit_bad(d->f, WN_ERR_MODEL, "the projector makes rows of %" PRId64,
                          vit->mm[two].out);
    TRY(vector(d, &vit->newline, "v.image_newline", vit->info.out_dim, false));
    if (!vit->newline)
        TRY(vector(d, &vit->newline, "model.image_newline", vit->info.out_dim, false));
    vit->info.newline = vit->newline != NULL;
fail:
    return err;
}

static int wide_matrix(struct define *d, struct ggml_tensor **out, const char *name, int64_t in,
                       int64_t rows)
{
    int err;
    const int64_t id = look(d, name, (int64_t[4]){in, rows, 1, 1}, &err);

    if (err < 0 || id < 0)
        return err < 0 ? err : missing(d, name);
    *out = ggml_new_tensor_2d(d->vit->weights, GGML_TYPE_F32, in, rows);
    return add(d, *out, id, in);
}

/* SigLIP's pooling head, see vit_head.h. */
static int pooling_head(struct define *d)
{
    struct ggml_tensor **t = d->vit->head;
    const int64_t dim = d->vit->info.dim, ff = d->vit->info.ff;
    int err;

    if (gguf_find_tensor(d->f->gguf, "v.head.probe") < 0)
        return WN_OK;
    if (!d->vit->post_ln.w)
        return missing(d, "v.post_ln.weight");
    TRY(vector(d, &t[0], "v.head.probe", dim, true));
    TRY(wide_matrix(d, &t[1], "v.head.attn_qkv.weight", dim, 3 * dim));
    TRY(vector(d, &t[2], "v.head.attn_qkv.bias", 3 * dim, true));
    TRY(wide_matrix(d, &t[3], "v.head.attn_out.weight", dim, dim));
    TRY(vector(d, &t[4], "v.head.attn_out.bias", dim, true));
    TRY(vector(d, &t[5], "v.head.ln.weight", dim, true));
    TRY(vector(d, &t[6], "v.head.ln.bias", dim, true));
    TRY(wide_matrix(d, &t[7], "v.head.ffn_up.weight", dim, ff));
    TRY(vector(d, &t[8], "v.head.ffn_up.bias", ff, true));
    TRY(wide_matrix(d, &t[9], "v.head.ffn_down.weight", ff, dim));
    TRY(vector(d, &t[10], "v.head.ffn_down.bias", dim, true));
fail:
    return err;
}

/* A tensor that nothing here uses belongs to a tower that works in another way. */
static int check_used(const struct define *d)
{
    for (int64_t i = 0; i < gguf_get_n_tensors(d->f->gguf); i++) {
        const char *name = gguf_get_tensor_name(d->f->gguf, i);

        if (!d->used[i] && (!strncmp(name, "v.", 2) || !strncmp(name, "mm.", 3) ||
                            !strncmp(name, "model.", 6)))
            return wn_vit_bad(d->f, WN_ERR_UNSUPPORTED, "it has a tensor %s, which towers of the "
                              "LLaVA family have not", name);
    }
    return WN_OK;
}

static int define_all(struct define *d)
{
    struct wn_vit *vit = d->vit;
    const struct wn_vit_info *m = &vit->info;
    const bool swap = swapped(d);
    int err;

    TRY(patches(d));
    TRY(positions(d));
    if (m->cls)
        TRY(vector(d, &vit->cls, "v.class_embd", m->dim, true));
    TRY(norm(d, &vit->pre_ln, "v.pre_ln", m->dim, false));
    TRY(norm(d, &vit->post_ln, "v.post_ln", m->dim, false));
    for (int i = 0; i < m->n_layers; i++)
        TRY(layer(d, i, swap));
    TRY(projector(d));
    TRY(pooling_head(d));
    TRY(check_used(d));
fail:
    return err;
}

int wn_vit_define(struct wn_vit_file *f, struct wn_vit *vit, enum wn_vit_weights weights)
{
    const size_t most = (size_t)vit->info.n_layers * PER_LAYER + OTHERS;
    struct define d = {.f = f, .vit = vit, .weights = weights};
    int err = WN_ERR_NOMEM;

    vit->weights = ggml_init((struct ggml_init_params){
        .mem_size = most * ggml_tensor_overhead(),
        .no_alloc = true,
    });
    vit->layer = wn_calloc((size_t)vit->info.n_layers, sizeof(*vit->layer));
    f->entry = wn_calloc(most, sizeof(*f->entry));
    d.used = wn_calloc((size_t)gguf_get_n_tensors(f->gguf), sizeof(*d.used));
    if (!vit->weights || !vit->layer || !f->entry || !d.used)
        wn_vit_bad(f, err, "out of memory");
    else
        err = define_all(&d);
    free(d.used);
    return err;
}

/* ---- reading ---- */

struct copy {
    void *raw;      /* as in the file */
    float *wide;    /* rows of floats, with zeros up to whole blocks */
    uint8_t *rows;  /* rows of another type */
    void *packed;
};

static int64_t whole(const struct wn_vit_entry *e)
{
    if (e->packed)
        return e->packed == GGML_TYPE_Q8_0 ? (e->row + ROW - 1) / ROW * ROW : e->row;
    return e->to->ne[0];
}

/* The file's tensor as rows of floats. */
static int widen(struct wn_vit_file *f, const struct wn_vit_entry *e, struct copy *c, int64_t n)
{
    const enum ggml_type type = gguf_get_tensor_type(f->gguf, e->id);
    const struct ggml_type_traits *traits = ggml_get_type_traits(type);
    const size_t bytes = ggml_row_size(type, n * e->row) / (size_t)n;

    c->wide = wn_calloc((size_t)n, (size_t)whole(e) * sizeof(float));
    if (!c->wide)
        return wn_vit_bad(f, WN_ERR_NOMEM, "out of memory");
    if (type != GGML_TYPE_F32 && !traits->to_float)
        return wn_vit_bad(f, WN_ERR_UNSUPPORTED, "tensor %s has type %s",
                          gguf_get_tensor_name(f->gguf, e->id), ggml_type_name(type));
    for (int64_t r = 0; r < n; r++) {
        const uint8_t *from = (const uint8_t *)c->raw + (size_t)r * bytes;

        if (type == GGML_TYPE_F32)
            memcpy(c->wide + r * whole(e), from, bytes);
        else
            traits->to_float(from, c->wide + r * whole(e), e->row);
    }
    return WN_OK;
}

/* Rows of `type` made of the floats, which are freed. */
static int narrow(struct wn_vit_file *f, const struct wn_vit_entry *e, struct copy *c, int64_t n,
                  enum ggml_type type)
{
    const size_t bytes = ggml_row_size(type, whole(e));

    c->rows = wn_calloc((size_t)n, bytes);
    if (!c->rows)
        return wn_vit_bad(f, WN_ERR_NOMEM, "out of memory");
    for (int64_t r = 0; r < n; r++) {
        if (type == GGML_TYPE_F32)
            memcpy(c->rows + (size_t)r * bytes, c->wide + r * whole(e), bytes);
        else
            ggml_quantize_chunk(type, c->wide + r * whole(e), c->rows + (size_t)r * bytes, 0, 1,
                                whole(e), NULL);
    }
    free(c->wide);
    c->wide = NULL;
    return WN_OK;
}

/* c->rows, or the file's own, side by side. */
static int pack(struct wn_vit_file *f, const struct wn_vit_entry *e, struct copy *c)
{
    c->packed = malloc(ggml_nbytes(e->to));
    if (!c->packed)
        return wn_vit_bad(f, WN_ERR_NOMEM, "out of memory");
    const void *rows = c->rows ? c->rows : c->raw;
    if (e->packed == GGML_TYPE_Q8_0)
        wn_vit_q8_pack(c->packed, rows, ggml_row_size(e->packed, whole(e)), whole(e), e->rows);
    else
        wn_vit_f16_pack(c->packed, rows, e->row, e->rows);
    ggml_backend_tensor_set(e->to, c->packed, 0, ggml_nbytes(e->to));
    return WN_OK;
}

static int read_one(struct wn_vit_file *f, FILE *in, const struct wn_vit_entry *e, struct copy *c)
{
    const size_t size = gguf_get_tensor_size(f->gguf, e->id);
    const enum ggml_type stored = gguf_get_tensor_type(f->gguf, e->id);
    const enum ggml_type type = e->packed ? e->packed : e->to->type;
    const size_t at = gguf_get_data_offset(f->gguf) + gguf_get_tensor_offset(f->gguf, e->id);
    const int64_t n = e->rows ? e->rows : ggml_nrows(e->to);
    const char *name = gguf_get_tensor_name(f->gguf, e->id);
    const bool trained = wn_vit_lora_has(f->lora, name);
    const bool as_it_is = stored == type && whole(e) == e->row && !trained;
    int err = WN_OK;

    c->raw = malloc(size);
    if (!c->raw)
        return wn_vit_bad(f, WN_ERR_NOMEM, "out of memory");
    if (fseeko(in, (off_t)at, SEEK_SET) || fread(c->raw, 1, size, in) != size)
        return wn_vit_bad(f, WN_ERR_IO, "tensor %s cannot be read", name);
    if (!as_it_is) {
        TRY(widen(f, e, c, n));
        if (trained)
            wn_vit_lora_add(f->lora, name, c->wide, (size_t)whole(e));
        TRY(narrow(f, e, c, n, type));
    }
    if (e->rows)
        TRY(pack(f, e, c));
    else
        ggml_backend_tensor_set(e->to, as_it_is ? c->raw : c->rows, 0, ggml_nbytes(e->to));
fail:
    return err;
}

int wn_vit_fill(struct wn_vit_file *f, const struct wn_vit *vit)
{
    FILE *in = fopen(f->path, "rb");
    int err = WN_OK;

    if (!in)
        return wn_vit_bad(f, WN_ERR_IO, "it cannot be opened");
    for (int i = 0; i < f->n_entries && err >= 0; i++) {
        struct copy c = {0};

        if (f->entry[i].id < 0)
            ggml_backend_tensor_memset(f->entry[i].to, 0, 0, ggml_nbytes(f->entry[i].to));
        else
            err = read_one(f, in, &f->entry[i], &c);
        free(c.raw);
        free(c.wide);
        free(c.rows);
        free(c.packed);
    }
    fclose(in);
    return err;
}
