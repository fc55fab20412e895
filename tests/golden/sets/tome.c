/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress/match.h"
#include "tests/golden/chain.h"

static bool flag(struct golden_case *c, const char *key)
{
    json_t *v = golden_meta(c, key);
    const bool set = json_is_true(v) ||
                     (json_is_string(v) && !strcmp(json_string_value(v), "true"));

    json_decref(v);
    return set;
}

/* ---- matchings ---- */

struct edge {
    int32_t src, dst; /* rows of the frame */
    double cosine;
};

static int by_cosine(const void *pa, const void *pb)
{
    const struct edge *a = pa, *b = pb;

    return a->cosine > b->cosine ? -1 : a->cosine < b->cosine;
}

static double cosine(const float *a, const float *b, int64_t dim)
{
    double ab = 0, aa = 0, bb = 0;

    for (int64_t c = 0; c < dim; c++) {
        ab += (double)a[c] * b[c];
        aa += (double)a[c] * a[c];
        bb += (double)b[c] * b[c];
    }
    return ab / sqrt(aa * bb);
}

/* What joined what, of a frame with n rows, in the order of the authors' code. */
static int32_t edges_of(const struct wn_rows *rows, int32_t frame, int32_t n, const float *metric,
                        int64_t dim, struct edge *edge)
{
    int32_t count = 0;

    for (int32_t r = rows->frame_ptr[frame]; r < rows->frame_ptr[frame + 1]; r++) {
        const int32_t dst = rows->w.idx[rows->w.ptr[r]];
        for (int32_t k = rows->w.ptr[r] + 1; k < rows->w.ptr[r + 1]; k++) {
            const int32_t src = rows->w.idx[k];
            edge[count++] = (struct edge){src - frame * n, dst - frame * n,
                                          cosine(metric + src * dim, metric + dst * dim, dim)};
        }
    }
    qsort(edge, (size_t)count, sizeof(*edge), by_cosine);
    return count;
}

/* Places among the even rows and among the odd ones. */
static void check_edges(struct golden_case *c, const struct wn_rows *rows, int32_t n,
                        const float *metric, int64_t dim)
{
    struct edge *edge = golden_alloc(c, 4 * (int64_t)n);
    int32_t *src = golden_alloc(c, (int64_t)n * rows->n_frames);
    int32_t *dst = golden_alloc(c, (int64_t)n * rows->n_frames);
    int32_t *rest = golden_alloc(c, (int64_t)n * rows->n_frames), at = 0, left = 0;

    for (int32_t f = 0; edge && src && dst && rest && f < rows->n_frames; f++) {
        const int32_t count = edges_of(rows, f, n, metric, dim, edge);
        for (int32_t k = 0; k < count; k++) {
            src[at] = edge[k].src / 2;
            dst[at++] = edge[k].dst / 2;
        }
        for (int32_t r = rows->frame_ptr[f]; r < rows->frame_ptr[f + 1]; r++) {
            const int32_t base = rows->w.idx[rows->w.ptr[r]] - f * n;
            if (base % 2 == 0)
                rest[left++] = base / 2;
        }
    }
    golden_expect_i32(c, "out.src_idx", src, at);
    golden_expect_i32(c, "out.dst_idx", dst, at);
    golden_expect_i32(c, "out.unm_idx", rest, left);
}

/* Every row of the input with what became of it. The authors' code takes the rows to be even ones,
 * then odd ones, also where a second special row was put in front. */
static void check_unmerged(struct golden_case *c, const struct wn_rows *rows, int32_t n,
                           bool two_special)
{
    const int64_t dim = rows->dim;
    float *x = golden_alloc(c, n * dim);
    int32_t place[2] = {0}; /* of the next even and of the next odd row */

    for (int32_t r = 0; two_special && r < rows->n; r++)
        place[1] += rows->w.idx[rows->w.ptr[r]] % 2 == 0;
    for (int32_t r = 0; x && r < rows->n; r++) {
        const int32_t first = rows->w.ptr[r];
        const int32_t at = two_special ? place[rows->w.idx[first] % 2]++ : r;
        for (int32_t k = first; k < rows->w.ptr[r + 1]; k++)
            memcpy(x + rows->w.idx[k] * dim, rows->data + at * dim, (size_t)dim * sizeof(*x));
    }
    golden_expect_f32(c, "out.unmerged", x, n * dim);
}

static struct wn_rows *matched(struct golden_case *c, int special, int64_t *shape)
{
    const float *x = golden_f32(c, "in.x", shape, NULL);
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)shape[0], 1,
                                           (int32_t)shape[1] - (special > 0), special > 0,
                                           (int32_t)shape[2]) : NULL;
    int64_t key_shape[8] = {0};
    const float *metric = golden_f32(c, "in.metric", key_shape, NULL);

    if (rows && metric)
        golden_set_keys(c, rows, metric, (int32_t)key_shape[2], 22);
    if (rows && special > 1)
        rows->frames[0].layout->pos[1][0] = rows->frames[0].layout->pos[1][1] = -1;
    if (rows && golden_has_tensor(c, "in.size"))
        golden_set_size(c, rows, golden_f32(c, "in.size", key_shape, NULL));
    return rows;
}

static void run_matching(struct golden_case *c)
{
    int64_t shape[8] = {0}, key_shape[8] = {0};
    const int special = flag(c, "class_token") + flag(c, "distill_token");
    struct wn_rows *rows = matched(c, special, shape);
    const float *metric = golden_f32(c, "in.metric", key_shape, NULL);

    if (golden_run_chain(c, &rows, special, "tome=r=%d:order=paper:compat=released",
                         (int)golden_int(c, "r"))) {
        golden_expect_f32(c, "out.x", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
        golden_expect_groups(c, "out.group", rows, (int32_t)shape[0], (int32_t)shape[1]);
        check_unmerged(c, rows, (int32_t)(shape[0] * shape[1]), special > 1);
        check_edges(c, rows, (int32_t)shape[1], metric, key_shape[2]);
    }
    wn_rows_destroy(&rows);
}

/* Targets are the last of every k rows, and all others join. */
static void run_every(struct golden_case *c)
{
    int64_t shape[8] = {0};
    struct wn_rows *rows = matched(c, 0, shape);
    const int32_t n = (int32_t)shape[1], k = (int32_t)golden_int(c, "k");
    int32_t *dst = golden_alloc(c, n), *of_row = golden_alloc(c, n), joined = 0;

    if (golden_run_chain(c, &rows, false, "tome=keep=0:r=%d:every=%d:order=paper", n, k) && dst &&
        of_row) {
        golden_expect_f32(c, "out.x", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
        for (int32_t r = 0; r < rows->n; r++) {
            for (int32_t e = rows->w.ptr[r]; e < rows->w.ptr[r + 1]; e++)
                of_row[rows->w.idx[e]] = r;
        }
        for (int32_t i = 0; i < n; i++) {
            if (i % k != k - 1)
                dst[joined++] = of_row[i];
        }
        golden_expect_i32(c, "out.dst_idx", dst, joined);
    }
    wn_rows_destroy(&rows);
}

static void run_schedule(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const int32_t *layers = golden_i32(c, "in.layers", shape, NULL);
    const int32_t *r = golden_i32(c, "in.r", NULL, NULL);
    const int32_t *inflect = golden_i32(c, "in.inflect_x10", NULL, NULL);
    const int64_t n = shape[0];
    golden_i32(c, "out.schedule", shape, NULL);
    int32_t *out = golden_alloc(c, n * shape[1]);

    for (int64_t i = 0; !c->failed && i < n * shape[1]; i++) {
        const int32_t row = (int32_t)(i / shape[1]), l = (int32_t)(i % shape[1]);
        out[i] = l < layers[row] ? wn_match_schedule(r[row], inflect[row] / 10.0, l, layers[row])
                                 : -1;
    }
    golden_expect_i32(c, "out.schedule", out, n * shape[1]);
}

/* ---- whole blocks of a tower ---- */

struct block {
    struct golden_case *c;
    int layer;
    int32_t dim, heads;
};

static const float *weight(const struct block *b, const char *name, int64_t *rows)
{
    int64_t shape[8] = {0};
    char full[64];

    snprintf(full, sizeof(full), "in.w%d.%s", b->layer, name);
    const float *w = golden_f32(b->c, full, shape, NULL);
    if (rows)
        *rows = shape[0];
    return w;
}

static void norm(const struct block *b, const char *name, const float *x, float *y)
{
    char full[32];
    double mean = 0, square = 0;

    snprintf(full, sizeof(full), "%s.weight", name);
    const float *w = weight(b, full, NULL);
    snprintf(full, sizeof(full), "%s.bias", name);
    const float *bias = weight(b, full, NULL);
    for (int32_t k = 0; k < b->dim; k++)
        mean += (double)x[k] / b->dim;
    for (int32_t k = 0; k < b->dim; k++)
        square += (x[k] - mean) * (x[k] - mean) / b->dim;
    for (int32_t k = 0; w && bias && k < b->dim; k++)
        y[k] = (float)((x[k] - mean) / sqrt(square + 1e-6) * w[k] + bias[k]);
}

/* y = W x + bias; how many rows W has. */
static int64_t linear(const struct block *b, const char *name, const float *x, int64_t n, float *y)
{
    char full[32];
    int64_t rows = 0;

    snprintf(full, sizeof(full), "%s.weight", name);
    const float *w = weight(b, full, &rows);
    snprintf(full, sizeof(full), "%s.bias", name);
    const float *bias = weight(b, full, NULL);
    for (int64_t r = 0; w && bias && r < rows; r++) {
        double sum = bias[r];
        for (int64_t k = 0; k < n; k++)
            sum += (double)w[r * n + k] * x[k];
        y[r] = (float)sum;
    }
    return rows;
}

/* y = what query i sees; qkv [n][3 dim]. */
static void attend(const struct block *b, const float *qkv, const float *size, int32_t n, int32_t i,
                   double *p, float *y)
{
    const int32_t each = b->dim / b->heads, width = 3 * b->dim;

    for (int32_t h = 0; h < b->heads; h++) {
        const float *q = qkv + (int64_t)i * width + h * each;
        double total = 0;
        for (int32_t j = 0; j < n; j++) {
            const float *k = qkv + (int64_t)j * width + b->dim + h * each;
            double dot = 0;
            for (int32_t e = 0; e < each; e++)
                dot += (double)q[e] * k[e];
            p[j] = exp(dot / sqrt(each)) * (size ? size[j] : 1);
            total += p[j];
        }
        for (int32_t e = 0; e < each; e++) {
            double sum = 0;
            for (int32_t j = 0; j < n; j++)
                sum += p[j] / total * qkv[(int64_t)j * width + 2 * b->dim + h * each + e];
            y[h * each + e] = (float)sum;
        }
    }
}

/* The first half of a block, and its keys. */
static void attention(const struct block *b, struct wn_rows *rows, bool proportional)
{
    const int32_t n = rows->n, dim = b->dim;
    float *qkv = golden_alloc(b->c, (int64_t)n * dim * 3), *keys = golden_alloc(b->c, n * dim);
    float *y = golden_alloc(b->c, dim), *z = golden_alloc(b->c, dim);
    double *p = golden_alloc(b->c, 2 * (int64_t)n);

    if (b->c->failed)
        return;
    for (int32_t i = 0; i < n; i++) {
        norm(b, "norm1", rows->data + (int64_t)i * dim, y);
        linear(b, "attn.qkv", y, dim, qkv + (int64_t)i * dim * 3);
        memcpy(keys + (int64_t)i * dim, qkv + ((int64_t)i * 3 + 1) * dim,
               (size_t)dim * sizeof(*keys));
    }
    for (int32_t i = 0; i < n; i++) {
        attend(b, qkv, proportional ? rows->size : NULL, n, i, p, y);
        linear(b, "attn.proj", y, dim, z);
        for (int32_t k = 0; k < dim; k++)
            rows->data[(int64_t)i * dim + k] += z[k];
    }
    golden_set_keys(b->c, rows, keys, dim, 22);
    rows->keys_heads = b->heads;
    rows->keys_dim = dim / b->heads;
}

static void mlp(const struct block *b, struct wn_rows *rows)
{
    float *y = golden_alloc(b->c, b->dim), *z = golden_alloc(b->c, 8 * (int64_t)b->dim);

    for (int32_t i = 0; !b->c->failed && i < rows->n; i++) {
        float *x = rows->data + (int64_t)i * b->dim;
        norm(b, "norm2", x, y);
        const int64_t hidden = linear(b, "mlp.0", y, b->dim, z);
        for (int64_t k = 0; k < hidden; k++)
            z[k] = (float)(0.5 * z[k] * (1 + erf(z[k] / sqrt(2))));
        linear(b, "mlp.2", z, hidden, y);
        for (int32_t k = 0; k < b->dim; k++)
            x[k] += y[k];
    }
}

static void check_layer(struct golden_case *c, const struct wn_rows *rows, int layer)
{
    char name[32];

    snprintf(name, sizeof(name), "mid.x%d", layer);
    golden_expect_f32(c, name, rows->data, (int64_t)rows->n * rows->dim);
    snprintf(name, sizeof(name), "mid.size%d", layer);
    golden_expect_f32(c, name, rows->size, rows->n);
}

static void run_blocks(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.x", shape, NULL);
    const int layers = (int)golden_int(c, "layers"), r = (int)golden_int(c, "r");
    struct wn_rows *rows = x ? golden_rows(c, x, 1, 1, (int32_t)shape[1] - 1, true,
                                           (int32_t)shape[2]) : NULL;
    struct block b = {.c = c, .dim = (int32_t)shape[2], .heads = (int32_t)golden_int(c, "heads")};

    for (int l = 0; !c->failed && l < layers; l++) {
        b.layer = l;
        attention(&b, rows, flag(c, "prop_attn"));
        if (!golden_run_chain(c, &rows, true, "tome=r=%d:order=paper", r))
            break;
        mlp(&b, rows);
        check_layer(c, rows, l);
    }
    if (!c->failed) {
        golden_expect_f32(c, "out.x", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
        golden_expect_groups(c, "out.group", rows, 1, (int32_t)shape[1]);
    }
    wn_rows_destroy(&rows);
}

static void run(struct golden_case *c)
{
    if (golden_has(c, "layers"))
        run_blocks(c);
    else if (golden_has(c, "k"))
        run_every(c);
    else if (golden_has(c, "r"))
        run_matching(c);
    else
        run_schedule(c);
}

const struct golden_set golden_tome = {
    .name = "tome",
    .runs_kernels = true,
    .run = run,
};
