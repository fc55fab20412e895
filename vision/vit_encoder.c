/* SPDX-License-Identifier: MIT */
/* struct wn_encoder over our own towers. */
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "select.h"
#include "vit_frames.h"

static int count(struct wn_encoder *encoder, int32_t width, int32_t height, int32_t *rows,
                 int32_t *tokens)
{
    struct wn_vit_encoder *enc = (struct wn_vit_encoder *)encoder;
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
    struct wn_vit_encoder *enc = (struct wn_vit_encoder *)encoder;

    wn_vit_shapes_finish(&enc->shapes);
    wn_vit_close(&enc->vit);
    free(enc->newline);
    free(enc);
}

static int tell(struct wn_vit_encoder *enc)
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
        .depth = m->depth,
        .reduces = m->n_features == 1,
        .patches = m->n_patches,
        .tower_dim = m->dim,
        .n_heads = m->n_heads,
        .has_cls = m->cls,
        .video_rows = s->plan.n_rows,
        .max_batch = wn_vit_batch(enc->vit),
    };
    return WN_OK;
}

int wn_encoder_own_open(struct wn_encoder **out, const struct wn_encoder_params *params)
{
    struct wn_vit_encoder *enc = wn_calloc(1, sizeof(*enc));
    struct wn_encoder *base = (struct wn_encoder *)enc;
    int err;

    if (!enc)
        return wn_nomem(params->log, "an encoder");
    enc->base = (struct wn_encoder){.encode = wn_vit_encode, .count = count, .destroy = destroy};
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
