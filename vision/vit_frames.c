/* SPDX-License-Identifier: MIT */
#include "vit_frames.h"

#include <stdlib.h>
#include <string.h>

#include "resize.h"
#include "vit_head.h"
#include "vit_piece.h"

static int find_shape(const struct wn_vit_job *job, const struct wn_frame *frame,
                      struct wn_vit_shape **out)
{
    if (wn_vit_shapes_find(&job->enc->shapes, frame->width, frame->height, job->video, out) < 0)
        return wn_nomem(job->enc->log, "a layout");
    return WN_OK;
}

static void pick(struct wn_vit_job *job, const struct wn_needs *needs)
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

/* ---- pictures ---- */

static int square(const struct wn_vit_encoder *enc, uint8_t *dst, const struct wn_frame *frame)
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
    struct wn_vit_group_of *g = arg;
    const struct wn_vit_encoder *enc = g->job->enc;
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
    if (g->enter && g->err[i] >= 0 && s->plan.n_tiles == 1)
        g->squares[i] = bytes;
    else
        free(bytes);
}

/* Which patches of frame i enter: those that look other than when they were encoded last. */
static int skip(struct wn_vit_group_of *g, int i)
{
    const struct wn_vit_info *m = &g->job->enc->vit->info;
    struct wn_reducer *red = g->job->reducer;
    const int32_t side = m->side * m->patch_size;
    uint8_t *enter = g->enter + (size_t)g->tile0[i] * (size_t)m->n_patches;
    struct wn_frame *now = NULL;

    if (!g->squares[i] || !g->job->video) {
        memset(enter, 1, (size_t)(g->tile0[i + 1] - g->tile0[i]) * (size_t)m->n_patches);
        return WN_OK;
    }
    if (wn_frame_create(&now, side, side) < 0)
        return wn_nomem(g->job->enc->log, "a picture of the encoder");
    for (int32_t y = 0; y < side; y++) /* without pixels beyond the last whole patch */
        memcpy(now->rgb + (size_t)y * (size_t)side * 3,
               g->squares[i] + (size_t)y * (size_t)m->image_size * 3, (size_t)side * 3);
    wn_frame_changed(red->seen, now, m->side, m->side, red->skip, enter);
    if (red->seen && red->seen->width == side) {
        wn_frame_update(red->seen, now, m->side, m->side, enter);
        wn_frame_unref(&now);
    } else {
        wn_frame_unref(&red->seen);
        red->seen = now;
    }
    return WN_OK;
}

static int look_at_pictures(struct wn_vit_group_of *g)
{
    int err = WN_OK;

    wn_pool_run(g->job->enc->pool, g->n, prepare, g);
    for (int i = 0; i < g->n; i++)
        if (g->err[i] < 0)
            return wn_nomem(g->job->enc->log, "a picture of the encoder");
    for (int i = 0; g->enter && i < g->n; i++)
        TRY(skip(g, i));
fail:
    return err;
}

/* ---- the tower ---- */

/* Tiles that go through together. */
static int most_tiles(const struct wn_vit_job *job)
{
    const int most = wn_vit_batch(job->enc->vit);
    const int together = job->reducer ? WN_MAX(job->reducer->frames, 1) : 1;

    return most <= together ? together : most - most % together;
}

/* The state that a frame's own vector is taken from. */
static int32_t global_layer(const struct wn_vit_info *m)
{
    return m->post_ln ? m->n_layers : m->depth;
}

static int list_taps(const struct wn_vit_group_of *g, size_t t, struct wn_vit_tap *tap)
{
    const struct wn_vit_job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t tiles = (size_t)g->tile0[g->n];
    const size_t attn = wn_vit_tap_size(m, WN_VIT_CLS_ATTN), keys = wn_vit_tap_size(m, WN_VIT_KEY);
    int n = 0;

    tap[n++] = (struct wn_vit_tap){
        WN_VIT_PROJECTED, 0, g->projected + t * wn_vit_tap_size(m, WN_VIT_PROJECTED)};
    for (int32_t k = 0; k < job->n_attn; k++)
        tap[n++] = (struct wn_vit_tap){
            m->cls ? WN_VIT_CLS_ATTN : WN_VIT_RECEIVED, job->attn_layer[k],
            g->attn + ((size_t)k * tiles + t) * attn};
    for (int32_t k = 0; k < job->n_keys; k++)
        tap[n++] = (struct wn_vit_tap){WN_VIT_KEY, job->keys_layer[k],
                                       g->keys + ((size_t)k * tiles + t) * keys};
    if (g->logits)
        tap[n++] = (struct wn_vit_tap){WN_VIT_CLS_LOGITS, m->n_layers - 1, g->logits + t * attn};
    if (g->state)
        tap[n++] = (struct wn_vit_tap){WN_VIT_HIDDEN, global_layer(m), g->state + t * keys};
    return n;
}

/* Tiles in batches that keep attention in the cache. */
static int run_tower(struct wn_vit_group_of *g)
{
    const struct wn_vit_job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t row = (size_t)m->n_patches * 3 * (size_t)m->patch_size * (size_t)m->patch_size;
    const int tiles = g->tile0[g->n], most = most_tiles(job);
    struct wn_vit_tap tap[2 * WN_MAX_LAYERS + 3];
    int err = WN_OK;

    for (int t = 0; t < tiles; t += most) {
        const int n = WN_MIN(most, tiles - t), n_taps = list_taps(g, (size_t)t, tap);
        const float *patches = g->patches + (size_t)t * row;
        struct wn_vit_left left = {0};

        TRY(wn_cancelled(job->enc->log) ? WN_ERR_ABORTED : WN_OK);
        if (!job->reducer) {
            TRY(wn_vit_run(job->enc->vit, patches, n, tap, n_taps));
            continue;
        }
        TRY(wn_vit_run_reduced(job->enc->vit, patches, n, tap, n_taps, &(struct wn_vit_reduce){
            .reducer = job->reducer,
            .enter = g->enter ? g->enter + (size_t)t * (size_t)m->n_patches : NULL,
        }, &left));
        if (wn_vit_left_append(&g->left, &left) < 0) {
            wn_vit_left_finish(&left);
            err = wn_nomem(job->enc->log, "rows of a segment");
            goto fail;
        }
    }
fail:
    return err;
}

static float *tap_memory(const struct wn_vit_group_of *g, bool wanted, int32_t layers,
                         enum wn_vit_tap_kind kind, bool *ok)
{
    const size_t tiles = (size_t)g->tile0[g->n];
    float *to = wanted ? wn_calloc(tiles * (size_t)layers,
                                   wn_vit_tap_size(&g->job->enc->vit->info, kind) * sizeof(*to))
                       : NULL;

    *ok &= !wanted || to;
    return to;
}

static bool group_memory(struct wn_vit_group_of *g)
{
    const struct wn_vit_job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t tiles = (size_t)g->tile0[g->n], patches = tiles * (size_t)m->n_patches;
    const bool skips = job->reducer && job->reducer->skip >= 0;
    bool ok = true;

    g->patches = wn_calloc(patches, 3 * (size_t)m->patch_size * (size_t)m->patch_size *
                           sizeof(float));
    g->projected = tap_memory(g, true, 1, WN_VIT_PROJECTED, &ok);
    g->attn = tap_memory(g, job->n_attn, job->n_attn, WN_VIT_CLS_ATTN, &ok);
    g->keys = tap_memory(g, job->n_keys, job->n_keys, WN_VIT_KEY, &ok);
    g->logits = tap_memory(g, job->rows->logits, 1, WN_VIT_CLS_LOGITS, &ok);
    g->state = tap_memory(g, job->rows->global, 1, WN_VIT_HIDDEN, &ok);
    g->enter = skips ? wn_calloc(patches, 1) : NULL;
    return ok && g->patches && (g->enter || !skips);
}

static void group_free(struct wn_vit_group_of *g)
{
    for (int i = 0; i < g->n; i++) {
        free(g->squares[i]);
        free(g->column[i]);
    }
    free(g->patches);
    free(g->projected);
    free(g->attn);
    free(g->keys);
    free(g->logits);
    free(g->state);
    free(g->enter);
    wn_vit_left_finish(&g->left);
}

/* What the pooling head says of the tokens of picture t that are left; those of a picture of which
 * none are say nothing. */
static int pool(struct wn_vit_group_of *g, int32_t t, float *to)
{
    struct wn_vit_encoder *enc = g->job->enc;
    const size_t dim = (size_t)enc->vit->info.dim, n = (size_t)enc->vit->info.n_patches;
    float *tokens = g->state + (size_t)t * n * dim;
    int32_t left = 0;
    int err;

    for (size_t p = 0; p < n; p++) {
        if (g->left.alive && !g->left.alive[(size_t)t * n + p])
            continue;
        memmove(tokens + (size_t)left++ * dim, tokens + p * dim, dim * sizeof(*tokens));
    }
    if (!left)
        return WN_OK;
    TRY(wn_vit_norm_rows(enc->vit, tokens, left, tokens));
    if (wn_vit_head_run(enc->vit->pooling, tokens, left, to, NULL) < 0)
        return wn_nomem(enc->log, "a picture's vector");
fail:
    return err;
}

/* A vector a frame: of its first picture's CLS token, or the pooling head's. */
static int give_global(struct wn_vit_group_of *g)
{
    struct wn_vit_encoder *enc = g->job->enc;
    const struct wn_vit_info *m = &enc->vit->info;
    const size_t dim = (size_t)m->dim;
    float *to = g->job->rows->global + (size_t)g->first * dim;

    int err = WN_OK;
    for (int i = 0; !m->cls && i < g->n; i++)
        TRY(pool(g, g->tile0[i], to + (size_t)i * dim));
    if (!m->cls)
        return WN_OK;
    for (int i = 0; i < g->n; i++)
        memcpy(to + (size_t)i * dim, g->state + (size_t)g->tile0[i] *
               wn_vit_tap_size(m, WN_VIT_HIDDEN), dim * sizeof(*to));
    if (m->post_ln)
        err = wn_vit_norm_rows(enc->vit, to, g->n, to);
fail:
    return err;
}

/* Frames from `first` on whose tiles make a batch; *n of them. */
static int run_group(struct wn_vit_job *job, int first, int *n)
{
    const int most = most_tiles(job);
    struct wn_vit_group_of g = {.job = job, .first = first};
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
    if (!group_memory(&g)) {
        err = wn_nomem(job->enc->log, "frames of the encoder");
        goto fail;
    }
    TRY(look_at_pictures(&g));
    TRY(run_tower(&g));
    if (g.state)
        TRY(give_global(&g));
    for (int i = 0; i < g.n; i++)
        TRY(wn_vit_give_rows(&g, i));
fail:
    group_free(&g);
    return err;
}

/* ---- all frames ---- */

static int measure(struct wn_vit_job *job, int64_t *n)
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

int wn_vit_encode(struct wn_encoder *encoder, struct wn_frame *const *frames, int n, bool video,
                  const struct wn_needs *needs, struct wn_rows **out)
{
    struct wn_vit_encoder *enc = (struct wn_vit_encoder *)encoder;
    struct wn_vit_job job = {
        .enc = enc, .frames = frames, .n = n, .video = video, .needs = needs,
        .reducer = needs ? needs->reducer : NULL,
    };
    int64_t rows = 0;
    int err, did;

    if (n < 1)
        return wn_fail(enc->log, WN_ERR_ARG, "no frames to encode");
    if (job.reducer && !enc->base.info.reduces)
        return wn_fail(enc->log, WN_ERR_UNSUPPORTED, "this projector takes several layers of the "
                       "tower, so that nothing can act between them");
    pick(&job, needs);
    TRY(measure(&job, &rows));
    if (wn_vit_job_rows(&job, rows) < 0) {
        err = wn_nomem(enc->log, "rows of a segment");
        goto fail;
    }
    for (int i = 0; i < n; i += did)
        TRY(run_group(&job, i, &did));
    if (!all_finite(job.rows->data, (size_t)job.rows->n * (size_t)job.rows->dim)) {
        err = wn_fail(enc->log, WN_ERR_MODEL, "the encoder gave rows that are not finite numbers");
        goto fail;
    }
    *out = job.rows;
    job.rows = NULL;
fail:
    wn_rows_destroy(&job.rows);
    return err;
}
