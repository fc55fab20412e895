/* SPDX-License-Identifier: MIT */
/* Attention and keys of the encoder against what plain libmtmd runs show. */
#include "vision_pair.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ggml-backend.h>

enum { MAX_L = 8 };

/* What a plain run's graph shows by the names libmtmd gives its nodes. */
struct shown {
    float *soft[MAX_L]; /* [heads][queries][keys], without flash attention */
    float *q[MAX_L], *k[MAX_L], *raw[MAX_L]; /* [tokens][heads][d] */
    int32_t n, heads, d, n_soft;
    int32_t *window;    /* Qwen2.5: output row -> group of four */
};

static float *grab(struct ggml_tensor *t)
{
    float *x = malloc(ggml_nbytes(t));

    ggml_backend_tensor_get(t, x, 0, ggml_nbytes(t));
    return x;
}

static bool named(const char *name, const char *stem, int *layer)
{
    const size_t n = strlen(stem);
    char *end;

    if (strncmp(name, stem, n) || name[n] < '0' || name[n] > '9')
        return false;
    *layer = (int)strtol(name + n, &end, 10);
    return !*end && *layer < MAX_L;
}

static bool see(struct plain *plain, struct ggml_tensor *t, bool ask)
{
    struct shown *s = plain->arg;
    const bool window = t->op == GGML_OP_GET_ROWS && !strcmp(t->src[1]->name, "window_idx");
    int l = 0;
    float **to = t->op == GGML_OP_SOFT_MAX ? &s->soft[s->n_soft % MAX_L]
                 : named(t->name, "Qcur-", &l) ? &s->q[l]
                 : named(t->name, "Kcur-", &l) ? &s->k[l]
                 : named(t->name, "Qcur_rope-", &l) ? &s->q[l]
                 : named(t->name, "Kcur_rope-", &l) ? &s->k[l] : NULL;

    if (ask)
        return to || window;
    if (window) {
        free(s->window);
        s->window = (int32_t *)grab(t->src[1]);
        return true;
    }
    if (to == &s->soft[s->n_soft % MAX_L] && t->op == GGML_OP_SOFT_MAX)
        s->n_soft++;
    if (named(t->name, "Kcur-", &l)) {
        free(s->raw[l]);
        s->raw[l] = grab(t);
    }
    if (named(t->name, "Qcur-", &l)) {
        s->d = (int32_t)t->ne[0];
        s->heads = (int32_t)t->ne[1];
        s->n = (int32_t)t->ne[2];
    }
    free(*to);
    *to = grab(t);
    return true;
}

static void shown_free(struct shown *s)
{
    for (int l = 0; l < MAX_L; l++) {
        free(s->soft[l]);
        free(s->q[l]);
        free(s->k[l]);
        free(s->raw[l]);
    }
    free(s->window);
}

/* Which tokens of the tower output row r of a picture stands for, by what is known of each kind. */
static int tokens_of(const struct fixture *f, const struct shown *s, int32_t r, int32_t side,
                     int32_t idx[4])
{
    if (!strcmp(f->kind, "llava")) {
        idx[0] = r + 1; /* patches 1.., then CLS */
        return 1;
    }
    for (int i = 0; i < 4; i++)
        idx[i] = !strcmp(f->kind, "qwen2vl") ? 4 * r + i
                 : !strcmp(f->kind, "qwen25vl") ? 4 * s->window[r] + i
                 : (r / (side / 2) * 2 + i / 2) * side + r % (side / 2) * 2 + i % 2;
    return 4;
}

/* Attention of token j (by CLS, or received) from the matrix [heads][queries][keys]. */
static double from_matrix(const struct shown *s, const float *m, int32_t head, int32_t j, bool cls)
{
    double sum = 0;

    m += (size_t)head * (size_t)s->n * (size_t)s->n;
    if (cls)
        return (double)m[(size_t)(s->n - 1) * (size_t)s->n + (size_t)j];
    for (int32_t i = 0; i < s->n; i++)
        sum += (double)m[(size_t)i * (size_t)s->n + (size_t)j];
    return sum / s->n;
}

/* The same matrix from Q and K, in double. */
static float *matrix(const struct shown *s, int l)
{
    float *m = calloc((size_t)s->heads * (size_t)s->n * (size_t)s->n, sizeof(*m));
    double *e = calloc((size_t)s->n, sizeof(*e));

    for (int32_t h = 0; h < s->heads; h++)
        for (int32_t i = 0; i < s->n; i++) {
            double sum = 0;

            for (int32_t j = 0; j < s->n; j++) {
                double dot = 0;

                for (int32_t d = 0; d < s->d; d++)
                    dot += (double)s->q[l][(i * s->heads + h) * s->d + d] *
                           (double)s->k[l][(j * s->heads + h) * s->d + d];
                e[j] = exp(dot / sqrt(s->d));
                sum += e[j];
            }
            for (int32_t j = 0; j < s->n; j++)
                m[((size_t)h * (size_t)s->n + (size_t)i) * (size_t)s->n + (size_t)j] =
                    (float)(e[j] / sum);
        }
    free(e);
    return m;
}

/* Largest difference of one layer's tap from a matrix, over the rows of the last chunk. */
static double compare(const struct fixture *f, const struct wn_rows *rows, const struct shown *s,
                      const float *m, int32_t at)
{
    const struct wn_layout *layout = rows->frames[0].layout;
    int32_t n = 0, idx[4];
    double worst = 0;

    for (int32_t p = 0; p < layout->n_parts; p++)
        n = layout->parts[p].n_rows ? layout->parts[p].n_rows : n;
    const int32_t row0 = layout->n_rows - n, side = (int32_t)lround(sqrt(n)) * 2;
    for (int32_t r = 0; r < n; r++)
        for (int32_t h = 0; h < s->heads; h++) {
            const int k = tokens_of(f, s, r, side, idx);
            const float tap = rows->attn[((size_t)(row0 + r) * (size_t)rows->attn_layers +
                                          (size_t)at) * (size_t)rows->attn_heads + (size_t)h];
            double want = 0;

            for (int i = 0; i < k; i++)
                want += from_matrix(s, m, h, idx[i], f->enc->info.has_cls) / k;
            worst = fmax(worst, fabs(want - (double)tap));
        }
    return worst;
}

static double compare_keys(const struct fixture *f, const struct wn_rows *rows,
                           const struct shown *s, int layer, int at)
{
    const struct wn_layout *layout = rows->frames[0].layout;
    const int32_t width = rows->keys_heads * rows->keys_dim;
    int32_t n = 0, idx[4];
    double worst = 0;

    for (int32_t p = 0; p < layout->n_parts; p++)
        n = layout->parts[p].n_rows ? layout->parts[p].n_rows : n;
    const int32_t row0 = layout->n_rows - n, side = (int32_t)lround(sqrt(n)) * 2;
    for (int32_t r = 0; r < n; r++)
        for (int32_t c = 0; c < width; c++) {
            const int k = tokens_of(f, s, r, side, idx);
            double want = 0;

            for (int i = 0; i < k; i++)
                want += (double)s->raw[layer][(size_t)idx[i] * (size_t)width + (size_t)c] / k;
            worst = fmax(worst, fabs(want - (double)rows->keys[((size_t)(row0 + r) *
                         (size_t)rows->keys_layers + (size_t)at) * (size_t)width + (size_t)c]));
        }
    return worst;
}

struct wn_needs all_needs(const struct wn_encoder_info *info)
{
    struct wn_needs needs = {{0}};

    for (int l = 0; l < info->n_read; l++)
        needs.cls[l] = true;
    needs.keys[0] = needs.keys[info->n_read - 1] = true;
    return needs;
}

void check_taps(struct fixture *f)
{
    const struct wn_needs needs = all_needs(&f->enc->info);
    struct wn_frame *frame = picture(100, 64, 5);
    struct wn_rows *rows = encode(f, &frame, 1, false, &needs);
    struct shown flash = {{0}}, soft = {{0}};
    struct plain with = {.see = see, .arg = &flash}, without = {.see = see, .arg = &soft};
    double exact = 0, first = 0, later = 0, keys = 0;

    assert_true(plain_open(&with, &f->pair, true) && plain_encode(&with, &frame, 1));
    assert_true(plain_open(&without, &f->pair, false) && plain_encode(&without, &frame, 1));
    assert_int_equal(rows->attn_heads, flash.heads);
    assert_int_equal(rows->attn_received, !f->enc->info.has_cls);
    assert_int_equal(rows->attn_layers, f->enc->info.has_cls ? f->enc->info.n_read : 1);
    assert_int_equal(soft.n_soft % f->enc->info.n_read, 0);
    for (int32_t at = 0; at < rows->attn_layers; at++) {
        const int l = rows->attn_layer[at];
        /* Matrices of the last chunk: chunks before it counted n_read each. */
        const int slot = (soft.n_soft - f->enc->info.n_read + l) % MAX_L;
        float *m = matrix(&flash, l);
        const double d = compare(f, rows, &soft, soft.soft[slot], at);

        exact = fmax(exact, compare(f, rows, &flash, m, at));
        if (l == 0)
            first = d;
        else
            later = fmax(later, d);
        free(m);
    }
    for (int at = 0; at < rows->keys_layers; at++)
        keys = fmax(keys, compare_keys(f, rows, &flash, rows->keys_layer[at], at));
    printf("%s: attention of %d layers: %.2g from Q and K in double; without flash attention %.2g "
           "in layer 0, %.2g later; keys %.2g\n",
           f->kind, rows->attn_layers, exact, first, later, keys);
    assert_true(exact < 1e-6);
    assert_true(first < 1e-6);
    assert_true(later < 1e-2); /* K and V are f16 in flash attention */
    assert_true(keys < 1e-6);
    shown_free(&flash);
    shown_free(&soft);
    plain_close(&with);
    plain_close(&without);
    wn_rows_destroy(&rows);
    wn_frame_unref(&frame);
}

/* Taps change no row and do not depend on threads; what they cost here is printed. */
void check_tap_cost(struct fixture *f)
{
    const struct wn_needs needs = all_needs(&f->enc->info);
    struct wn_frame *frame = picture(100, 64, 6);
    struct wn_rows *rows[3] = {NULL};
    struct wn_pool *pool = f->pool;
    double time[3];

    for (int k = 0; k < 3; k++) { /* none; all on two threads; all on one */
        if (k == 2) {
            wn_encoder_close(&f->enc);
            f->pool = NULL;
            assert_int_equal(open_encoder(f, NULL, false), WN_OK);
        }
        time[k] = 1e9;
        for (int round = 0; round < 3; round++) {
            const double start = wn_now();

            wn_rows_destroy(&rows[k]);
            rows[k] = encode(f, &frame, 1, false, k ? &needs : NULL);
            time[k] = fmin(time[k], wn_now() - start);
        }
    }
    f->pool = pool;
    const size_t n = (size_t)rows[0]->n;
    assert_memory_equal(rows[0]->data, rows[1]->data, n * (size_t)rows[0]->dim * sizeof(float));
    assert_memory_equal(rows[1]->attn, rows[2]->attn, n * (size_t)rows[1]->attn_layers *
                        (size_t)rows[1]->attn_heads * sizeof(float));
    printf("%s: a picture takes %.2f ms without taps, %.2f ms with all\n", f->kind, time[0] * 1e3,
           time[1] * 1e3);
    for (int k = 0; k < 3; k++)
        wn_rows_destroy(&rows[k]);
    wn_frame_unref(&frame);
}
