/* SPDX-License-Identifier: MIT */
/* A vision encoder's file with its matrices in Q8_0: half the bytes, and faster products on every
 * CPU. Or with LoRA in its matrices, and all else as it is. Only files that the own encoder
 * supports in full: of others nobody here knows which tensors stand rounding. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vit_load.h"

enum { BLOCK = 32, FILE_TYPE_Q8_0 = 7 };

struct convert {
    const char *from, *lora, *to; /* lora NULL: matrices become Q8_0 */
    char *part;               /* what is written until it is whole */
    struct wn_vit_file file;
    struct gguf_context *out;
    struct ggml_context *tensors;
    FILE *in, *written;
    struct wn_converted done;
    struct wn_log *log;
};

/* Matrices of the layers and of the projector, whose rows are whole blocks. */
static bool rounds(const struct convert *c, const struct ggml_tensor *t)
{
    const size_t n = strlen(t->name);

    return !c->lora && ggml_n_dims(t) == 2 && t->ne[0] % BLOCK == 0 && n > 7 &&
           !strcmp(t->name + n - 7, ".weight") &&
           (!strncmp(t->name, "v.blk.", 6) || !strncmp(t->name, "mm.", 3));
}

static int look_at(struct convert *c, const struct ggml_tensor *t)
{
    if (strncmp(t->name, "v.", 2) && strncmp(t->name, "mm.", 3) && strncmp(t->name, "model.", 6))
        return wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: tensor %s is of something else than a "
                       "vision tower", c->from, t->name);
    if (t->type == GGML_TYPE_F32 || t->type == GGML_TYPE_F16)
        return WN_OK;
    return wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: tensor %s is %s: only files of f16 and f32 are "
                   "converted", c->from, t->name, ggml_type_name(t->type));
}

static int define(struct convert *c, const struct wn_vit_info *info)
{
    struct wn_vit vit = {.info = *info};
    struct ggml_context *ctx = NULL;
    struct gguf_context *with = gguf_init_from_file(c->from, (struct gguf_init_params){
        .no_alloc = true, .ctx = &ctx});
    int err = with && ctx ? WN_OK : wn_nomem(c->log, "the converter");

    gguf_free(with);
    c->tensors = ctx;
    if (err >= 0 && wn_vit_define(&c->file, &vit, WN_VIT_STORED) < 0)
        err = wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: %s, so that nobody here knows what stands "
                      "rounding", c->from, c->file.why);
    ggml_free(vit.weights);
    free(vit.layer);
    if (err < 0)
        return err;
    c->out = gguf_init_empty();
    if (!c->out)
        return wn_nomem(c->log, "the converter");
    gguf_set_kv(c->out, c->file.gguf);
    if (!c->lora)
        gguf_set_val_u32(c->out, "general.file_type", FILE_TYPE_Q8_0);
    for (struct ggml_tensor *t = ggml_get_first_tensor(ctx); t; t = ggml_get_next_tensor(ctx, t)) {
        TRY(look_at(c, t));
        gguf_add_tensor(c->out, t);
        if (rounds(c, t))
            gguf_set_tensor_type(c->out, t->name, GGML_TYPE_Q8_0);
        c->done.matrices += rounds(c, t) || wn_vit_lora_has(c->file.lora, t->name);
    }
    if (!c->done.matrices)
        err = wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: no matrix has rows of whole blocks of %d",
                      c->from, BLOCK);
fail:
    return err;
}

/* ---- tensors ---- */

static int read_floats(struct convert *c, const struct ggml_tensor *t, const void *raw, float *to)
{
    const int64_t n = ggml_nelements(t);
    float sum = 0;

    if (t->type == GGML_TYPE_F16)
        ggml_fp16_to_fp32_row(raw, to, n);
    else
        memcpy(to, raw, (size_t)n * sizeof(*to));
    for (int64_t i = 0; i < n; i++)
        sum += to[i] * 0;
    if (sum != 0)
        return wn_fail(c->log, WN_ERR_MODEL, "%s: tensor %s holds values that are no finite "
                       "numbers", c->from, t->name);
    return WN_OK;
}

static int put(struct convert *c, const void *data, size_t size)
{
    static const char zeros[256] = {0};
    const size_t align = gguf_get_alignment(c->out), over = size % align;
    const size_t pad = over ? align - over : 0;

    if (align > sizeof(zeros))
        return wn_fail(c->log, WN_ERR_UNSUPPORTED, "%s: tensors stand %zu bytes apart", c->from,
                       align);
    if (fwrite(data, 1, size, c->written) != size || fwrite(zeros, 1, pad, c->written) != pad)
        return wn_fail(c->log, WN_ERR_IO, "%s: %s", c->to, strerror(errno));
    c->done.bytes += (int64_t)(size + pad);
    return WN_OK;
}

static int round_tensor(struct convert *c, const struct ggml_tensor *t, const void *raw)
{
    const size_t n = (size_t)ggml_nelements(t);
    const size_t size = ggml_row_size(GGML_TYPE_Q8_0, t->ne[0]) * (size_t)t->ne[1];
    float *wide = wn_calloc(n, sizeof(*wide));
    void *rounded = wn_calloc(size, 1);
    int err = wide && rounded ? WN_OK : wn_nomem(c->log, "a tensor");

    if (err >= 0)
        err = read_floats(c, t, raw, wide);
    if (err >= 0) {
        ggml_quantize_chunk(GGML_TYPE_Q8_0, wide, rounded, 0, t->ne[1], t->ne[0], NULL);
        err = put(c, rounded, size);
    }
    free(wide);
    free(rounded);
    return err;
}

static int merge_tensor(struct convert *c, const struct ggml_tensor *t, void *raw)
{
    const int64_t n = ggml_nelements(t);
    const float most = t->type == GGML_TYPE_F16 ? 65504.0f : 3e38f;
    float *wide = wn_calloc((size_t)n, sizeof(*wide));
    bool holds = true;
    int err = wide ? read_floats(c, t, raw, wide) : wn_nomem(c->log, "a tensor");

    if (err >= 0) {
        wn_vit_lora_add(c->file.lora, t->name, wide, (size_t)t->ne[0]);
        for (int64_t i = 0; i < n; i++)
            holds &= fabsf(wide[i]) <= most;
        if (t->type == GGML_TYPE_F16)
            ggml_fp32_to_fp16_row(wide, raw, n);
        err = !holds ? wn_fail(c->log, WN_ERR_MODEL, "%s: with %s tensor %s does not fit into %s",
                               c->from, c->lora, t->name, ggml_type_name(t->type))
            : put(c, t->type == GGML_TYPE_F16 ? raw : wide, ggml_nbytes(t));
    }
    free(wide);
    return err;
}

static int convert_tensor(struct convert *c, const struct ggml_tensor *t)
{
    const int64_t id = gguf_find_tensor(c->file.gguf, t->name);
    const size_t at = gguf_get_data_offset(c->file.gguf) + gguf_get_tensor_offset(c->file.gguf, id);
    const size_t size = ggml_nbytes(t);
    void *raw = wn_calloc(size, 1);
    int err = WN_OK;

    if (!raw)
        return wn_nomem(c->log, "a tensor");
    if (fseeko(c->in, (off_t)at, SEEK_SET) || fread(raw, 1, size, c->in) != size)
        err = wn_fail(c->log, WN_ERR_IO, "%s: tensor %s cannot be read", c->from, t->name);
    else if (wn_vit_lora_has(c->file.lora, t->name))
        err = merge_tensor(c, t, raw);
    else
        err = rounds(c, t) ? round_tensor(c, t, raw) : put(c, raw, size);
    free(raw);
    return err;
}

/* ---- files ---- */

static int write_header(struct convert *c)
{
    const size_t size = gguf_get_meta_size(c->out);
    char *meta = wn_calloc(size, 1);

    if (!meta)
        return wn_nomem(c->log, "a file's header");
    gguf_get_meta_data(c->out, meta);
    const bool ok = fwrite(meta, 1, size, c->written) == size;
    free(meta);
    c->done.bytes += (int64_t)size;
    return ok ? WN_OK : wn_fail(c->log, WN_ERR_IO, "%s: %s", c->to, strerror(errno));
}

static bool is_file(const char *path, const struct stat *st)
{
    struct stat other;

    return path && !stat(path, &other) && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

static int open_files(struct convert *c)
{
    struct stat a, b;

    c->in = fopen(c->from, "rb");
    if (!c->in || fstat(fileno(c->in), &a))
        return wn_fail(c->log, WN_ERR_IO, "%s: %s", c->from, strerror(errno));
    c->done.bytes_before = a.st_size;
    if (!stat(c->to, &b)) {
        if (is_file(c->from, &b) || is_file(c->lora, &b))
            return wn_fail(c->log, WN_ERR_ARG, "%s is the file that is read: name another",
                           c->to);
        if (!S_ISREG(b.st_mode))
            return wn_fail(c->log, WN_ERR_ARG, "%s is no file that could be replaced", c->to);
    }
    c->part = wn_sprintf("%s.part", c->to);
    if (!c->part)
        return wn_nomem(c->log, "the converter");
    c->written = fopen(c->part, "wb");
    if (!c->written)
        return wn_fail(c->log, WN_ERR_IO, "%s: %s", c->to, strerror(errno));
    return WN_OK;
}

/* What was written must be what this encoder takes, before it gets its name. */
static int close_files(struct convert *c)
{
    struct wn_vit_info info;
    char why[512] = "";
    const bool ok = !fflush(c->written) && !fsync(fileno(c->written));
    const bool closed = !fclose(c->written);

    c->written = NULL;
    if (!ok || !closed)
        return wn_fail(c->log, WN_ERR_IO, "%s: %s", c->to, strerror(errno));
    if (wn_vit_probe(c->part, &info, why, sizeof(why)) < 0)
        return wn_fail(c->log, WN_ERR_MODEL, "%s: the converted file is not right: %s", c->to,
                       why);
    if (rename(c->part, c->to))
        return wn_fail(c->log, WN_ERR_IO, "%s: %s", c->to, strerror(errno));
    free(c->part);
    c->part = NULL;
    return WN_OK;
}

static int read_header(struct convert *c, struct wn_vit_info *info)
{
    int err = wn_vit_file_open(&c->file, c->from, info);

    if (err >= 0 && c->lora)
        err = wn_vit_file_lora(&c->file, c->lora, info);
    if (err < 0)
        wn_fail(c->log, err, c->file.why_names_file ? "%s%s" : "%s: %s",
                c->file.why_names_file ? "" : c->from, c->file.why);
    return err;
}

static int convert(struct convert *c, struct wn_converted *out)
{
    struct wn_vit_info info = {0};
    int err;

    TRY(read_header(c, &info));
    TRY(define(c, &info));
    TRY(open_files(c));
    TRY(write_header(c));
    for (struct ggml_tensor *t = ggml_get_first_tensor(c->tensors); t;
         t = ggml_get_next_tensor(c->tensors, t)) {
        TRY(wn_cancelled(c->log) ? wn_fail(c->log, WN_ERR_ABORTED, "stopped") : WN_OK);
        TRY(convert_tensor(c, t));
    }
    TRY(close_files(c));
    *out = c->done;
fail:
    if (c->in)
        fclose(c->in);
    if (c->written)
        fclose(c->written);
    if (c->part)
        unlink(c->part);
    free(c->part);
    gguf_free(c->out);
    ggml_free(c->tensors);
    wn_vit_file_close(&c->file);
    return err;
}

int wn_mmproj_convert(const char *from, const char *to, struct wn_converted *out,
                      struct wn_log *log)
{
    return convert(&(struct convert){.from = from, .to = to, .log = log}, out);
}

int wn_mmproj_merge(const char *from, const char *lora, const char *to, struct wn_converted *out,
                    struct wn_log *log)
{
    return convert(&(struct convert){.from = from, .lora = lora, .to = to, .log = log}, out);
}
