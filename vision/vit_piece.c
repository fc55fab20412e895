/* SPDX-License-Identifier: MIT */
/* A graph for each piece, built and forgotten: next to a layer's products that costs nothing, and
 * lengths change from batch to batch. All share one allocator. */
#include "vit_piece.h"

#include <ggml-alloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vit_layer.h"

/* While it is built. */
struct piece {
    struct wn_vit_build b;
    const struct wn_vit_piece *p;
    struct ggml_cgraph *graph;
    struct ggml_tensor *in, *out, *cls;
    struct ggml_tensor **mask; /* [n_groups] or NULL each */
    struct taps *tap;          /* [n_read] */
};

struct taps { /* [n_groups] each, keys once */
    struct ggml_tensor *keys, **attn, **logits, **received, **mutual;
};

static struct ggml_tensor *input(struct ggml_context *ctx, enum ggml_type type, int64_t ne0,
                                 int64_t ne1, int64_t ne2, int64_t ne3)
{
    struct ggml_tensor *t = ggml_new_tensor_4d(ctx, type, ne0, ne1, ne2, ne3);

    ggml_set_input(t);
    return t;
}

static struct ggml_tensor *give(struct piece *s, struct ggml_tensor *t)
{
    t = ggml_is_contiguous(t) && !t->view_src ? t : ggml_cont(s->b.ctx, t);
    ggml_set_output(t);
    ggml_build_forward_expand(s->graph, t);
    return t;
}

/* The rows of a group, [dim][tokens][n]. */
static struct ggml_tensor *rows_of(struct piece *s, struct ggml_tensor *x, int32_t row0,
                                   int32_t tokens, int32_t n)
{
    const size_t row = (size_t)s->b.dim * sizeof(float);

    return ggml_view_3d(s->b.ctx, x, s->b.dim, tokens, n, row, (size_t)tokens * row,
                        (size_t)row0 * row);
}

static struct wn_vit_read *reads(const struct piece *s, int l, int *at)
{
    for (*at = 0; *at < s->p->n_read; ++*at)
        if (s->p->read[*at].layer == l)
            return &s->p->read[*at];
    return NULL;
}

static void read_cls(struct piece *s, const struct wn_vit_read *r, struct taps *tap, int g,
                     struct ggml_tensor *k, struct ggml_tensor *q)
{
    const struct wn_vit_group *group = &s->p->group[g];
    struct ggml_tensor *logits, *rows;

    q = rows_of(s, ggml_get_rows(s->b.ctx, q, s->cls), group->cls0, group->n_cls, group->n);
    rows = wn_vit_attention(&s->b, q, k, s->mask[g], &logits);
    if (r->attn)
        tap->attn[g] = give(s, rows);
    if (r->logits)
        tap->logits[g] = give(s, logits);
}

static void read_group(struct piece *s, int l, int g, struct ggml_tensor *k, struct ggml_tensor *q,
                       struct ggml_tensor *rows)
{
    const struct wn_vit_group *group = &s->p->group[g];
    struct ggml_context *ctx = s->b.ctx;
    int at;
    const struct wn_vit_read *r = reads(s, l, &at);

    if (!r)
        return;
    if ((r->attn || r->logits) && group->n_cls > 0)
        read_cls(s, r, &s->tap[at], g, k, q);
    if (r->received) {
        struct ggml_tensor *t = wn_vit_corner(&s->b, rows, group->tokens, group->tokens);
        s->tap[at].received[g] =
            give(s, ggml_mean(ctx, ggml_cont(ctx, ggml_permute(ctx, t, 1, 0, 2, 3))));
    }
    if (r->mutual)
        s->tap[at].mutual[g] =
            give(s, ggml_mul_mat(ctx, k, rows_of(s, q, group->row0, group->tokens, group->n)));
}

/* x as the next rows of `all`. On the CPU they take the place of their values, which have been
 * used by then: joining many groups one by one would copy the first of them over and over. */
static struct ggml_tensor *put(struct piece *s, struct ggml_tensor *all, struct ggml_tensor *v,
                               struct ggml_tensor *x, int32_t row0)
{
    if (s->p->n_groups == 1)
        return x;
    if (!s->b.vit->on_cpu)
        return all ? ggml_concat(s->b.ctx, all, x, 1) : x;
    return ggml_set_2d_inplace(s->b.ctx, all ? all : v, x, v->nb[1], (size_t)row0 * v->nb[1]);
}

static struct ggml_tensor *attention(struct piece *s, int l, struct ggml_tensor *in)
{
    const struct wn_vit_layer *w = &s->b.vit->layer[l];
    struct ggml_context *ctx = s->b.ctx;
    struct ggml_tensor *x = wn_vit_norm(&s->b, in, &w->ln1), *all = NULL, *logits;
    struct ggml_tensor *q = wn_vit_linear(&s->b, x, &w->q);
    struct ggml_tensor *k = wn_vit_linear(&s->b, x, &w->k);
    struct ggml_tensor *v = wn_vit_linear(&s->b, x, &w->v);
    int at;
    const struct wn_vit_read *r = reads(s, l, &at);

    if (r && r->keys)
        s->tap[at].keys = give(s, k);
    for (int g = 0; g < s->p->n_groups; g++) {
        const struct wn_vit_group *group = &s->p->group[g];
        const int32_t row0 = group->row0, t = group->tokens, n = group->n;
        struct ggml_tensor *keys = rows_of(s, k, row0, t, n);
        struct ggml_tensor *rows = wn_vit_attention(&s->b, rows_of(s, q, row0, t, n), keys,
                                                    s->mask[g], &logits);
        read_group(s, l, g, keys, q, rows);
        x = wn_vit_attend(&s->b, rows, rows_of(s, v, row0, t, n));
        x = ggml_reshape_2d(ctx, x, s->b.dim, (int64_t)t * n);
        all = put(s, all, v, x, row0);
    }
    return ggml_add(ctx, wn_vit_linear(&s->b, all, &w->out), in);
}

static void build(struct piece *s)
{
    const struct wn_vit_piece *p = s->p;
    struct ggml_context *ctx = s->b.ctx;
    struct ggml_tensor *x = s->in = input(ctx, GGML_TYPE_F32, s->b.dim, p->rows, 1, 1);

    if (p->n_cls > 0)
        s->cls = input(ctx, GGML_TYPE_I32, p->n_cls, 1, 1, 1);
    for (int g = 0; g < p->n_groups; g++) {
        const struct wn_vit_group *group = &p->group[g];
        const int64_t keys = wn_vit_padded(group->tokens);

        if (keys != group->tokens || group->weighted)
            s->mask[g] = input(ctx, GGML_TYPE_F32, keys, group->tokens, 1,
                               group->weighted ? group->n : 1);
    }
    for (int32_t at = p->from; at < p->to; at++)
        x = at % 2 ? wn_vit_mlp(&s->b, &s->b.vit->layer[at / 2], x) : attention(s, at / 2, x);
    if (p->out && p->to > p->from)
        s->out = give(s, x);
}

/* ---- memory ---- */

static int open_piece(struct piece *s, const struct wn_vit *vit, size_t nodes, int32_t n_groups,
                      int32_t n_read)
{
    struct ggml_context *ctx = ggml_init((struct ggml_init_params){
        .mem_size = nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(nodes, false),
        .no_alloc = true,
    });

    wn_vit_build_init(&s->b, vit, ctx);
    s->mask = wn_calloc((size_t)n_groups + 1, sizeof(struct ggml_tensor *));
    s->tap = wn_calloc((size_t)n_read + 1, sizeof(*s->tap));
    if (!ctx || !s->mask || !s->tap)
        return WN_ERR_NOMEM;
    s->graph = ggml_new_graph_custom(ctx, nodes, false);
    for (int32_t i = 0; i < n_read; i++) {
        struct ggml_tensor **list = wn_calloc(4 * (size_t)n_groups + 1,
                                              sizeof(struct ggml_tensor *));
        if (!list)
            return WN_ERR_NOMEM;
        s->tap[i] = (struct taps){NULL, list, list + n_groups, list + 2 * n_groups,
                                  list + 3 * n_groups};
    }
    return WN_OK;
}

static void close_piece(struct piece *s, int32_t n_read)
{
    for (int32_t i = 0; s->tap && i < n_read; i++)
        free(s->tap[i].attn);
    free(s->tap);
    free(s->mask);
    ggml_free(s->b.ctx);
}

static int give_memory(struct wn_vit *vit, struct ggml_cgraph *graph)
{
    if (!vit->pieces)
        vit->pieces = ggml_gallocr_new(ggml_backend_get_default_buffer_type(vit->backend));
    if (!vit->pieces || !ggml_gallocr_alloc_graph(vit->pieces, graph))
        return wn_nomem(vit->log, "the encoder's graph");
    return WN_OK;
}

static int compute(struct wn_vit *vit, struct ggml_cgraph *graph)
{
    if (ggml_backend_graph_compute(vit->backend, graph) != GGML_STATUS_SUCCESS)
        return wn_fail(vit->log, WN_ERR_DEVICE, "the encoder's graph cannot be computed");
    return WN_OK;
}

/* Where nothing reads a tensor it has no memory. */
static void set(struct ggml_tensor *t, const void *from)
{
    if (t && t->buffer)
        ggml_backend_tensor_set(t, from, 0, ggml_nbytes(t));
}

/* ---- masks in, taps out ---- */

static int set_mask(const struct piece *s, int g)
{
    const struct wn_vit_group *group = &s->p->group[g];
    struct ggml_tensor *mask = s->mask[g];
    const int64_t keys = mask ? mask->ne[0] : 0, tokens = group->tokens;

    if (!mask || !mask->buffer)
        return WN_OK;
    float *m = wn_calloc((size_t)ggml_nelements(mask), sizeof(*m));
    if (!m)
        return wn_nomem(s->b.vit->log, "the encoder's mask");
    for (int64_t n = 0; n < mask->ne[3]; n++) {
        float *first = m + n * keys * tokens;
        for (int64_t k = 0; k < keys; k++)
            first[k] = k >= tokens ? -INFINITY
                     : group->weighted ? logf(s->p->size[group->row0 + n * tokens + k]) : 0;
        for (int64_t r = 1; r < tokens; r++)
            memcpy(first + r * keys, first, (size_t)keys * sizeof(*m));
    }
    ggml_backend_tensor_set(mask, m, 0, ggml_nbytes(mask));
    free(m);
    return WN_OK;
}

/* to [rows][heads] of t [keys][queries][heads][n]; one query: of every row alike. */
static int get_heads(const struct piece *s, int g, const struct ggml_tensor *t, float *to,
                     float scale)
{
    const struct wn_vit_group *group = &s->p->group[g];
    const int64_t heads = s->b.heads, keys = t->ne[0], queries = t->ne[1];
    float *v = wn_calloc((size_t)ggml_nelements(t), sizeof(*v));

    if (!v)
        return wn_nomem(s->b.vit->log, "what is read of the encoder");
    ggml_backend_tensor_get(t, v, 0, ggml_nbytes(t));
    for (int64_t i = 0; i < (int64_t)group->n * group->tokens; i++) {
        const int64_t row = group->row0 + i, n = i / group->tokens, k = i % group->tokens;
        const int64_t query = s->p->query && queries > 1 ? s->p->query[row] : 0;
        for (int64_t h = 0; h < heads; h++)
            to[row * heads + h] = scale * v[((n * heads + h) * queries + query) * keys + k];
    }
    free(v);
    return WN_OK;
}

/* t is [1][tokens][heads][n] */
static int get_received(const struct piece *s, int g, struct ggml_tensor *t, float *to)
{
    struct ggml_tensor as = *t;

    as.ne[0] = t->ne[1];
    as.ne[1] = 1;
    return get_heads(s, g, &as, to, 1);
}

static int get_mutual(const struct piece *s, int g, const struct ggml_tensor *t,
                      const struct wn_vit_read *r)
{
    const struct wn_vit_group *group = &s->p->group[g];
    const float scale = 1.0f / (sqrtf((float)s->b.d_head) * (float)s->b.heads);
    float *v = wn_calloc((size_t)ggml_nelements(t), sizeof(*v));

    if (!v)
        return wn_nomem(s->b.vit->log, "what is read of the encoder");
    ggml_backend_tensor_get(t, v, 0, ggml_nbytes(t));
    for (int64_t i = 0; i < (int64_t)group->n * group->tokens; i++)
        for (int64_t k = 0; k < r->width; k++)
            r->mutual[(group->row0 + i) * r->width + k] =
                k < group->tokens ? scale * v[i * group->tokens + k] : 0;
    free(v);
    return WN_OK;
}

static int get_taps(const struct piece *s, const struct wn_vit_read *r, const struct taps *tap)
{
    const float scale = 1.0f / sqrtf((float)s->b.d_head);
    int err = WN_OK;

    if (tap->keys)
        ggml_backend_tensor_get(tap->keys, r->keys, 0, ggml_nbytes(tap->keys));
    for (int g = 0; g < s->p->n_groups; g++) {
        if (tap->attn[g])
            TRY(get_heads(s, g, tap->attn[g], r->attn, 1));
        if (tap->logits[g])
            TRY(get_heads(s, g, tap->logits[g], r->logits, scale));
        if (tap->received[g])
            TRY(get_received(s, g, tap->received[g], r->received));
        if (tap->mutual[g])
            TRY(get_mutual(s, g, tap->mutual[g], r));
    }
fail:
    return err;
}

int wn_vit_piece_run(struct wn_vit *vit, const struct wn_vit_piece *p)
{
    const size_t layers = (size_t)(p->to - p->from) / 2 + 1;
    const size_t nodes = 64 + layers * (48 + 64 * (size_t)p->n_groups);
    struct piece s = {.p = p};
    int err;

    if (p->rows < 1)
        return WN_OK;
    if (p->out && p->out != p->in)
        memcpy(p->out, p->in, (size_t)p->rows * (size_t)vit->info.dim * sizeof(float));
    if (p->to <= p->from)
        return WN_OK;
    if (open_piece(&s, vit, nodes, p->n_groups, p->n_read) < 0) {
        err = wn_nomem(vit->log, "the encoder's graph");
        goto fail;
    }
    build(&s);
    TRY(give_memory(vit, s.graph));
    set(s.in, p->in);
    set(s.cls, p->cls);
    for (int g = 0; g < p->n_groups; g++)
        TRY(set_mask(&s, g));
    TRY(compute(vit, s.graph));
    if (s.out)
        ggml_backend_tensor_get(s.out, p->out, 0, ggml_nbytes(s.out));
    for (int32_t i = 0; i < p->n_read; i++)
        TRY(get_taps(&s, &p->read[i], &s.tap[i]));
fail:
    close_piece(&s, p->n_read);
    return err;
}

/* ---- before the first layer, behind the last ---- */

/* Rows of the position table: tokens are CLS, then patches. */
static int32_t position_of(const struct wn_vit_info *m, int32_t token)
{
    if (!m->cls || !m->cls_last)
        return token;
    return token ? token - 1 : m->n_patches;
}

static struct ggml_tensor *placed(const struct wn_vit_build *b, struct ggml_tensor *x,
                                  struct ggml_tensor *place)
{
    x = ggml_add(b->ctx, x, ggml_get_rows(b->ctx, b->vit->position, place));
    return b->vit->pre_ln.w ? wn_vit_norm(b, x, &b->vit->pre_ln) : x;
}

/* Rows of whole vectors, as the graph wants them. */
static int set_patches(const struct wn_vit *vit, struct ggml_tensor *to, const float *patches,
                       int32_t n)
{
    const size_t row = 3 * (size_t)vit->info.patch_size * (size_t)vit->info.patch_size;
    const size_t wide = (size_t)vit->patch_row;
    float *in = wn_calloc((size_t)n, wide * sizeof(*in));

    if (!in)
        return wn_nomem(vit->log, "the encoder's input");
    for (size_t i = 0; i < (size_t)n; i++)
        memcpy(in + i * wide, patches + i * row, row * sizeof(*in));
    set(to, in);
    free(in);
    return WN_OK;
}

int wn_vit_embed(struct wn_vit *vit, const float *patches, const int32_t *at, int32_t n,
                 float *rows, float *cls)
{
    struct piece s = {0};
    struct ggml_tensor *in = NULL, *place = NULL, *first = NULL, *x = NULL, *c = NULL;
    int32_t *token = wn_calloc((size_t)n + 1, sizeof(*token));
    int err;

    if (!token || open_piece(&s, vit, 128, 0, 0) < 0) {
        err = wn_nomem(vit->log, "the encoder's graph");
        goto fail;
    }
    if (n > 0) {
        in = input(s.b.ctx, GGML_TYPE_F32, vit->patch_row, n, 1, 1);
        place = input(s.b.ctx, GGML_TYPE_I32, n, 1, 1, 1);
        x = give(&s, placed(&s.b, wn_vit_linear(&s.b, in, &vit->patch), place));
    }
    if (cls && vit->cls) {
        first = input(s.b.ctx, GGML_TYPE_I32, 1, 1, 1, 1);
        c = give(&s, placed(&s.b, ggml_reshape_2d(s.b.ctx, vit->cls, s.b.dim, 1), first));
    }
    if (!x && !c) {
        err = WN_OK;
        goto fail;
    }
    TRY(give_memory(vit, s.graph));
    for (int32_t i = 0; i < n; i++)
        token[i] = position_of(&vit->info, at[i] + vit->info.cls);
    token[n] = position_of(&vit->info, 0);
    if (x) {
        TRY(set_patches(vit, in, patches, n));
        set(place, token);
    }
    set(first, token + n);
    TRY(compute(vit, s.graph));
    if (x)
        ggml_backend_tensor_get(x, rows, 0, ggml_nbytes(x));
    if (c)
        ggml_backend_tensor_get(c, cls, 0, ggml_nbytes(c));
fail:
    close_piece(&s, 0);
    free(token);
    return err;
}

static int run_rows(struct wn_vit *vit, const float *in, int32_t rows, float *out, bool project)
{
    struct piece s = {0};
    struct ggml_tensor *x;
    int err;

    if (rows < 1)
        return WN_OK;
    if (open_piece(&s, vit, 64, 0, 0) < 0) {
        err = wn_nomem(vit->log, "the encoder's graph");
        goto fail;
    }
    s.in = input(s.b.ctx, GGML_TYPE_F32, s.b.dim, rows, 1, 1);
    x = give(&s, project ? wn_vit_project(&s.b, s.in) : wn_vit_norm(&s.b, s.in, &vit->post_ln));
    TRY(give_memory(vit, s.graph));
    set(s.in, in);
    TRY(compute(vit, s.graph));
    ggml_backend_tensor_get(x, out, 0, ggml_nbytes(x));
fail:
    close_piece(&s, 0);
    return err;
}

int wn_vit_project_rows(struct wn_vit *vit, const float *in, int32_t rows, float *out)
{
    return run_rows(vit, in, rows, out, true);
}

int wn_vit_norm_rows(struct wn_vit *vit, const float *in, int32_t rows, float *out)
{
    return run_rows(vit, in, rows, out, false);
}
