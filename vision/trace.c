/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <ggml-backend.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_map.h"

enum kind { NOTHING, ROWS, SCORES }; /* SCORES: products of Q and K, which stand for no patch */

struct entry {
    const struct ggml_tensor *tensor;
    struct wn_prov *prov; /* ROWS */
    enum kind kind;
    int32_t node;
};

struct wn_trace {
    struct wn_prov_arena arena;
    struct entry *table; /* open addressing by address */
    size_t table_size, n;
    struct wn_graph_map *map;
    struct wn_prov *tokens; /* of the first attention's Q */
    const struct ggml_tensor *last;
    int32_t n_nodes;
    bool failed;
};

struct wn_trace *wn_trace_create(void)
{
    struct wn_trace *t = wn_calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->table_size = 1 << 12;
    t->table = wn_calloc(t->table_size, sizeof(*t->table));
    t->arena.sets = wn_sets_create();
    t->map = wn_calloc(1, sizeof(*t->map));
    t->failed = !t->table || !t->arena.sets || !t->map;
    return t;
}

static struct entry *find(const struct wn_trace *t, const struct ggml_tensor *tensor)
{
    size_t at = wn_hash64(&tensor, sizeof(tensor), 0) & (t->table_size - 1);

    while (t->table[at].tensor && t->table[at].tensor != tensor)
        at = (at + 1) & (t->table_size - 1);
    return t->table + at;
}

static bool grow(struct wn_trace *t)
{
    struct entry *old = t->table, *bigger = wn_calloc(t->table_size * 2, sizeof(*bigger));
    size_t n = t->table_size;

    if (!bigger)
        return false;
    t->table = bigger;
    t->table_size *= 2;
    for (size_t i = 0; i < n; i++)
        if (old[i].tensor)
            *find(t, old[i].tensor) = old[i];
    free(old);
    return true;
}

static void set(struct wn_trace *t, const struct ggml_tensor *tensor, enum kind kind,
                struct wn_prov *prov)
{
    if (t->n * 2 > t->table_size && !grow(t)) {
        t->failed = true;
        return;
    }
    *find(t, tensor) = (struct entry){tensor, prov, kind, t->n_nodes};
    t->n++;
}

static struct wn_prov *prov_of(const struct wn_trace *t, const struct ggml_tensor *tensor)
{
    return tensor ? find(t, tensor)->prov : NULL;
}

static enum kind kind_of(const struct wn_trace *t, const struct ggml_tensor *tensor)
{
    return tensor ? find(t, tensor)->kind : NOTHING;
}

/* The learned CLS token is a weight: nothing else tells it from other weights. */
static void see_leaf(struct wn_trace *t, const struct ggml_tensor *tensor)
{
    const bool alike[4] = {true, true, true, true};
    int64_t ne[4];

    if (!tensor || find(t, tensor)->tensor || strcmp(tensor->name, "v.class_embd"))
        return;
    memcpy(ne, tensor->ne, sizeof(ne));
    ne[0] = 1;
    struct wn_prov *p = wn_prov_new(&t->arena, tensor->ne[0], ne, alike);
    if (p)
        p->set[0] = wn_sets_single(WN_SOURCE_CLS);
    set(t, tensor, p ? ROWS : NOTHING, p);
    t->failed |= !p;
}

/* Columns, or rows, [*lo, *hi] where blue is bright: the picture without its padding. */
static bool find_picture(const float *blue, int64_t w, int64_t h, int64_t lo[2], int64_t hi[2])
{
    float max = -INFINITY, min = INFINITY;

    for (int64_t i = 0; i < w * h; i++) {
        max = fmaxf(max, blue[i]);
        min = fminf(min, blue[i]);
    }
    lo[0] = lo[1] = INT64_MAX;
    hi[0] = hi[1] = -1;
    for (int64_t i = 0; i < w * h; i++)
        if (blue[i] >= max - (max - min) * 0.02f) {
            const int64_t at[2] = {i % w, i / w};

            for (int d = 0; d < 2; d++) {
                lo[d] = WN_MIN(lo[d], at[d]);
                hi[d] = WN_MAX(hi[d], at[d]);
            }
        }
    return hi[0] >= 0;
}

/* Where a picture whose red and green grow to the right and down was cut. */
static void see_image(struct wn_trace *t, const struct ggml_tensor *image)
{
    const int64_t w = image->ne[0], h = image->ne[1], n = w * h;
    float *edge = t->map->edge, *seen = t->map->seen;
    int64_t lo[2], hi[2];

    while (image->op == GGML_OP_VIEW || image->op == GGML_OP_RESHAPE)
        image = image->src[0];
    if (image->op != GGML_OP_NONE || image->type != GGML_TYPE_F32 || image->ne[2] != 3 ||
        !ggml_is_contiguous(image) || image->ne[0] != w || image->ne[1] != h)
        return;
    float *rgb = wn_calloc((size_t)n * 3, sizeof(*rgb));
    if (!rgb) {
        t->failed = true;
        return;
    }
    ggml_backend_tensor_get(image, rgb, 0, (size_t)n * 3 * sizeof(*rgb));
    if (find_picture(rgb + 2 * n, w, h, lo, hi)) {
        const int64_t size[2] = {w, h}, step[2] = {1, w};

        for (int d = 0; d < 2; d++) {
            const float *line = rgb + d * n + (lo[!d] + hi[!d]) / 2 * step[!d];
            const float a = line[lo[d] * step[d]], b = line[hi[d] * step[d]];
            const float slope = hi[d] > lo[d] ? (b - a) / (float)(hi[d] - lo[d]) : 0;

            seen[2 * d] = a;
            seen[2 * d + 1] = b;
            edge[2 * d] = a - slope * (float)lo[d];
            edge[2 * d + 1] = b + slope * (float)(size[d] - 1 - hi[d]);
        }
    }
    free(rgb);
}

/* Patches are what the first convolution sees: [.., columns, rows, pictures]. */
static struct wn_prov *im2col(struct wn_trace *t, const struct ggml_tensor *node)
{
    const int64_t w = node->ne[1], h = node->ne[2];
    const int64_t ne[4] = {1, w, h, node->ne[3]};
    const bool alike[4] = {true, false, false, true};

    if (prov_of(t, node->src[1]) || node->op_params[6] != 1 || w * h >= WN_SOURCE_CLS ||
        (t->map->patch_w && (t->map->patch_w != w || t->map->patch_h != h)))
        return wn_prov_unknown(&t->arena, node->ne);
    t->map->patch_w = (int32_t)w;
    t->map->patch_h = (int32_t)h;
    see_image(t, node->src[1]);
    struct wn_prov *p = wn_prov_new(&t->arena, node->ne[0], ne, alike);
    for (int32_t i = 0; p && i < w * h; i++)
        p->set[i] = wn_sets_single(i);
    return p;
}

static struct wn_prov *stretch(struct wn_prov *p, const int64_t ne[4], int first)
{
    for (int d = first; p && d < 4; d++)
        if (p->ne[d] == 1 && ne[d] != 1) {
            p->ne[d] = ne[d];
            p->st[d] = 0;
        }
    return p;
}

static struct wn_prov *mul_mat(struct wn_trace *t, const struct ggml_tensor *node)
{
    static const int32_t axis[4] = {1, 0, 2, 3};
    struct wn_prov *a = prov_of(t, node->src[0]), *b = prov_of(t, node->src[1]);

    if (b)
        return wn_prov_join(&t->arena, b, node->ne[0]);
    a = wn_prov_join(&t->arena, a, 1);
    a = a ? wn_prov_permute(&t->arena, a, axis) : NULL;
    return stretch(a, node->ne, 1);
}

static struct wn_prov *get_rows(struct wn_trace *t, const struct ggml_tensor *node)
{
    const struct ggml_tensor *index = node->src[1];
    struct wn_prov *a = prov_of(t, node->src[0]);
    const int64_t n = ggml_nelements(index), ne[4] = {a->ne[0], n, 1, 1};
    const bool alike[4] = {!a->st[0], false, true, true};

    if (index->type != GGML_TYPE_I32 || index->op != GGML_OP_NONE || !ggml_is_contiguous(index) ||
        n != index->ne[0])
        return wn_prov_unknown(&t->arena, node->ne);
    int32_t *row = wn_calloc((size_t)n, sizeof(*row));
    struct wn_prov *p = wn_prov_new(&t->arena, a->run, ne, alike);
    if (!row || !p) {
        free(row);
        return NULL;
    }
    ggml_backend_tensor_get(index, row, 0, (size_t)n * sizeof(*row));
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < (alike[0] ? 1 : ne[0]); k++)
            p->set[k * p->st[0] + i * p->st[1]] =
                row[i] >= 0 && row[i] < a->ne[1] ? wn_prov_at(a, k * a->run, row[i], 0, 0)
                                                 : WN_SET_UNKNOWN;
    free(row);
    return p;
}

static struct wn_prov *concat(struct wn_trace *t, const struct ggml_tensor *node)
{
    struct wn_prov *a = prov_of(t, node->src[0]), *b = prov_of(t, node->src[1]);
    int64_t from[4] = {0};

    if (a)
        a = wn_prov_window(&t->arena, a, node->ne, from);
    from[node->op_params[0] & 3] = -node->src[0]->ne[node->op_params[0] & 3];
    if (b)
        b = wn_prov_window(&t->arena, b, node->ne, from);
    return a && b ? wn_prov_union(&t->arena, a, b) : a ? a : b;
}

static struct wn_prov *pad(struct wn_trace *t, const struct ggml_tensor *node)
{
    const int32_t *p = node->op_params;
    const int64_t from[4] = {-p[0], -p[2], -p[4], -p[6]};

    if (p[8])
        return wn_prov_unknown(&t->arena, node->ne);
    return wn_prov_window(&t->arena, prov_of(t, node->src[0]), node->ne, from);
}

static struct wn_prov *pool(struct wn_trace *t, const struct ggml_tensor *node)
{
    const struct wn_prov *a = prov_of(t, node->src[0]);
    const int32_t k0 = node->op_params[1], k1 = node->op_params[2], s0 = node->op_params[3],
                  s1 = node->op_params[4];
    const bool alike[4] = {false, false, !a->st[2], !a->st[3]};
    struct wn_prov *p = wn_prov_new(&t->arena, 1, node->ne, alike);

    if (node->op_params[5] || node->op_params[6])
        return wn_prov_unknown(&t->arena, node->ne);
    if (!p)
        return NULL;
    const int64_t n2 = alike[2] ? 1 : p->ne[2], n3 = alike[3] ? 1 : p->ne[3];
    for (int64_t i = 0; i < p->ne[0] * p->ne[1] * n2 * n3; i++) {
        const int64_t x = i % p->ne[0], y = i / p->ne[0] % p->ne[1],
                      z = i / (p->ne[0] * p->ne[1]) % n2, u = i / (p->ne[0] * p->ne[1] * n2);

        for (int32_t w = 0; w < k0 * k1; w++) {
            const int64_t px = x * s0 + w % k0, py = y * s1 + w / k0;

            if (px < node->src[0]->ne[0] && py < node->src[0]->ne[1])
                p->set[i] = wn_sets_union(t->arena.sets, p->set[i], wn_prov_at(a, px, py, z, u));
        }
    }
    return p;
}

/* Where element i of the view lies in its source, counted in elements. */
static int64_t view_index(const struct ggml_tensor *v, int64_t start, int64_t i1, int64_t i2,
                          int64_t i3)
{
    const int64_t size = (int64_t)ggml_type_size(v->type);

    return start +
           (i1 * (int64_t)v->nb[1] + i2 * (int64_t)v->nb[2] + i3 * (int64_t)v->nb[3]) / size;
}

/* Any strided view of rows that are alike throughout; other views are unknown. */
static struct wn_prov *view(struct wn_trace *t, const struct ggml_tensor *v)
{
    const struct ggml_tensor *s = v->src[0];
    const struct wn_prov *a = prov_of(t, s);
    const int64_t size = (int64_t)ggml_type_size(v->type), row = s->ne[0];
    const int64_t start = ((int64_t)v->view_offs - (int64_t)s->view_offs) / size;
    const int64_t ne[4] = {1, v->ne[1], v->ne[2], v->ne[3]};
    bool alike[4] = {true, false, false, false};
    int64_t span = v->ne[0] - 1;

    if (!ggml_is_contiguous(s) || start < 0 || v->nb[0] != (size_t)size ||
        (a->st[0] && a->ne[0] > 1) || start % row + span >= row)
        return wn_prov_unknown(&t->arena, v->ne);
    for (int d = 1; d < 4; d++) {
        span += (v->ne[d] - 1) * (int64_t)v->nb[d] / size;
        alike[d] = alike[d - 1] && start % row + span < row;
    }
    struct wn_prov *p = wn_prov_new(&t->arena, v->ne[0], ne, alike);
    for (int64_t i3 = 0; p && i3 < (alike[3] ? 1 : ne[3]); i3++)
        for (int64_t i2 = 0; i2 < (alike[2] ? 1 : ne[2]); i2++)
            for (int64_t i1 = 0; i1 < (alike[1] ? 1 : ne[1]); i1++) {
                const int64_t r = view_index(v, start, i1, i2, i3) / row;

                p->set[i1 * p->st[1] + i2 * p->st[2] + i3 * p->st[3]] =
                    wn_prov_at(a, 0, r % s->ne[1], r / s->ne[1] % s->ne[2],
                               r / (s->ne[1] * s->ne[2]));
            }
    return p;
}

static struct wn_prov *pointwise(struct wn_trace *t, const struct ggml_tensor *node)
{
    struct wn_prov *a = prov_of(t, node->src[0]), *b = prov_of(t, node->src[1]);

    if (a && b)
        return wn_prov_union(&t->arena, a, b);
    if (a)
        return node->ne[0] == node->src[0]->ne[0] ? wn_prov_copy(&t->arena, a)
                                                  : wn_prov_join(&t->arena, a, node->ne[0]);
    b = wn_prov_copy(&t->arena, b);
    if (b && b->run * b->ne[0] == 1 && node->ne[0] != 1)
        b->run = node->ne[0];
    return stretch(b, node->ne, 1);
}

static struct wn_prov *follow(struct wn_trace *t, const struct ggml_tensor *node)
{
    static const int32_t swap[4] = {1, 0, 2, 3};
    struct wn_prov *a = prov_of(t, node->src[0]);

    switch (node->op) {
    case GGML_OP_IM2COL:
        return im2col(t, node);
    case GGML_OP_MUL_MAT:
        return mul_mat(t, node);
    case GGML_OP_GET_ROWS:
        return a ? get_rows(t, node) : wn_prov_unknown(&t->arena, node->ne);
    case GGML_OP_CONCAT:
        return concat(t, node);
    case GGML_OP_PAD:
        return pad(t, node);
    case GGML_OP_POOL_2D:
        return pool(t, node);
    case GGML_OP_VIEW:
        return view(t, node);
    case GGML_OP_PERMUTE:
        return wn_prov_permute(&t->arena, a, node->op_params);
    case GGML_OP_TRANSPOSE:
        return wn_prov_permute(&t->arena, a, swap);
    case GGML_OP_RESHAPE: case GGML_OP_CONT: case GGML_OP_CPY: case GGML_OP_DUP:
        return wn_prov_reshape(&t->arena, a, node->ne);
    case GGML_OP_NORM: case GGML_OP_RMS_NORM: case GGML_OP_L2_NORM: case GGML_OP_ROPE:
    case GGML_OP_SOFT_MAX: case GGML_OP_SUM_ROWS: case GGML_OP_MEAN:
        return wn_prov_join(&t->arena, a, node->ne[0]);
    case GGML_OP_ADD: case GGML_OP_SUB: case GGML_OP_MUL: case GGML_OP_DIV: case GGML_OP_GLU:
    case GGML_OP_UNARY: case GGML_OP_SCALE: case GGML_OP_SQR: case GGML_OP_SQRT:
    case GGML_OP_CLAMP: case GGML_OP_LEAKY_RELU: case GGML_OP_REPEAT:
        return pointwise(t, node);
    default:
        return wn_prov_unknown(&t->arena, node->ne);
    }
}

static const struct ggml_tensor *strip(const struct ggml_tensor *x, bool rope)
{
    while (x->op == GGML_OP_PERMUTE || x->op == GGML_OP_CPY || x->op == GGML_OP_CONT ||
           (rope && x->op == GGML_OP_ROPE))
        x = x->src[0];
    return x;
}

/* [d_head][heads][tokens] before the permutation for the product. */
static void see_attention(struct wn_trace *t, const struct ggml_tensor *q,
                          const struct ggml_tensor *k, const struct ggml_tensor *node, bool masked)
{
    struct wn_graph_map *map = t->map;

    q = strip(q, false);
    k = strip(k, false);
    const struct ggml_tensor *key = strip(k, true);
    const struct wn_prov *rows = prov_of(t, q);
    if (!rows || !prov_of(t, k) || q->ne[2] != k->ne[2] || q->ne[0] != k->ne[0] || q->ne[3] != 1 ||
        key->ne[2] != k->ne[2] || k->ne[1] < 1 || q->ne[1] % k->ne[1] ||
        map->n_layers == WN_MAX_LAYERS || (t->tokens && t->tokens->ne[2] != q->ne[2]))
        return;
    if (!t->tokens)
        t->tokens = wn_prov_copy(&t->arena, rows);
    struct wn_attention *a = map->layer + map->n_layers++;
    *a = (struct wn_attention){
        .q_node = find(t, q)->node, .k_node = find(t, k)->node, .key_node = find(t, key)->node,
        .n = (int32_t)q->ne[2], .heads = (int32_t)q->ne[1], .kv_heads = (int32_t)k->ne[1],
        .d_head = (int32_t)q->ne[0], .masked = masked,
    };
    memcpy(&a->scale, node->op_params, sizeof(a->scale));
}

static enum kind look(struct wn_trace *t, const struct ggml_tensor *node, struct wn_prov **prov)
{
    const struct ggml_tensor *a = node->src[0], *b = node->src[1];
    bool any = false, scores = false;

    for (int i = 0; i < GGML_MAX_SRC; i++) {
        see_leaf(t, node->src[i]);
        any |= kind_of(t, node->src[i]) == ROWS;
        scores |= kind_of(t, node->src[i]) == SCORES;
    }
    if (node->op == GGML_OP_FLASH_ATTN_EXT) {
        see_attention(t, a, b, node, node->src[3] || node->src[4]);
        return NOTHING;
    }
    if (node->op == GGML_OP_SOFT_MAX && scores && a->op == GGML_OP_MUL_MAT)
        see_attention(t, a->src[1], a->src[0], node, b || node->src[2]);
    if (node->op == GGML_OP_MUL_MAT && scores)
        return NOTHING;
    if (scores || (node->op == GGML_OP_MUL_MAT && prov_of(t, a) && prov_of(t, b)))
        return SCORES;
    if (!any && node->op != GGML_OP_IM2COL)
        return NOTHING;
    *prov = follow(t, node);
    t->failed |= !*prov;
    return *prov ? ROWS : NOTHING;
}

void wn_trace_node(struct wn_trace *t, struct ggml_tensor *node)
{
    struct wn_prov *prov = NULL;

    node->flags &= ~GGML_TENSOR_FLAG_COMPUTE;
    if (t->failed)
        return;
    enum kind kind = look(t, node, &prov);
    set(t, node, kind, prov);
    t->last = node;
    t->n_nodes++;
}

int wn_trace_finish(struct wn_trace **trace, struct wn_graph_map **out)
{
    struct wn_trace *t = *trace;
    int err = WN_ERR_NOMEM;

    if (!t)
        return WN_OK;
    *trace = NULL;
    if (!t->failed && t->last) {
        int64_t n = ggml_nrows(t->last);

        t->map->n_rows = (int32_t)n;
        err = wn_graph_map_fill(t->map, t->arena.sets, prov_of(t, t->last), t->tokens);
    }
    if (err >= 0)
        *out = t->map;
    else
        wn_graph_map_destroy(&t->map);
    wn_prov_finish(&t->arena);
    free(t->table);
    free(t);
    return err;
}
