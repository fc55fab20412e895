/* SPDX-License-Identifier: MIT */
#include "vision_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

const char *pair_mkmodel, *pair_dir;

bool pair_make(struct pair *pair, const char *kind, const char *extra)
{
    char command[2048];

    memset(pair, 0, sizeof(*pair));
    snprintf(pair->llm, sizeof(pair->llm), "%s/%s.gguf", pair_dir, kind);
    snprintf(pair->mmproj, sizeof(pair->mmproj), "%s/%s-mmproj.gguf", pair_dir, kind);
    snprintf(command, sizeof(command), "'%s' %s %s --out '%s/%s'", pair_mkmodel, kind,
             extra ? extra : "", pair_dir, kind);
    pair->made = true;
    return system(command) == 0 && pair_load(pair);
}

bool pair_load(struct pair *pair)
{
    struct llama_model_params params = llama_model_default_params();

    params.n_gpu_layers = 0;
    pair->model = llama_model_load_from_file(pair->llm, params);
    return pair->model != NULL;
}

void pair_free(struct pair *pair)
{
    if (pair->model)
        llama_model_free(pair->model);
    pair->model = NULL;
    if (pair->made) {
        unlink(pair->llm);
        unlink(pair->mmproj);
    }
}

struct wn_frame *picture(int32_t width, int32_t height, unsigned seed)
{
    struct wn_frame *frame = NULL;
    uint32_t state = seed * 2654435761u + 1;

    if (wn_frame_create(&frame, width, height) < 0)
        return NULL;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                state = state * 1664525u + 1013904223u;
                frame->rgb[((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c] =
                    (uint8_t)(((x * (3 + c) + y * (5 - c)) / 3 + (int)(state >> 27) +
                               (int)seed * 40) &
                              255);
            }
    frame->time = seed;
    frame->number = (int64_t)seed * 10;
    return frame;
}

static bool eval(struct ggml_tensor *tensor, bool ask, void *arg)
{
    struct plain *plain = arg;

    return plain->see ? plain->see(plain, tensor, ask) : !ask;
}

bool plain_open(struct plain *plain, const struct pair *pair, bool flash)
{
    struct mtmd_context_params params = mtmd_context_params_default();

    params.use_gpu = false;
    params.print_timings = false;
    params.n_threads = 1;
    params.flash_attn_type = flash ? LLAMA_FLASH_ATTN_TYPE_AUTO : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    if (plain->see) {
        params.cb_eval = eval;
        params.cb_eval_user_data = plain;
    }
    plain->ctx = mtmd_init_from_file(pair->mmproj, pair->model, params);
    plain->dim = (size_t)llama_model_n_embd_inp(pair->model);
    return plain->ctx != NULL;
}

static bool tokenize(struct plain *plain, struct wn_frame *const *frames, int n)
{
    const char *marker = mtmd_default_marker();
    mtmd_bitmap *bitmap[2] = {NULL};
    char text[64];

    snprintf(text, sizeof(text), "%s%s", marker, n > 1 ? marker : "");
    const struct mtmd_input_text input = {text, strlen(text), false, true};
    for (int i = 0; i < n; i++) {
        bitmap[i] = mtmd_bitmap_init((uint32_t)frames[i]->width, (uint32_t)frames[i]->height,
                                     frames[i]->rgb);
        mtmd_bitmap_set_mergeable(bitmap[i], n > 1);
    }
    plain->chunks = mtmd_input_chunks_init();
    const bool ok = mtmd_tokenize(plain->ctx, plain->chunks, &input,
                                  (const mtmd_bitmap *const *)bitmap, (size_t)n) == 0;
    for (int i = 0; i < n; i++)
        mtmd_bitmap_free(bitmap[i]);
    return ok;
}

bool plain_encode(struct plain *plain, struct wn_frame *const *frames, int n)
{
    if (plain->chunks)
        mtmd_input_chunks_free(plain->chunks);
    if (!tokenize(plain, frames, n))
        return false;
    plain->n_rows = 0;
    for (size_t i = 0; i < mtmd_input_chunks_size(plain->chunks); i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(plain->chunks, i);
        const size_t m = mtmd_input_chunk_get_n_tokens(chunk);

        if (mtmd_input_chunk_get_type(chunk) != MTMD_INPUT_CHUNK_TYPE_IMAGE)
            continue;
        if (mtmd_encode_chunk(plain->ctx, chunk))
            return false;
        plain->rows = realloc(plain->rows, (plain->n_rows + m) * plain->dim * sizeof(float));
        memcpy(plain->rows + plain->n_rows * plain->dim, mtmd_get_output_embd(plain->ctx),
               m * plain->dim * sizeof(float));
        plain->n_rows += m;
    }
    return true;
}

void plain_close(struct plain *plain)
{
    if (plain->chunks)
        mtmd_input_chunks_free(plain->chunks);
    if (plain->ctx)
        mtmd_free(plain->ctx);
    free(plain->rows);
    plain->chunks = NULL;
    plain->ctx = NULL;
    plain->rows = NULL;
}


int open_encoder(struct fixture *f, const char *cls_layout, bool fast)
{
    return wn_encoder_mtmd_open(&f->enc, &(struct wn_encoder_params){
        .mmproj = f->pair.mmproj,
        .text_model = f->pair.model,
        .cls_layout = cls_layout,
        .n_threads = 1, /* ggml's threads spin: more are slow where tests share the cores */
        .no_gpu = true,
        .fast_resize = fast,
        .pool = f->pool,
        .log = &f->log,
    });
}

void begin(struct fixture *f, const char *kind, const char *extra)
{
    memset(f, 0, sizeof(*f));
    f->kind = kind;
    wn_log_init(&f->log);
    assert_int_equal(wn_pool_create(&f->pool, 2), WN_OK);
    assert_true(pair_make(&f->pair, kind, extra));
    if (open_encoder(f, NULL, false) < 0)
        fail_msg("%s: %s", kind, f->log.last_error);
}

void end(struct fixture *f)
{
    wn_encoder_close(&f->enc);
    wn_pool_destroy(&f->pool);
    pair_free(&f->pair);
    wn_log_finish(&f->log);
}

struct wn_rows *encode(struct fixture *f, struct wn_frame *const *frames, int n, bool video,
                              const struct wn_needs *needs)
{
    struct wn_rows *rows = NULL;

    if (f->enc->encode(f->enc, frames, n, video, needs, &rows) < 0)
        fail_msg("%s: %s", f->kind, f->log.last_error);
    return rows;
}
