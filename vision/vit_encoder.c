/* SPDX-License-Identifier: MIT */
/* struct wn_encoder over our own towers. */
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resize.h"
#include "select.h"
#include "vit_shape.h"

struct encoder {
    struct wn_encoder base;
    struct wn_vit *vit;
    struct wn_pool *pool;
    struct wn_log *log;
    bool fast_resize;
    float *newline;        /* [out_dim] or NULL */
    struct wn_vit_shapes shapes;
};

/* ---- a segment's frames ---- */

struct job {
    struct encoder *enc;
    struct wn_frame *const *frames;
    int n;
    bool video;
    struct wn_rows *rows;
    int32_t attn_layer[WN_MAX_LAYERS], n_attn, keys_layer[WN_MAX_LAYERS], n_keys;
};

/* A few frames that go through the tower together. */
struct group {
    struct job *job;
    int first, n;
    int32_t tile0[65];        /* [n + 1] tiles before each frame */
    struct wn_vit_shape *shape[64];
    float *patches;           /* [tiles][n_patches][3 * patch * patch] */
    float *projected;         /* [tiles][n_patches][out_dim] */
    float *attn, *keys;       /* [layers][tiles] of a tap each */
    int err[64];
};

static int find_shape(const struct job *job, const struct wn_frame *frame,
                      struct wn_vit_shape **out)
{
    if (wn_vit_shapes_find(&job->enc->shapes, frame->width, frame->height, job->video, out) < 0)
        return wn_nomem(job->enc->log, "a layout");
    return WN_OK;
}

static void pick(struct job *job, const struct wn_needs *needs)
{
    const struct wn_vit_info *m = &job->enc->vit->info;

    for (int32_t l = 0; needs && l < m->n_layers; l++) {
        if (needs->cls[l])
            job->attn_layer[job->n_attn++] = l;
        if (needs->keys[l])
            job->keys_layer[job->n_keys++] = l;
    }
    if (job->n_attn && !m->cls) { /* the last layer that features need stands in for all */
        job->attn_layer[0] = WN_MAX(m->depth, 1) - 1;
        job->n_attn = 1;
    }
}

static int square(const struct encoder *enc, uint8_t *dst, const struct wn_frame *frame)
{
    const struct wn_vit_info *m = &enc->vit->info;
    const int32_t s = m->image_size;
    const struct wn_vit_picture picture = {frame->rgb, frame->width, frame->height};
    uint8_t pad[3];

    if (!enc->fast_resize)
        return wn_vit_square(dst, m, &picture, m->cls ? WN_VIT_PAD : WN_VIT_SQUEEZE);
    for (int c = 0; c < 3; c++)
        pad[c] = (uint8_t)WN_MAX(0, WN_MIN(255, (int)((double)m->mean[c] * 255)));
    return m->cls ? wn_resize_square(dst, s, pad, frame)
                  : wn_resize_rgb(dst, (size_t)s * 3, s, s, frame->rgb, frame->width,
                                  frame->height);
}

/* Pixels of frame i of the group; called on the pool. */
static void prepare(void *arg, int64_t i)
{
    struct group *g = arg;
    const struct encoder *enc = g->job->enc;
    const struct wn_vit_info *m = &enc->vit->info;
    const struct wn_frame *frame = g->job->frames[g->first + i];
    const struct wn_vit_shape *s = g->shape[i];
    const size_t size = 3 * (size_t)m->image_size * (size_t)m->image_size;
    const size_t row = (size_t)m->n_patches * 3 * (size_t)m->patch_size * (size_t)m->patch_size;
    uint8_t *bytes = wn_calloc((size_t)s->plan.n_tiles, size);

    g->err[i] = !bytes ? WN_ERR_NOMEM
              : s->tiling.n ? wn_vit_tiles(bytes, m, &s->tiling, frame->rgb)
                            : square(enc, bytes, frame);
    for (int32_t t = 0; g->err[i] >= 0 && t < s->plan.n_tiles; t++)
        wn_vit_unfold(g->patches + (size_t)(g->tile0[i] + t) * row, m, bytes + (size_t)t * size);
    free(bytes);
}

static size_t attn_size(const struct job *job)
{
    return wn_vit_tap_size(&job->enc->vit->info, WN_VIT_CLS_ATTN);
}

static size_t keys_size(const struct job *job)
{
    return wn_vit_tap_size(&job->enc->vit->info, WN_VIT_KEY);
}

/* Tiles in batches that keep attention in the cache. */
static int run_tower(struct group *g)
{
    const struct job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t row = (size_t)m->n_patches * 3 * (size_t)m->patch_size * (size_t)m->patch_size;
    const size_t out = wn_vit_tap_size(m, WN_VIT_PROJECTED), tiles = (size_t)g->tile0[g->n];
    const int most = wn_vit_batch(job->enc->vit);
    struct wn_vit_tap tap[2 * WN_MAX_LAYERS + 1];
    int err = WN_OK;

    for (size_t t = 0; t < tiles; t += (size_t)most) {
        int n = 0;

        tap[n++] = (struct wn_vit_tap){WN_VIT_PROJECTED, 0, g->projected + t * out};
        for (int32_t k = 0; k < job->n_attn; k++)
            tap[n++] = (struct wn_vit_tap){
                m->cls ? WN_VIT_CLS_ATTN : WN_VIT_RECEIVED, job->attn_layer[k],
                g->attn + ((size_t)k * tiles + t) * attn_size(job)};
        for (int32_t k = 0; k < job->n_keys; k++)
            tap[n++] = (struct wn_vit_tap){WN_VIT_KEY, job->keys_layer[k],
                                           g->keys + ((size_t)k * tiles + t) * keys_size(job)};
        TRY(wn_cancelled(job->enc->log) ? WN_ERR_ABORTED : WN_OK);
        TRY(wn_vit_run(job->enc->vit, g->patches + t * row, WN_MIN(most, (int)(tiles - t)), tap,
                       n));
    }
fail:
    return err;
}

/* What a tap says of row i of a frame: of its patches, mixed as they were; 0 for a newline.
 * at: the first value of the frame's first tile. */
static float mixed(const struct wn_vit_row *row, const struct wn_vit_info *m, const float *at,
                   size_t tile, size_t stride)
{
    float sum = 0;

    if (row->from[0] < 0)
        return 0;
    for (int k = 0; k < 4; k++) {
        const size_t patch = (size_t)(row->from[k] % m->n_patches) + m->cls;

        if (row->weight[k] != 0)
            sum += row->weight[k] *
                   at[(size_t)(row->from[k] / m->n_patches) * tile + patch * stride];
    }
    return sum;
}

static void give_taps(const struct group *g, int i, int32_t row0)
{
    const struct job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const struct wn_vit_plan *plan = &g->shape[i]->plan;
    const size_t tiles = (size_t)g->tile0[g->n], heads = (size_t)m->n_heads, dim = (size_t)m->dim;

    for (int32_t r = 0; r < plan->n_rows; r++) {
        for (size_t k = 0; k < (size_t)job->n_attn; k++)
            for (size_t h = 0; h < heads; h++)
                job->rows->attn[((size_t)(row0 + r) * (size_t)job->n_attn + k) * heads + h] =
                    mixed(&plan->row[r], m, g->attn + (k * tiles + (size_t)g->tile0[i]) *
                          attn_size(job) + h * (size_t)m->n_tokens, attn_size(job), 1);
        for (size_t k = 0; k < (size_t)job->n_keys; k++)
            for (size_t c = 0; c < dim; c++)
                job->rows->keys[((size_t)(row0 + r) * (size_t)job->n_keys + k) * dim + c] =
                    mixed(&plan->row[r], m, g->keys + (k * tiles + (size_t)g->tile0[i]) *
                          keys_size(job) + c, keys_size(job), dim);
    }
}

static void give_rows(const struct group *g, int i)
{
    const struct job *job = g->job;
    const struct wn_frame *frame = job->frames[g->first + i];
    const struct wn_vit_plan *plan = &g->shape[i]->plan;
    const int32_t f = g->first + i, row0 = job->rows->frame_ptr[f], dim = job->rows->dim;

    wn_vit_mix(job->rows->data + (size_t)row0 * (size_t)dim, plan, g->projected +
               (size_t)g->tile0[i] * wn_vit_tap_size(&job->enc->vit->info, WN_VIT_PROJECTED), dim,
               job->enc->newline);
    give_taps(g, i, row0);
    for (int32_t r = 0; r < plan->n_rows; r++)
        job->rows->cell[row0 + r] = r;
    job->rows->frames[f] = (struct wn_row_frame){
        .index = f,
        .number = frame->number,
        .time = frame->time,
        .scene = frame->scene,
        .layout = wn_layout_ref(g->shape[i]->layout),
    };
}

static int group_memory(struct group *g)
{
    const struct job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t tiles = (size_t)g->tile0[g->n];

    g->patches = wn_calloc(tiles * (size_t)m->n_patches, 3 * (size_t)m->patch_size *
                           (size_t)m->patch_size * sizeof(float));
    g->projected = wn_calloc(tiles, wn_vit_tap_size(m, WN_VIT_PROJECTED) * sizeof(float));
    g->attn = wn_calloc(tiles * (size_t)job->n_attn, attn_size(job) * sizeof(float));
    g->keys = wn_calloc(tiles * (size_t)job->n_keys, keys_size(job) * sizeof(float));
    return g->patches && g->projected && g->attn && g->keys ? WN_OK : WN_ERR_NOMEM;
}

static void group_free(struct group *g)
{
    free(g->patches);
    free(g->projected);
    free(g->attn);
    free(g->keys);
}

/* Frames from `first` on whose tiles make a batch; *n of them. */
static int run_group(struct job *job, int first, int *n)
{
    const int most = wn_vit_batch(job->enc->vit);
    struct group g = {.job = job, .first = first};
    int err;

    while (g.n < WN_LEN(g.shape) && first + g.n < job->n && g.tile0[g.n] < most) {
        const struct wn_frame *frame = job->frames[first + g.n];

        err = find_shape(job, frame, &g.shape[g.n]);
        if (err < 0)
            return err;
        g.tile0[g.n + 1] = g.tile0[g.n] + g.shape[g.n]->plan.n_tiles;
        g.n++;
    }
    *n = g.n;
    if (group_memory(&g) < 0) {
        err = wn_nomem(job->enc->log, "frames of the encoder");
        goto fail;
    }
    wn_pool_run(job->enc->pool, g.n, prepare, &g);
    for (int i = 0; i < g.n; i++)
        if (g.err[i] < 0) {
            err = wn_nomem(job->enc->log, "a picture of the encoder");
            goto fail;
        }
    TRY(run_tower(&g));
    for (int i = 0; i < g.n; i++)
        give_rows(&g, i);
fail:
    group_free(&g);
    return err;
}

static int copy_ints(int32_t **to, const int32_t *from, int32_t n)
{
    *to = wn_calloc((size_t)n, sizeof(**to));
    if (!*to)
        return WN_ERR_NOMEM;
    memcpy(*to, from, (size_t)n * sizeof(**to));
    return WN_OK;
}

static int make_rows(struct job *job, int64_t n)
{
    const struct wn_vit_info *m = &job->enc->vit->info;
    struct wn_rows *rows = wn_rows_create((int32_t)n, m->out_dim, job->n);

    job->rows = rows;
    if (!rows)
        return WN_ERR_NOMEM;
    rows->encoder_layers = m->n_layers;
    if (job->n_attn) {
        rows->attn_layers = job->n_attn;
        rows->attn_heads = m->n_heads;
        rows->attn_received = !m->cls;
        rows->attn = wn_calloc((size_t)n, (size_t)(job->n_attn * m->n_heads) * sizeof(float));
        if (!rows->attn || copy_ints(&rows->attn_layer, job->attn_layer, job->n_attn) < 0)
            return WN_ERR_NOMEM;
    }
    if (job->n_keys) {
        rows->keys_layers = job->n_keys;
        rows->keys_heads = m->n_heads;
        rows->keys_dim = m->dim / m->n_heads;
        rows->keys = wn_calloc((size_t)n, (size_t)job->n_keys * (size_t)m->dim * sizeof(float));
        if (!rows->keys || copy_ints(&rows->keys_layer, job->keys_layer, job->n_keys) < 0)
            return WN_ERR_NOMEM;
    }
    return WN_OK;
}

static int measure(struct job *job, int64_t *n)
{
    struct wn_vit_shape *s = NULL;
    int err = WN_OK;

    *n = 0;
    for (int i = 0; i < job->n; i++) {
        TRY(find_shape(job, job->frames[i], &s));
        *n += s->plan.n_rows;
    }
    if (*n > INT32_MAX / 4)
        err = wn_fail(job->enc->log, WN_ERR_LIMIT, "%lld rows in one segment", (long long)*n);
fail:
    return err;
}

static bool all_finite(const float *x, size_t n)
{
    float sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0;
    return sum == 0;
}

static int encode(struct wn_encoder *encoder, struct wn_frame *const *frames, int n, bool video,
                  const struct wn_needs *needs, struct wn_rows **out)
{
    struct encoder *enc = (struct encoder *)encoder;
    struct job job = {.enc = enc, .frames = frames, .n = n, .video = video};
    struct wn_vit_shape *s = NULL;
    int64_t rows = 0;
    int err, did;

    if (n < 1)
        return wn_fail(enc->log, WN_ERR_ARG, "no frames to encode");
    pick(&job, needs);
    TRY(measure(&job, &rows));
    if (make_rows(&job, rows) < 0) {
        err = wn_nomem(enc->log, "rows of a segment");
        goto fail;
    }
    for (int i = 0; i < n; i++) {
        TRY(find_shape(&job, frames[i], &s));
        job.rows->frame_ptr[i + 1] = job.rows->frame_ptr[i] + s->plan.n_rows;
    }
    for (int i = 0; i < n; i += did)
        TRY(run_group(&job, i, &did));
    if (!all_finite(job.rows->data, (size_t)rows * (size_t)job.rows->dim)) {
        err = wn_fail(enc->log, WN_ERR_MODEL, "the encoder gave rows that are not finite numbers");
        goto fail;
    }
    *out = job.rows;
    job.rows = NULL;
fail:
    wn_rows_destroy(&job.rows);
    return err;
}

static int count(struct wn_encoder *encoder, int32_t width, int32_t height, int32_t *rows,
                 int32_t *tokens)
{
    struct encoder *enc = (struct encoder *)encoder;
    struct wn_vit_shape *s = NULL;

    if (width < 1 || height < 1)
        return wn_fail(enc->log, WN_ERR_ARG, "a picture of %d x %d", width, height);
    const int err = wn_vit_shapes_find(&enc->shapes, width, height, false, &s);
    if (err < 0)
        return wn_nomem(enc->log, "a layout");
    *rows = s->plan.n_rows;
    *tokens = 0;
    return WN_OK;
}

/* ---- open and close ---- */

static void destroy(struct wn_encoder *encoder)
{
    struct encoder *enc = (struct encoder *)encoder;

    wn_vit_shapes_finish(&enc->shapes);
    wn_vit_close(&enc->vit);
    free(enc->newline);
    free(enc);
}

static int tell(struct encoder *enc)
{
    const struct wn_vit_info *m = &enc->vit->info;
    struct wn_vit_shape *s = NULL;
    const int err = wn_vit_shapes_find(&enc->shapes, m->image_size, m->image_size, true, &s);

    if (err < 0)
        return err;

    enc->base.info = (struct wn_encoder_info){
        .arch = m->arch,
        .dim = m->out_dim,
        .n_layers = m->n_layers,
        .n_read = m->n_layers,
        .n_heads = m->n_heads,
        .has_cls = m->cls,
        .video_rows = s->plan.n_rows,
        .max_batch = wn_vit_batch(enc->vit),
    };
    return WN_OK;
}

int wn_encoder_own_open(struct wn_encoder **out, const struct wn_encoder_params *params)
{
    struct encoder *enc = wn_calloc(1, sizeof(*enc));
    struct wn_encoder *base = (struct wn_encoder *)enc;
    int err;

    if (!enc)
        return wn_nomem(params->log, "an encoder");
    enc->base = (struct wn_encoder){.encode = encode, .count = count, .destroy = destroy};
    enc->pool = params->pool;
    enc->log = params->log;
    enc->fast_resize = params->fast_resize;
    TRY(wn_vit_open(&enc->vit, &(struct wn_vit_params){
        .path = params->mmproj,
        .n_threads = params->n_threads > 0 ? params->n_threads : wn_pool_threads(params->pool),
        .no_gpu = params->no_gpu,
        .log = params->log,
    }));
    if (params->cls_layout)
        enc->vit->info.cls_last = !strcmp(params->cls_layout, "last");
    enc->shapes.info = &enc->vit->info;
    const struct wn_vit_info *m = &enc->vit->info;
    if (params->text_model && m->out_dim != llama_model_n_embd_inp(params->text_model)) {
        err = wn_fail(params->log, WN_ERR_MODEL, "%s: its rows are %d wide, the language model "
                      "wants %d", params->mmproj, m->out_dim,
                      llama_model_n_embd_inp(params->text_model));
        goto fail;
    }
    if (enc->vit->newline) {
        enc->newline = wn_calloc((size_t)m->out_dim, sizeof(float));
        if (!enc->newline) {
            err = wn_nomem(params->log, "an encoder");
            goto fail;
        }
        ggml_backend_tensor_get(enc->vit->newline, enc->newline, 0,
                                (size_t)m->out_dim * sizeof(float));
    }
    err = tell(enc);
    if (err < 0) {
        wn_nomem(params->log, "an encoder");
        goto fail;
    }
    *out = base;
    return WN_OK;
fail:
    wn_encoder_close(&base);
    return err;
}
