/* SPDX-License-Identifier: MIT */
#include "gguf_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TENSORS 4096
#define PIECE (1 << 18) /* elements made at once */

struct fill {
    double mean, std;
};

struct gguf_out {
    struct gguf_context *keys;
    struct ggml_context *meta; /* shapes only */
    struct ggml_tensor *tensor[MAX_TENSORS];
    struct fill fill[MAX_TENSORS];
    int n;
    uint64_t seed;
    enum ggml_type matrix_type;
};

struct gguf_out *gguf_out_create(uint64_t seed, enum ggml_type matrix_type)
{
    struct gguf_out *out = calloc(1, sizeof(*out));
    struct ggml_init_params params = {
        .mem_size = MAX_TENSORS * ggml_tensor_overhead(),
        .no_alloc = true,
    };

    if (!out)
        return NULL;
    out->keys = gguf_init_empty();
    out->meta = ggml_init(params);
    out->seed = seed;
    out->matrix_type = matrix_type;
    return out;
}

struct gguf_context *gguf_out_keys(struct gguf_out *out)
{
    return out->keys;
}

static const char *full_key(char buf[256], const char *prefix, const char *name)
{
    snprintf(buf, 256, "%s.%s", prefix, name);
    return buf;
}

void gguf_out_u32(struct gguf_out *out, const char *prefix, const char *name, uint32_t v)
{
    char buf[256];

    gguf_set_val_u32(out->keys, full_key(buf, prefix, name), v);
}

void gguf_out_f32(struct gguf_out *out, const char *prefix, const char *name, float v)
{
    char buf[256];

    gguf_set_val_f32(out->keys, full_key(buf, prefix, name), v);
}

static void add(struct gguf_out *out, const char *name, struct ggml_tensor *t, double mean,
                double std)
{
    if (out->n == MAX_TENSORS) {
        fprintf(stderr, "more than %d tensors\n", MAX_TENSORS);
        exit(1);
    }
    ggml_set_name(t, name);
    gguf_add_tensor(out->keys, t);
    out->tensor[out->n] = t;
    out->fill[out->n++] = (struct fill){.mean = mean, .std = std};
}

void gguf_out_matrix(struct gguf_out *out, const char *name, int64_t n_in, int64_t n_out,
                     double std)
{
    enum ggml_type type = out->matrix_type;

    if (n_in % ggml_blck_size(type))
        type = GGML_TYPE_F16;
    add(out, name, ggml_new_tensor_2d(out->meta, type, n_in, n_out), 0, std);
}

void gguf_out_f32s(struct gguf_out *out, const char *name, int64_t n0, int64_t n1, double mean,
                   double std)
{
    struct ggml_tensor *t = n1 ? ggml_new_tensor_2d(out->meta, GGML_TYPE_F32, n0, n1)
                               : ggml_new_tensor_1d(out->meta, GGML_TYPE_F32, n0);

    add(out, name, t, mean, std);
}

void gguf_out_conv(struct gguf_out *out, const char *name, int64_t patch, int64_t n_out,
                   double std)
{
    enum ggml_type type = out->matrix_type == GGML_TYPE_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16;

    add(out, name, ggml_new_tensor_4d(out->meta, type, patch, patch, 3, n_out), 0, std);
}

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t seed_of(uint64_t seed, const char *name)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

static void fill_values(float *x, int64_t n, const struct fill *fill, uint64_t *state)
{
    float scale = (float)(fill->std * sqrt(12.0) / (1 << 24)), mean = (float)fill->mean;

    for (int64_t i = 0; i < n; i++) {
        int32_t u = (int32_t)(next(state) >> 40) - (1 << 23);

        x[i] = mean + scale * ((float)u + 0.5f);
    }
}

static bool write_tensor(FILE *f, const struct gguf_out *out, int i)
{
    const struct ggml_tensor *t = out->tensor[i];
    uint64_t state = seed_of(out->seed, t->name);
    int64_t width = t->ne[0], rows = ggml_nrows(t), step = PIECE / width > 0 ? PIECE / width : 1;
    size_t row_size = ggml_row_size(t->type, width);
    float *x = malloc((size_t)(step * width) * sizeof(*x));
    void *y = malloc((size_t)step * row_size);
    bool ok = x && y;

    for (int64_t r = 0; ok && r < rows; r += step) {
        int64_t n = rows - r < step ? rows - r : step;
        const void *from = x;

        fill_values(x, n * width, &out->fill[i], &state);
        if (t->type != GGML_TYPE_F32) {
            ggml_quantize_chunk(t->type, x, y, 0, n, width, NULL);
            from = y;
        }
        ok = fwrite(from, row_size, (size_t)n, f) == (size_t)n;
    }
    free(x);
    free(y);
    return ok;
}

static bool pad(FILE *f, size_t written, size_t align)
{
    static const char zero[64];
    size_t n = (align - written % align) % align;

    return n <= sizeof(zero) && fwrite(zero, 1, n, f) == n;
}

bool gguf_out_write(struct gguf_out *out, const char *path)
{
    size_t align = gguf_get_alignment(out->keys);
    bool ok = gguf_write_to_file(out->keys, path, true);
    FILE *f = ok ? fopen(path, "ab") : NULL;

    ok = f != NULL;
    for (int i = 0; ok && i < out->n; i++)
        ok = write_tensor(f, out, i) && pad(f, ggml_nbytes(out->tensor[i]), align);
    if (f && fclose(f))
        ok = false;
    if (!ok)
        fprintf(stderr, "%s: cannot write\n", path);
    return ok;
}

void gguf_out_destroy(struct gguf_out **out)
{
    if (!*out)
        return;
    gguf_free((*out)->keys);
    ggml_free((*out)->meta);
    free(*out);
    *out = NULL;
}
