/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vit_graph.h"
#include "vit_layer.h"

/* While it is built. */
struct build {
    struct wn_vit_build of;
    const struct wn_vit *vit;
    struct wn_vit_graph *g;
    struct ggml_context *ctx;
    int64_t dim, d_head, tokens, n;
    struct ggml_tensor *state[WN_MAX_LAYERS + 1]; /* hidden states so far */
};

void wn_vit_graph_free(struct wn_vit_graph **graph)
{
    struct wn_vit_graph *g = *graph;

    if (!g)
        return;
    ggml_gallocr_free(g->memory);
    ggml_free(g->ctx);
    free(g->tap);
    free(g->out);
    free(g);
    *graph = NULL;
}

/* ---- what is read ---- */

static const struct wn_vit_tap *wants(const struct wn_vit_graph *g, enum wn_vit_tap_kind kind,
                                      int32_t layer, int *at)
{
    for (int i = 0; i < g->n_taps; i++)
        if (g->tap[i].kind == kind && g->tap[i].layer == layer) {
            if (at)
                *at = i;
            return &g->tap[i];
        }
    return NULL;
}

/* Marks t as the answer to every such tap. Contiguous, so that it is read in one go. */
static void give(struct build *b, enum wn_vit_tap_kind kind, int32_t layer, struct ggml_tensor *t)
{
    struct wn_vit_graph *g = b->g;
    struct ggml_tensor *copy = NULL;

    for (int i = 0; i < g->n_taps; i++) {
        if (g->tap[i].kind != kind || g->tap[i].layer != layer)
            continue;
        if (!copy) {
            copy = ggml_is_contiguous(t) && !t->view_src ? t : ggml_cont(b->ctx, t);
            ggml_set_output(copy);
            ggml_build_forward_expand(g->graph, copy);
        }
        g->out[i] = copy;
    }
}

static void give_attention(struct build *b, int l, struct ggml_tensor *rows,
                           struct ggml_tensor *logits)
{
    const struct wn_vit_graph *g = b->g;

    if (wants(g, WN_VIT_ATTN, l, NULL))
        give(b, WN_VIT_ATTN, l, wn_vit_corner(&b->of, rows, b->tokens, b->tokens));
    if (wants(g, WN_VIT_CLS_ATTN, l, NULL))
        give(b, WN_VIT_CLS_ATTN, l, wn_vit_corner(&b->of, rows, b->tokens, 1));
    if (wants(g, WN_VIT_CLS_LOGITS, l, NULL))
        give(b, WN_VIT_CLS_LOGITS, l,
             ggml_scale(b->ctx, ggml_cont(b->ctx, wn_vit_corner(&b->of, logits, b->tokens, 1)),
                        1.0f / sqrtf((float)b->d_head)));
    if (wants(g, WN_VIT_RECEIVED, l, NULL)) {
        struct ggml_tensor *t = wn_vit_corner(&b->of, rows, b->tokens, b->tokens);

        t = ggml_cont(b->ctx, ggml_permute(b->ctx, t, 1, 0, 2, 3));
        give(b, WN_VIT_RECEIVED, l, ggml_mean(b->ctx, t));
    }
}

static bool wants_rows(const struct wn_vit_graph *g, int l)
{
    return wants(g, WN_VIT_ATTN, l, NULL) || wants(g, WN_VIT_RECEIVED, l, NULL);
}

static bool wants_cls(const struct wn_vit_graph *g, int l)
{
    return wants(g, WN_VIT_CLS_ATTN, l, NULL) || wants(g, WN_VIT_CLS_LOGITS, l, NULL);
}

/* Of a layer whose output nobody needs: what its taps take. */
static void tap_only(struct build *b, int l, struct ggml_tensor *x)
{
    const struct wn_vit_layer *w = &b->vit->layer[l];
    const struct wn_vit_graph *g = b->g;
    struct ggml_tensor *k = wn_vit_linear(&b->of, x, &w->k), *q, *logits, *rows;
    const bool all = wants_rows(g, l) || wants(g, WN_VIT_QUERY, l, NULL);

    give(b, WN_VIT_KEY, l, k);
    if (wants(g, WN_VIT_VALUE, l, NULL))
        give(b, WN_VIT_VALUE, l, wn_vit_linear(&b->of, x, &w->v));
    if (!all && !wants_cls(g, l))
        return;
    if (!all) {
        x = ggml_cont(b->ctx, ggml_view_3d(b->ctx, x, b->dim, 1, b->n, x->nb[1], x->nb[2], 0));
        q = wn_vit_linear(&b->of, x, &w->q);
    } else {
        q = wn_vit_linear(&b->of, x, &w->q);
        give(b, WN_VIT_QUERY, l, q);
    }
    if (!wants_rows(g, l) && !wants_cls(g, l))
        return;
    rows = wn_vit_attention(&b->of, q, k, b->g->mask, &logits);
    give_attention(b, l, rows, logits);
}

static struct ggml_tensor *whole_layer(struct build *b, int l, struct ggml_tensor *in)
{
    const struct wn_vit_layer *w = &b->vit->layer[l];
    struct ggml_tensor *x = wn_vit_norm(&b->of, in, &w->ln1), *logits, *rows;
    struct ggml_tensor *q = wn_vit_linear(&b->of, x, &w->q);
    struct ggml_tensor *k = wn_vit_linear(&b->of, x, &w->k);
    struct ggml_tensor *v = wn_vit_linear(&b->of, x, &w->v);

    give(b, WN_VIT_QUERY, l, q);
    give(b, WN_VIT_KEY, l, k);
    give(b, WN_VIT_VALUE, l, v);
    rows = wn_vit_attention(&b->of, q, k, b->g->mask, &logits);
    give_attention(b, l, rows, logits);
    x = ggml_add(b->ctx, wn_vit_linear(&b->of, wn_vit_attend(&b->of, rows, v), &w->out), in);
    return wn_vit_mlp(&b->of, w, x);
}

/* ---- the whole ---- */

static struct ggml_tensor *embed(struct build *b)
{
    const struct wn_vit *vit = b->vit;
    const int64_t patches = vit->info.n_patches;
    struct ggml_tensor *x, *cls, *p = vit->position;

    b->g->patches = ggml_new_tensor_3d(b->ctx, GGML_TYPE_F32, vit->patch_row, patches, b->n);
    ggml_set_input(b->g->patches);
    x = wn_vit_linear(&b->of, b->g->patches, &vit->patch);
    if (vit->cls) {
        cls = ggml_new_tensor_3d(b->ctx, GGML_TYPE_F32, b->dim, 1, b->n);
        cls = ggml_repeat(b->ctx, ggml_reshape_3d(b->ctx, vit->cls, b->dim, 1, 1), cls);
        x = ggml_concat(b->ctx, cls, x, 1);
    }
    if (vit->cls && vit->info.cls_last)
        p = ggml_concat(b->ctx,
            ggml_view_2d(b->ctx, p, b->dim, 1, p->nb[1], (size_t)patches * p->nb[1]),
            ggml_view_2d(b->ctx, p, b->dim, patches, p->nb[1], 0), 1);
    x = ggml_add(b->ctx, x, p);
    return vit->pre_ln.w ? wn_vit_norm(&b->of, x, &vit->pre_ln) : x;
}

static void give_state(struct build *b, int l, struct ggml_tensor *x)
{
    b->state[l] = x;
    give(b, WN_VIT_HIDDEN, l, x);
    if (wants(b->g, WN_VIT_POST_LN, l, NULL))
        give(b, WN_VIT_POST_LN, l, wn_vit_norm(&b->of, x, &b->vit->post_ln));
}

/* The layers' states without the CLS token side by side, and the projector. */
static void project(struct build *b)
{
    const struct wn_vit_info *m = &b->vit->info;
    struct ggml_tensor *x = NULL;

    for (int i = 0; i < m->n_features; i++) {
        struct ggml_tensor *h = b->state[m->feature[i]];

        if (m->cls)
            h = ggml_cont(b->ctx, ggml_view_3d(b->ctx, h, b->dim, m->n_patches, b->n, h->nb[1],
                                               h->nb[2], h->nb[1]));
        x = x ? ggml_concat(b->ctx, x, h, 0) : h;
    }
    give(b, WN_VIT_FEATURE, 0, x);
    if (!wants(b->g, WN_VIT_PROJECTED, 0, NULL))
        return;
    x = wn_vit_project(&b->of, x);
    give(b, WN_VIT_PROJECTED, 0, x);
}

/* Layers that have to run whole, and one more that is only looked at. */
static void find_depth(const struct build *b, int *whole, int *looked)
{
    *whole = *looked = 0;
    for (int i = 0; i < b->g->n_taps; i++) {
        const struct wn_vit_tap *t = &b->g->tap[i];

        if (t->kind == WN_VIT_PROJECTED || t->kind == WN_VIT_FEATURE)
            *whole = WN_MAX(*whole, b->vit->info.depth);
        else if (t->kind == WN_VIT_HIDDEN || t->kind == WN_VIT_POST_LN)
            *whole = WN_MAX(*whole, t->layer);
        else
            *looked = WN_MAX(*looked, t->layer + 1);
    }
    *whole = WN_MAX(*whole, *looked - 1);
}

static void build_all(struct build *b)
{
    int whole, looked;
    bool features = false;

    if (wn_vit_padded(b->tokens) != b->tokens) {
        b->g->mask = ggml_new_tensor_2d(b->ctx, GGML_TYPE_F32, wn_vit_padded(b->tokens), b->tokens);
        ggml_set_input(b->g->mask);
    }
    find_depth(b, &whole, &looked);
    struct ggml_tensor *x = embed(b);
    give_state(b, 0, x);
    for (int l = 0; l < whole; l++) {
        x = whole_layer(b, l, x);
        give_state(b, l + 1, x);
    }
    if (looked > whole)
        tap_only(b, whole, wn_vit_norm(&b->of, x, &b->vit->layer[whole].ln1));
    for (int i = 0; i < b->g->n_taps; i++)
        features |= b->g->tap[i].kind == WN_VIT_PROJECTED || b->g->tap[i].kind == WN_VIT_FEATURE;
    if (features)
        project(b);
}

int wn_vit_graph_build(struct wn_vit_graph **out, const struct wn_vit *vit, int n,
                       const struct wn_vit_tap *tap, int n_taps)
{
    const size_t nodes = 64 + 64 * (size_t)vit->info.n_layers + 8 * (size_t)n_taps;
    struct wn_vit_graph *g = wn_calloc(1, sizeof(*g));
    struct build b = {
        .vit = vit, .g = g, .dim = vit->info.dim, .d_head = vit->info.dim / vit->info.n_heads,
        .tokens = vit->info.n_tokens, .n = n,
    };

    if (!g)
        return WN_ERR_NOMEM;
    g->n = n;
    g->n_taps = n_taps;
    g->tap = wn_calloc((size_t)n_taps, sizeof(*g->tap));
    g->out = wn_calloc((size_t)n_taps, sizeof(struct ggml_tensor *));
    g->ctx = b.ctx = ggml_init((struct ggml_init_params){
        .mem_size = nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(nodes, false),
        .no_alloc = true,
    });
    if (!g->tap || !g->out || !g->ctx) {
        wn_vit_graph_free(&g);
        return WN_ERR_NOMEM;
    }
    memcpy(g->tap, tap, (size_t)n_taps * sizeof(*tap));
    wn_vit_build_init(&b.of, vit, g->ctx);
    g->graph = ggml_new_graph_custom(g->ctx, nodes, false);
    build_all(&b);
    *out = g;
    return WN_OK;
}
