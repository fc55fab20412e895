/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vit_graph.h"
#include "vit_layer.h"

static bool check_taps(const struct wn_vit *vit, const struct wn_vit_tap *tap, int n)
{
    for (int i = 0; i < n; i++) {
        const bool state = tap[i].kind == WN_VIT_HIDDEN || tap[i].kind == WN_VIT_POST_LN;

        if (tap[i].layer < 0 || tap[i].layer >= vit->info.n_layers + state ||
            (tap[i].kind == WN_VIT_POST_LN && !vit->post_ln.w))
            return false;
    }
    return true;
}

static void fill_mask(const struct wn_vit *vit, struct wn_vit_graph *g, float *row)
{
    const int64_t tokens = vit->info.n_tokens, n = wn_vit_padded(tokens);

    for (int64_t i = 0; i < n; i++)
        row[i] = i < tokens ? 0 : -INFINITY;
    for (int64_t r = 0; r < tokens; r++)
        ggml_backend_tensor_set(g->mask, row, (size_t)(r * n) * sizeof(float),
                                (size_t)n * sizeof(float));
}

static int create(struct wn_vit_graph **out, const struct wn_vit *vit, int n,
                  const struct wn_vit_tap *tap, int n_taps)
{
    struct wn_vit_graph *g = NULL;

    if (wn_vit_graph_build(&g, vit, n, tap, n_taps) < 0)
        return WN_ERR_NOMEM;
    g->memory = ggml_gallocr_new(ggml_backend_get_default_buffer_type(vit->backend));
    if (!g->memory || !ggml_gallocr_alloc_graph(g->memory, g->graph)) {
        wn_vit_graph_free(&g);
        return WN_ERR_NOMEM;
    }
    *out = g;
    return WN_OK;
}

bool wn_vit_fits(const struct wn_vit *vit)
{
    const int last = vit->info.n_layers - 1;
    const struct wn_vit_tap tap[] = {
        {WN_VIT_PROJECTED, 0, NULL}, {WN_VIT_CLS_ATTN, last, NULL}, {WN_VIT_CLS_LOGITS, last, NULL},
        {WN_VIT_RECEIVED, last, NULL}, {WN_VIT_KEY, last, NULL}, {WN_VIT_HIDDEN, 0, NULL},
    };
    struct wn_vit_graph *g = NULL;
    bool ok = wn_vit_graph_build(&g, vit, 2, tap, WN_LEN(tap)) >= 0;

    for (int i = 0; ok && i < ggml_graph_n_nodes(g->graph); i++)
        ok = ggml_backend_supports_op(vit->backend, ggml_graph_node(g->graph, i));
    wn_vit_graph_free(&g);
    return ok;
}

static bool same(const struct wn_vit_graph *g, int n, const struct wn_vit_tap *tap, int n_taps)
{
    bool ok = g && g->n == n && g->n_taps == n_taps;

    for (int i = 0; ok && i < n_taps; i++)
        ok = g->tap[i].kind == tap[i].kind && g->tap[i].layer == tap[i].layer;
    return ok;
}

/* The file's patches into rows of whole vectors. Inputs share memory with what comes later in the
 * graph, so that they are set before every run. */
static int set_inputs(struct wn_vit *vit, const float *patches)
{
    const size_t row = 3 * (size_t)vit->info.patch_size * (size_t)vit->info.patch_size;
    const size_t n = (size_t)vit->graph->n * (size_t)vit->info.n_patches;
    const size_t wide = (size_t)vit->patch_row;
    float *mask = wn_calloc((size_t)wn_vit_padded(vit->info.n_tokens), sizeof(*mask));
    float *in = wn_calloc(n, wide * sizeof(*in));
    int err = mask && in ? WN_OK : WN_ERR_NOMEM;

    for (size_t i = 0; err >= 0 && i < n; i++)
        memcpy(in + i * wide, patches + i * row, row * sizeof(*in));
    if (err >= 0)
        ggml_backend_tensor_set(vit->graph->patches, in, 0, n * wide * sizeof(*in));
    if (err >= 0 && vit->graph->mask && vit->graph->mask->buffer) /* some taps need no layer */
        fill_mask(vit, vit->graph, mask);
    free(mask);
    free(in);
    return err;
}

int wn_vit_run(struct wn_vit *vit, const float *patches, int n, const struct wn_vit_tap *tap,
               int n_taps)
{
    if (n < 1 || n_taps < 1 || !check_taps(vit, tap, n_taps))
        return wn_fail(vit->log, WN_ERR_ARG, "the encoder has no such layer");
    if (!same(vit->graph, n, tap, n_taps)) {
        wn_vit_graph_free(&vit->graph);
        if (create(&vit->graph, vit, n, tap, n_taps) < 0)
            return wn_nomem(vit->log, "the encoder's graph");
    }
    if (set_inputs(vit, patches) < 0)
        return wn_nomem(vit->log, "the encoder's input");
    if (ggml_backend_graph_compute(vit->backend, vit->graph->graph) != GGML_STATUS_SUCCESS)
        return wn_fail(vit->log, WN_ERR_DEVICE, "the encoder's graph cannot be computed");
    for (int i = 0; i < n_taps; i++)
        if (tap[i].to)
            ggml_backend_tensor_get(vit->graph->out[i], tap[i].to, 0,
                                    ggml_nbytes(vit->graph->out[i]));
    return WN_OK;
}

int wn_vit_batch(const struct wn_vit *vit)
{
    const int64_t tokens = vit->info.n_tokens;
    const int64_t one = wn_vit_padded(tokens) * tokens * vit->info.n_heads * (int64_t)sizeof(float);

    return (int)WN_MAX(1, WN_MIN(64, (32 << 20) / one));
}

size_t wn_vit_tap_size(const struct wn_vit_info *m, enum wn_vit_tap_kind kind)
{
    const size_t tokens = (size_t)m->n_tokens, heads = (size_t)m->n_heads;

    switch (kind) {
    case WN_VIT_ATTN:
        return heads * tokens * tokens;
    case WN_VIT_CLS_ATTN:
    case WN_VIT_CLS_LOGITS:
    case WN_VIT_RECEIVED:
        return heads * tokens;
    case WN_VIT_PROJECTED:
        return (size_t)m->n_patches * (size_t)m->out_dim;
    case WN_VIT_FEATURE:
        return (size_t)m->n_patches * (size_t)(m->n_features * m->dim);
    default:
        return tokens * (size_t)m->dim;
    }
}
