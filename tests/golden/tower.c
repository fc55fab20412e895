/* SPDX-License-Identifier: MIT */
#include "tests/golden/tower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vision/vit_head.h"

/* The same with the tanh gelu that libmtmd computes in place of the model's. */
const char *const golden_tower_beyond[] = {"out.features_tanh_ffn", "out.projected_tanh", NULL};

static char *beside(const struct golden_case *c, const char *file)
{
    const char *slash = strrchr(c->path, '/');

    return wn_sprintf("%.*s/%s", (int)(slash - c->path), c->path, file);
}

struct wn_vit *golden_tower(struct golden_case *c, const char *file)
{
    char *path = beside(c, file);
    struct wn_vit *vit = NULL;

    if (!path || wn_vit_open(&vit, &(struct wn_vit_params){
            .path = path, .lora = c->lora, .weights = (enum wn_vit_weights)c->weights,
            .n_threads = 1, .no_gpu = true, .log = c->log}) < 0)
        golden_fail(c, "%s does not load: %s", file, c->log->last_error);
    free(path);
    return vit;
}

float *golden_patches(struct golden_case *c, const struct wn_vit *vit, const char *name, int *n)
{
    const struct wn_vit_info *m = &vit->info;
    int64_t shape[8];
    int dims = 0;
    const float *pixels = golden_f32(c, name, shape, &dims);
    const size_t s = (size_t)m->image_size, p = (size_t)m->patch_size;

    if (!pixels || dims < 3 || shape[dims - 1] != m->image_size || shape[dims - 3] != 3) {
        golden_fail(c, "%s does not fit the tower", name);
        return NULL;
    }
    *n = dims == 4 ? (int)shape[0] : 1;
    float *patches = wn_calloc((size_t)*n * 3 * s * s, sizeof(*patches)), *to = patches;
    for (int i = 0; patches && i < *n; i++)
        for (size_t k = 0; k < (size_t)m->n_patches; k++)
            for (size_t ch = 0; ch < 3; ch++)
                for (size_t y = 0; y < p; y++, to += p) {
                    const size_t line = k / (size_t)m->side * p + y;
                    const size_t column = k % (size_t)m->side * p;

                    memcpy(to, pixels + (((size_t)i * 3 + ch) * s + line) * s + column,
                           p * sizeof(*to));
                }
    return patches;
}

float *golden_tap(struct golden_case *c, struct wn_vit *vit, const float *patches, int n,
                  enum wn_vit_tap_kind kind, int32_t layer)
{
    float *to = wn_calloc((size_t)n * wn_vit_tap_size(&vit->info, kind), sizeof(*to));
    const struct wn_vit_tap tap = {kind, layer, to};

    if (!to || wn_vit_run(vit, patches, n, &tap, 1) < 0)
        golden_fail(c, "tap %d of layer %d fails: %s", (int)kind, layer, c->log->last_error);
    return to;
}

uint8_t *golden_bytes(struct golden_case *c, const char *name, int64_t *shape)
{
    int dims = 0;
    int64_t n = 1;
    const int32_t *v = golden_i32(c, name, shape, &dims);

    for (int d = 0; v && d < dims; d++)
        n *= shape[d];
    uint8_t *out = v ? wn_calloc((size_t)n, 1) : NULL;
    for (int64_t i = 0; out && i < n; i++)
        out[i] = (uint8_t)v[i];
    return out;
}

void golden_expect_bytes(struct golden_case *c, const char *name, const uint8_t *got, int64_t n)
{
    int32_t *v = wn_calloc((size_t)n, sizeof(*v));

    for (int64_t i = 0; v && i < n; i++)
        v[i] = got[i];
    if (v)
        golden_expect_i32(c, name, v, n);
    free(v);
}

void golden_expect_pixels(struct golden_case *c, const struct wn_vit *vit, const char *name,
                          const uint8_t *squares)
{
    const struct wn_vit_info *m = &vit->info;
    const size_t size = 3 * (size_t)m->image_size * (size_t)m->image_size;
    int n = 0;
    float *want = golden_patches(c, vit, name, &n);
    float *got = want ? wn_calloc((size_t)n * size, sizeof(*got)) : NULL;

    for (int i = 0; got && i < n; i++)
        wn_vit_unfold(got + (size_t)i * size, m, squares + (size_t)i * size);
    for (size_t i = 0; got && i < (size_t)n * size; i++)
        if (!(got[i] - want[i] < 1e-6f * 4 && want[i] - got[i] < 1e-6f * 4)) {
            golden_fail(c, "%s: patch value %zu is %g, got %g", name, i, (double)want[i],
                        (double)got[i]);
            break;
        }
    free(want);
    free(got);
}

/* ---- a whole tower ---- */

/* [tokens][heads * d] as [heads][tokens][d] */
static void expect_heads(struct golden_case *c, const struct wn_vit *vit, const char *name,
                         const float *from)
{
    const size_t t = (size_t)vit->info.n_tokens, h = (size_t)vit->info.n_heads;
    const size_t d = (size_t)vit->info.dim / h;
    float *v = wn_calloc(t * h * d, sizeof(*v));

    for (size_t i = 0; v && i < t * h * d; i++)
        v[(i / d % h * t + i / d / h) * d + i % d] = from[i];
    if (v)
        golden_expect_f32(c, name, v, (int64_t)(t * h * d));
    free(v);
}

static void check_layer(struct golden_case *c, struct wn_vit *vit, const float *patches, int l)
{
    static const struct {
        const char *name;
        enum wn_vit_tap_kind kind;
    } part[] = {{"q", WN_VIT_QUERY}, {"k", WN_VIT_KEY}, {"v", WN_VIT_VALUE}, {"attn", WN_VIT_ATTN}};

    for (int p = 0; p < WN_LEN(part) && !c->failed; p++) {
        char name[32];
        snprintf(name, sizeof(name), "out.%s.%d", part[p].name, l);
        if (!golden_has_tensor(c, name))
            continue;
        float *got = golden_tap(c, vit, patches, 1, part[p].kind, l);
        if (got && part[p].kind != WN_VIT_ATTN)
            expect_heads(c, vit, name, got);
        else if (got)
            golden_expect_f32(c, name, got, (int64_t)wn_vit_tap_size(&vit->info, part[p].kind));
        free(got);
    }
}

/* [layers][tokens], means over heads */
static void check_means(struct golden_case *c, struct wn_vit *vit, const float *patches,
                        const char *name, enum wn_vit_tap_kind kind)
{
    const size_t t = (size_t)vit->info.n_tokens, h = (size_t)vit->info.n_heads;
    const size_t layers = (size_t)vit->info.n_layers;
    float *all = golden_has_tensor(c, name) ? wn_calloc(layers * t, sizeof(*all)) : NULL;

    for (size_t l = 0; all && l < layers; l++) {
        float *got = golden_tap(c, vit, patches, 1, kind, (int32_t)l);

        for (size_t i = 0; got && i < h * t; i++)
            all[l * t + i % t] += got[i] / (float)h;
        free(got);
    }
    if (all)
        golden_expect_f32(c, name, all, (int64_t)(layers * t));
    free(all);
}

static void expect_tap(struct golden_case *c, struct wn_vit *vit, const float *patches,
                       const char *name, enum wn_vit_tap_kind kind, int l)
{
    float *got = c->failed ? NULL : golden_tap(c, vit, patches, 1, kind, l);

    if (got && !c->failed)
        golden_expect_f32(c, name, got, (int64_t)wn_vit_tap_size(&vit->info, kind));
    free(got);
}

/* SigLIP's pooling head, whose weights stand in the case: converters do not write them. */
static void check_head(struct golden_case *c, struct wn_vit *vit, const float *patches)
{
    static const char *const name[] = {
        "probe", "attention.in_proj_weight", "attention.in_proj_bias", "attention.out_proj.weight",
        "attention.out_proj.bias", "layernorm.weight", "layernorm.bias", "mlp.fc1.weight",
        "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"};
    const struct wn_vit_info *m = &vit->info;
    const float *w[WN_LEN(name)];
    struct wn_vit_head *head = NULL;
    float *pooled = golden_alloc(c, m->dim), *attn = golden_alloc(c, m->n_tokens);
    float *tokens = golden_tap(c, vit, patches, 1, WN_VIT_POST_LN, m->n_layers);

    for (int i = 0; i < WN_LEN(name); i++) {
        char full[64];
        snprintf(full, sizeof(full), "w.head.%s", name[i]);
        w[i] = golden_f32(c, full, NULL, NULL);
    }
    if (!c->failed && tokens && wn_vit_head_create(&head, &(struct wn_vit_head_weights){
            m->dim, m->ff, m->n_heads, m->eps, w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7],
            w[8], w[9], w[10]}) == WN_OK &&
        wn_vit_head_run(head, tokens, m->n_tokens, pooled, attn) == WN_OK) {
        golden_expect_f32(c, "out.pooled", pooled, m->dim);
        golden_expect_f32(c, "out.head_attn_mean", attn, m->n_tokens);
    }
    wn_vit_head_destroy(&head);
    free(tokens);
}

/* All layers and the last norm. */
static void check_full(struct golden_case *c)
{
    struct wn_vit *vit = golden_tower(c, "tower-full-f16.gguf");
    int n = 0;
    float *patches = vit ? golden_patches(c, vit, "in.pixels", &n) : NULL;

    for (int l = 0; patches && l <= vit->info.n_layers && !c->failed; l++) {
        char name[32];
        snprintf(name, sizeof(name), "out.h%d", l);
        expect_tap(c, vit, patches, name, WN_VIT_HIDDEN, l);
        if (l < vit->info.n_layers)
            check_layer(c, vit, patches, l);
    }
    if (patches && !c->failed) {
        check_means(c, vit, patches, "out.cls_attn_mean", WN_VIT_CLS_ATTN);
        check_means(c, vit, patches, "out.cls_logits_mean", WN_VIT_CLS_LOGITS);
        check_means(c, vit, patches, "out.attn_received_mean", WN_VIT_RECEIVED);
        expect_tap(c, vit, patches, "out.post_ln", WN_VIT_POST_LN, vit->info.n_layers);
    }
    if (patches && !c->failed && vit->info.cls) { /* the pooled row is that of CLS */
        float *got = golden_tap(c, vit, patches, 1, WN_VIT_POST_LN, vit->info.n_layers);
        if (got)
            golden_expect_f32(c, "out.pooled", got, vit->info.dim);
        free(got);
    }
    if (patches && !c->failed && !vit->info.cls && golden_has_tensor(c, "out.pooled"))
        check_head(c, vit, patches);
    free(patches);
    wn_vit_close(&vit);
}

static void check_rows(struct golden_case *c, const char *file)
{
    char *path = beside(c, file);
    const bool there = path && !access(path, R_OK);
    struct wn_vit *vit = there ? golden_tower(c, file) : NULL;
    int n = 0;
    float *patches = vit ? golden_patches(c, vit, "in.pixels", &n) : NULL;

    if (patches) {
        expect_tap(c, vit, patches, "out.features", WN_VIT_FEATURE, 0);
        expect_tap(c, vit, patches, "out.projected", WN_VIT_PROJECTED, 0);
    }
    free(patches);
    wn_vit_close(&vit);
    free(path);
}

static void check_picture(struct golden_case *c, enum wn_vit_fit fit, const char *resized)
{
    struct wn_vit *vit = golden_tower(c, "tower-f16.gguf");
    int64_t shape[8];
    uint8_t *rgb = vit ? golden_bytes(c, "in.image_u8", shape) : NULL;
    const int64_t size = vit ? 3 * (int64_t)vit->info.image_size * vit->info.image_size : 0;
    uint8_t *square = rgb ? wn_calloc((size_t)size, 1) : NULL;

    if (square && wn_vit_square(square, &vit->info, &(struct wn_vit_picture){
            rgb, (int32_t)shape[1], (int32_t)shape[0]}, fit) == WN_OK) {
        golden_expect_bytes(c, resized, square, size);
        golden_expect_pixels(c, vit, "in.pixels", square);
    } else {
        golden_fail(c, "the picture cannot be resized");
    }
    free(square);
    free(rgb);
    wn_vit_close(&vit);
}

void golden_run_tower(struct golden_case *c, enum wn_vit_fit fit, const char *resized)
{
    check_picture(c, fit, resized);
    if (!c->failed)
        check_full(c);
    if (!c->failed)
        check_rows(c, "tower-f16.gguf");
    if (!c->failed)
        check_rows(c, "tower-legacy-f16.gguf");
}

/* ---- pictures in tiles ---- */

void golden_run_tiles(struct golden_case *c, struct wn_vit *vit, int32_t most_tiles,
                      const char *bytes)
{
    const struct wn_vit_info *m = &vit->info;
    const size_t size = 3 * (size_t)m->image_size * (size_t)m->image_size;
    struct wn_vit_plan plan = {0};
    struct wn_vit_tiling t;
    int64_t shape[8];
    uint8_t *rgb = golden_bytes(c, "in.image_u8", shape), *tiles = NULL;
    float *patches = NULL, *projected = NULL, *rows = NULL;
    const float *newline = golden_f32(c, "in.image_newline", NULL, NULL);
    int n = 0;

    if (!rgb || !newline)
        goto end;
    wn_vit_tiling(&t, m, (int32_t)shape[1], (int32_t)shape[0]);
    tiles = wn_calloc((size_t)t.n, size);
    if (!tiles || wn_vit_tiles(tiles, m, &t, rgb) < 0 ||
        wn_vit_plan_tiles(&plan, m, &t, most_tiles) < 0) {
        golden_fail(c, "tiles cannot be made");
        goto end;
    }
    if (bytes)
        golden_expect_bytes(c, bytes, tiles, (int64_t)((size_t)t.n * size));
    golden_expect_pixels(c, vit, "in.pixels", tiles);
    patches = golden_patches(c, vit, "in.pixels", &n);
    if (!patches || n != t.n) {
        golden_fail(c, "%d tiles, not %d", t.n, n);
        goto end;
    }
    projected = golden_tap(c, vit, patches, n, WN_VIT_PROJECTED, 0);
    rows = wn_calloc((size_t)plan.n_rows * (size_t)m->out_dim, sizeof(*rows));
    if (projected && rows && !c->failed) {
        golden_expect_f32(c, "mid.tile_projected", projected,
                          (int64_t)n * m->n_patches * m->out_dim);
        wn_vit_mix(rows, &plan, projected, m->out_dim, newline);
        golden_expect_f32(c, "out.packed", rows, (int64_t)plan.n_rows * m->out_dim);
    }
end:
    wn_vit_plan_finish(&plan);
    free(rgb);
    free(tiles);
    free(patches);
    free(projected);
    free(rows);
}
