/* SPDX-License-Identifier: MIT */
#include "taps.h"

#include <ggml-backend.h>
#include <stdlib.h>
#include <string.h>

#include "attention.h"

static bool room(float **p, size_t *have, size_t n)
{
    if (*have >= n)
        return true;
    float *q = wn_regrow(*p, n, sizeof(*q));
    if (!q)
        return false;
    *p = q;
    *have = n;
    return true;
}

static void to_float(float *out, const char *from, enum ggml_type type, int64_t n)
{
    if (type == GGML_TYPE_F32)
        memcpy(out, from, (size_t)n * sizeof(*out));
    else
        ggml_fp16_to_fp32_row((const ggml_fp16_t *)from, out, n);
}

/* Rows [first, first + n) of t [d][heads][tokens] as [n][heads][d] floats. */
static int read_rows(const struct ggml_tensor *t, int64_t first, int64_t n, float *out)
{
    const size_t row = (size_t)(t->ne[0] * t->ne[1]), size = ggml_type_size(t->type);
    const size_t span = (size_t)(n - 1) * t->nb[2] + (size_t)(t->ne[1] - 1) * t->nb[1] +
                        (size_t)t->ne[0] * size;

    if ((t->type != GGML_TYPE_F32 && t->type != GGML_TYPE_F16) || t->nb[0] != size)
        return WN_ERR_UNSUPPORTED;
    if (t->type == GGML_TYPE_F32 && t->nb[1] == (size_t)t->ne[0] * size && t->nb[2] == row * size) {
        ggml_backend_tensor_get(t, out, (size_t)first * t->nb[2], (size_t)n * row * size);
        return WN_OK;
    }
    char *raw = wn_calloc(span, 1);
    if (!raw)
        return WN_ERR_NOMEM;
    ggml_backend_tensor_get(t, raw, (size_t)first * t->nb[2], span);
    for (int64_t i = 0; i < n; i++)
        for (int64_t h = 0; h < t->ne[1]; h++)
            to_float(out + (size_t)i * row + (size_t)(h * t->ne[0]),
                     raw + (size_t)i * t->nb[2] + (size_t)h * t->nb[1], t->type, t->ne[0]);
    free(raw);
    return WN_OK;
}

static int index_of(const int32_t *layers, int32_t n, int32_t layer)
{
    for (int i = 0; i < n; i++)
        if (layers[i] == layer)
            return i;
    return -1;
}

/* out[row] = mean over the row's tokens of from[token][width]. */
static void spread(const struct wn_graph_map *map, const float *from, int32_t width, float *out,
                   size_t stride)
{
    for (int32_t r = 0; r < map->n_rows; r++) {
        const int32_t n = map->ptr[r + 1] - map->ptr[r];
        float *y = out + (size_t)r * stride;

        for (int32_t i = map->ptr[r]; i < map->ptr[r + 1]; i++) {
            const float *x = from + (size_t)map->idx[i] * (size_t)width;

            for (int32_t c = 0; c < width; c++)
                y[c] += x[c];
        }
        for (int32_t c = 0; n > 1 && c < width; c++)
            y[c] /= (float)n;
    }
}

static int attend(struct wn_taps *t, int32_t layer)
{
    const struct wn_attention *a = t->map->layer + layer;
    const int at = index_of(t->attn_layer, t->n_attn, layer);
    struct wn_attend args = {
        .q = t->q, .k = t->k, .n = a->n, .heads = a->heads, .kv_heads = a->kv_heads,
        .d_head = a->d_head, .scale = a->scale,
    };

    if (!room(&t->w, &t->w_size, (size_t)a->n * (size_t)a->heads))
        return WN_ERR_NOMEM;
    args.w = t->w;
    if (layer == t->logits_layer) {
        wn_attend_logits(&args);
        spread(t->map, t->w, 1, t->logits, 1);
    }
    if (at < 0)
        return WN_OK;
    int err = t->received ? wn_attend_received(&args, t->pool) : wn_attend_one(&args, t->pool);
    if (err < 0)
        return err;
    spread(t->map, t->w, a->heads, t->attn + (size_t)at * (size_t)a->heads,
           (size_t)t->n_attn * (size_t)a->heads);
    return WN_OK;
}

static int read_k(struct wn_taps *t, const struct ggml_tensor *tensor, const struct wn_attention *a)
{
    if (tensor->ne[2] != a->n || tensor->ne[1] != a->kv_heads || tensor->ne[0] != a->d_head)
        return WN_ERR_UNSUPPORTED;
    if (!room(&t->k, &t->k_size, (size_t)a->n * (size_t)a->kv_heads * (size_t)a->d_head))
        return WN_ERR_NOMEM;
    return read_rows(tensor, 0, a->n, t->k);
}

static int read_q(struct wn_taps *t, const struct ggml_tensor *tensor, const struct wn_attention *a)
{
    const int64_t n = t->received ? a->n : 1, first = t->received ? 0 : t->map->cls;

    if (tensor->ne[2] != a->n || tensor->ne[1] != a->heads || tensor->ne[0] != a->d_head)
        return WN_ERR_UNSUPPORTED;
    if (!room(&t->q, &t->q_size, (size_t)n * (size_t)a->heads * (size_t)a->d_head))
        return WN_ERR_NOMEM;
    return read_rows(tensor, first, n, t->q);
}

/* `later` was just computed; the other of Q and K was before it, and attention still needs it. */
static int take_attention(struct wn_taps *t, const struct ggml_tensor *later, int32_t layer)
{
    const struct wn_attention *a = t->map->layer + layer;
    const bool q_later = a->q_node > a->k_node;
    int err = WN_ERR_UNSUPPORTED;

    if (!t->first)
        goto fail;
    TRY(read_q(t, q_later ? later : t->first, a));
    TRY(read_k(t, q_later ? t->first : later, a));
    TRY(attend(t, layer));
    t->first = NULL;
fail:
    return err;
}

static int take_key(struct wn_taps *t, const struct ggml_tensor *tensor, int32_t layer)
{
    const int at = index_of(t->keys_layer, t->n_keys, layer);
    const int32_t width = t->keys_heads * t->keys_dim;
    int err;

    TRY(read_k(t, tensor, t->map->layer + layer));
    spread(t->map, t->k, width, t->keys + (size_t)at * (size_t)width,
           (size_t)t->n_keys * (size_t)width);
fail:
    return err;
}

enum { TAKE_FIRST = 1, TAKE_ATTENTION = 2, TAKE_KEY = 4 };

/* What a node is to the taps: TAKE_* flags, and of which layer. */
static unsigned look(const struct wn_taps *t, int32_t node, int32_t *layer)
{
    for (int32_t l = 0; l < t->map->n_layers; l++) {
        const struct wn_attention *a = t->map->layer + l;
        unsigned flags = 0;

        if (l == t->logits_layer || index_of(t->attn_layer, t->n_attn, l) >= 0) {
            flags |= node == WN_MIN(a->q_node, a->k_node) ? TAKE_FIRST : 0;
            flags |= node == WN_MAX(a->q_node, a->k_node) ? TAKE_ATTENTION : 0;
        }
        if (a->key_node == node && index_of(t->keys_layer, t->n_keys, l) >= 0)
            flags |= TAKE_KEY;
        *layer = l;
        if (flags)
            return flags;
    }
    return 0;
}

static int take(struct wn_taps *t, const struct ggml_tensor *tensor, int32_t node)
{
    int32_t layer = 0;
    const unsigned flags = look(t, node, &layer);
    int err = WN_OK;

    if (flags & TAKE_KEY)
        TRY(take_key(t, tensor, layer));
    if (flags & TAKE_ATTENTION)
        TRY(take_attention(t, tensor, layer));
fail:
    return err;
}

/* Asking for a node ends a piece of the graph, and each piece costs a start of ggml's threads, so a
 * layer's Q and K are read at one place. */
static bool want(struct wn_taps *t, const struct ggml_tensor *tensor, int32_t node)
{
    int32_t layer;
    const unsigned flags = t->err ? 0 : look(t, node, &layer);

    if (flags & TAKE_FIRST)
        t->first = tensor;
    return flags & (TAKE_ATTENTION | TAKE_KEY);
}

bool wn_hook_eval(struct ggml_tensor *tensor, bool ask, void *opaque)
{
    struct wn_hook *hook = opaque;

    if (ask) {
        const int32_t node = hook->node++;

        if (hook->trace)
            wn_trace_node(hook->trace, tensor);
        return hook->taps && want(hook->taps, tensor, node);
    }
    if (hook->taps && !hook->taps->err)
        hook->taps->err = take(hook->taps, tensor, hook->node - 1);
    return true;
}

static int pick(int32_t **layers, int32_t *n, const bool *flags)
{
    *layers = wn_calloc(WN_MAX_LAYERS, sizeof(**layers));
    if (!*layers)
        return WN_ERR_NOMEM;
    for (int32_t l = 0; l < WN_MAX_LAYERS; l++)
        if (flags[l])
            (*layers)[(*n)++] = l;
    return WN_OK;
}

int wn_taps_check(const struct wn_taps *t, const struct wn_graph_map *map, struct wn_log *log)
{
    const int32_t last_attn = t->n_attn ? t->attn_layer[t->n_attn - 1] : -1;
    const int32_t last_key = t->n_keys ? t->keys_layer[t->n_keys - 1] : -1;

    if (!map->known)
        return wn_fail(
            log, WN_ERR_UNSUPPORTED,
            "which patches this model's rows stand for cannot be "
            "followed through its graph: filters that need attention or keys cannot run");
    if (WN_MAX(last_attn, last_key) >= map->n_layers)
        return wn_fail(log, WN_ERR_UNSUPPORTED,
                       "attention of layer %d is not computed: this "
                       "encoder runs layers 0 to %d",
                       WN_MAX(last_attn, last_key), map->n_layers - 1);
    if (t->logits_layer >= 0 &&
        (t->logits_layer >= map->n_layers || map->layer[t->logits_layer].masked))
        return wn_fail(log, WN_ERR_UNSUPPORTED, "attention of layer %d is masked: it cannot be "
                       "read", t->logits_layer);
    for (int i = 0; i < t->n_attn; i++)
        if (map->layer[t->attn_layer[i]].masked ||
            map->layer[t->attn_layer[i]].heads != t->attn_heads)
            return wn_fail(log, WN_ERR_UNSUPPORTED, "attention of layer %d is masked: it cannot be "
                           "read", t->attn_layer[i]);
    if ((t->n_attn || t->logits_layer >= 0) && !t->received && map->cls < 0)
        return wn_fail(log, WN_ERR_UNSUPPORTED, "this model's graph has lost its CLS token");
    return WN_OK;
}

int wn_taps_create(struct wn_taps **out, const struct wn_needs *needs,
                   const struct wn_encoder_info *info, const struct wn_graph_map *map,
                   struct wn_pool *pool, struct wn_log *log)
{
    struct wn_taps *t = wn_calloc(1, sizeof(*t));
    int err = WN_ERR_NOMEM;

    if (!t)
        goto fail;
    t->pool = pool;
    t->received = !info->has_cls;
    TRY(pick(&t->attn_layer, &t->n_attn, needs->cls));
    TRY(pick(&t->keys_layer, &t->n_keys, needs->keys));
    if (t->received && t->n_attn) { /* the last layer stands in for all */
        t->attn_layer[0] = WN_MAX(map->n_layers, 1) - 1;
        t->n_attn = 1;
    }
    t->logits_layer = needs->logits && !t->received ? map->n_layers - 1 : -1;
    if (!t->n_attn && !t->n_keys && t->logits_layer < 0) {
        wn_taps_destroy(&t);
        *out = NULL;
        return WN_OK;
    }
    if (map->n_layers > 0) {
        t->attn_heads = map->layer[0].heads;
        t->keys_heads = map->layer[0].kv_heads;
        t->keys_dim = map->layer[0].d_head;
    }
    TRY(wn_taps_check(t, map, log));
    *out = t;
    return WN_OK;
fail:
    if (err == WN_ERR_NOMEM)
        wn_nomem(log, "taps of the encoder");
    wn_taps_destroy(&t);
    return err;
}

void wn_taps_destroy(struct wn_taps **taps)
{
    if (!*taps)
        return;
    free((*taps)->attn_layer);
    free((*taps)->keys_layer);
    free((*taps)->q);
    free((*taps)->k);
    free((*taps)->w);
    free(*taps);
    *taps = NULL;
}
