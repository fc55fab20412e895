/* SPDX-License-Identifier: MIT */
/* struct wn_encoder over libmtmd. */
#include "../pipeline/encoder.h"

#include <llama.h>
#include <math.h>
#include <mtmd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mmproj.h"
#include "resize.h"
#include "unit.h"

enum { MAX_UNITS = 64 }; /* sizes of pictures remembered */

struct encoder {
    struct wn_encoder base;
    struct wn_mtmd m;
    struct wn_mmproj mmproj;
    struct wn_pool *pool;
    bool fast_resize;
    struct wn_unit *unit[MAX_UNITS]; /* latest use first */
    char *note;
};

/* ---- one picture ---- */

static int find_unit(struct encoder *enc, int32_t width, int32_t height, bool pair,
                     struct wn_unit **out)
{
    struct wn_unit *u = NULL;
    int at = 0, err;

    if (enc->fast_resize)
        width = height = enc->mmproj.image_size;
    for (; at < MAX_UNITS && enc->unit[at]; at++)
        if (enc->unit[at]->width == width && enc->unit[at]->height == height &&
            enc->unit[at]->pair == pair) {
            u = enc->unit[at];
            break;
        }
    if (!u) {
        err = wn_unit_create(&u, &enc->m, width, height, pair);
        enc->m.hook = (struct wn_hook){0};
        if (err < 0)
            return err;
        at = WN_MIN(at, MAX_UNITS - 1);
        wn_unit_destroy(&enc->unit[at]);
    }
    memmove(enc->unit + 1, enc->unit, (size_t)at * sizeof(enc->unit[0]));
    enc->unit[0] = u;
    *out = u;
    return WN_OK;
}

/* The pixels as libmtmd gets them; *made is freed by the caller. */
static int pixels(const struct encoder *enc, const struct wn_unit *u, const struct wn_frame *frame,
                  const uint8_t **rgb, uint8_t **made)
{
    *made = NULL;
    *rgb = frame->rgb;
    if (frame->width == u->width && frame->height == u->height)
        return WN_OK;
    *made = wn_calloc((size_t)u->width * 3, (size_t)u->height);
    *rgb = *made;
    if (!*made)
        return WN_ERR_NOMEM;
    if (enc->fast_resize)
        return wn_resize_square(*made, u->width, enc->mmproj.pad_color, frame);
    return wn_resize_rgb(*made, (size_t)u->width * 3, u->width, u->height, frame->rgb, frame->width,
                         frame->height);
}

static mtmd_input_chunks *cut(struct encoder *enc, const struct wn_unit *u,
                              struct wn_frame *const *frames, int n)
{
    const uint8_t *rgb[2] = {NULL};
    uint8_t *made[2] = {NULL};
    mtmd_input_chunks *chunks = NULL;
    int err = WN_OK;

    for (int i = 0; i < n && err == WN_OK; i++)
        err = pixels(enc, u, frames[i], &rgb[i], &made[i]);
    if (err == WN_OK)
        chunks = wn_unit_chunks(&enc->m, rgb, n, u->width, u->height);
    for (int i = 0; i < n; i++)
        free(made[i]);
    if (!chunks)
        wn_fail(enc->m.log, WN_ERR_NOMEM, "out of memory for a picture of %d x %d", u->width,
                u->height);
    return chunks;
}

static bool all_finite(const float *x, size_t n)
{
    float sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0;
    return sum == 0;
}

/* ---- a batch of frames ---- */

struct batch {
    struct wn_frame *const *frames;
    int n, per_unit;      /* frames; frames a unit: 1 or 2 */
    int32_t n_units;
    struct wn_taps *taps;
    struct wn_rows *rows;
};

static int unit_of(struct encoder *enc, const struct batch *b, int32_t i, struct wn_unit **u,
                   int *n)
{
    const int first = i * b->per_unit;
    const struct wn_frame *frame = b->frames[first];

    *n = WN_MIN(b->per_unit, b->n - first);
    return find_unit(enc, frame->width, frame->height, *n == 2, u);
}

static void aim_taps(const struct batch *b, const struct wn_graph_map *map, int32_t row)
{
    struct wn_taps *t = b->taps;
    struct wn_rows *rows = b->rows;

    if (!t)
        return;
    t->map = map;
    t->first = NULL;
    t->attn = rows->attn ? rows->attn + (size_t)row * (size_t)(rows->attn_layers * rows->attn_heads)
                         : NULL;
    t->keys = rows->keys ? rows->keys + (size_t)row * (size_t)rows->keys_layers *
                               (size_t)(rows->keys_heads * rows->keys_dim) : NULL;
    t->logits = rows->logits ? rows->logits + row : NULL;
}

static int encode_chunk(struct encoder *enc, const struct batch *b, const mtmd_input_chunk *chunk,
                        const struct wn_graph_map *map, int32_t row)
{
    const size_t dim = (size_t)b->rows->dim, n = (size_t)map->n_rows * dim;
    char why[256];

    if (mtmd_input_chunk_get_n_tokens(chunk) != (size_t)map->n_rows)
        return wn_fail(enc->m.log, WN_ERR_MODEL, "libmtmd gives %zu rows where it gave %d",
                       mtmd_input_chunk_get_n_tokens(chunk), map->n_rows);
    aim_taps(b, map, row);
    wn_mtmd_catch(&why);
    enc->m.hook = (struct wn_hook){.taps = b->taps};
    const int failed = mtmd_encode_chunk(enc->m.ctx, chunk);
    enc->m.hook = (struct wn_hook){0};
    wn_mtmd_catch(NULL);
    if (failed)
        return wn_fail(enc->m.log, WN_ERR_MODEL, "libmtmd cannot encode a picture: %s", why);
    if (b->taps && b->taps->err)
        return wn_fail(enc->m.log, b->taps->err, "attention or keys of this model cannot be read");
    memcpy(b->rows->data + (size_t)row * dim, mtmd_get_output_embd(enc->m.ctx), n * sizeof(float));
    if (!all_finite(b->rows->data + (size_t)row * dim, n))
        return wn_fail(enc->m.log, WN_ERR_MODEL,
                       "the encoder gave rows that are not finite numbers");
    return WN_OK;
}

static int encode_unit(struct encoder *enc, const struct batch *b, int32_t i)
{
    const struct wn_frame *frame = b->frames[i * b->per_unit];
    struct wn_row_frame *out = &b->rows->frames[i];
    int32_t row = b->rows->frame_ptr[i], c = 0;
    struct wn_unit *u = NULL;
    int n = 0, err;

    TRY(unit_of(enc, b, i, &u, &n));
    mtmd_input_chunks *chunks = cut(enc, u, b->frames + i * b->per_unit, n);
    if (!chunks)
        return WN_ERR_NOMEM;
    for (size_t k = 0; k < mtmd_input_chunks_size(chunks) && err >= 0; k++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, k);

        if (mtmd_input_chunk_get_type(chunk) != MTMD_INPUT_CHUNK_TYPE_IMAGE)
            continue;
        if (c == u->n_chunks)
            err = wn_fail(enc->m.log, WN_ERR_MODEL,
                          "libmtmd cuts a picture in more parts than before");
        else
            err = encode_chunk(enc, b, chunk, u->map[c], row);
        row += c < u->n_chunks ? u->map[c]->n_rows : 0;
        c++;
    }
    mtmd_input_chunks_free(chunks);
    if (err < 0)
        return err;
    for (int32_t r = 0; r < u->layout->n_rows; r++)
        b->rows->cell[b->rows->frame_ptr[i] + r] = r;
    *out = (struct wn_row_frame){
        .index = i,
        .number = frame->number,
        .time = frame->time,
        .scene = frame->scene,
        .layout = wn_layout_ref(u->layout),
    };
fail:
    return err;
}

/* Rows of all units, so that the segment is one allocation. Also checks taps on every layout. */
static int measure(struct encoder *enc, struct batch *b, const struct wn_needs *needs,
                   int64_t *n_rows)
{
    struct wn_unit *u = NULL;
    int n, err = WN_OK;

    *n_rows = 0;
    for (int32_t i = 0; i < b->n_units; i++) {
        TRY(unit_of(enc, b, i, &u, &n));
        *n_rows += u->layout->n_rows;
        if (i == 0 && needs)
            TRY(wn_taps_create(&b->taps, needs, &enc->base.info, u->map[0], enc->pool, enc->m.log));
        for (int32_t c = 0; b->taps && c < u->n_chunks; c++)
            TRY(wn_taps_check(b->taps, u->map[c], enc->m.log));
    }
    if (*n_rows > INT32_MAX / 4)
        return wn_fail(enc->m.log, WN_ERR_LIMIT, "%lld rows in one segment", (long long)*n_rows);
fail:
    return err;
}

static int32_t *copy_ints(const int32_t *from, int32_t n)
{
    int32_t *to = wn_calloc((size_t)n, sizeof(*to));

    if (to)
        memcpy(to, from, (size_t)n * sizeof(*to));
    return to;
}

static int make_rows(struct encoder *enc, struct batch *b, int64_t n)
{
    struct wn_rows *rows = wn_rows_create((int32_t)n, enc->base.info.dim, b->n_units);
    const struct wn_taps *t = b->taps;

    b->rows = rows;
    if (!rows)
        return WN_ERR_NOMEM;
    rows->encoder_layers = enc->base.info.n_layers;
    if (t && t->n_attn) {
        rows->attn_layers = t->n_attn;
        rows->attn_heads = t->attn_heads;
        rows->attn_received = t->received;
        rows->attn_layer = copy_ints(t->attn_layer, t->n_attn);
        rows->attn =
            wn_calloc((size_t)n, (size_t)t->n_attn * (size_t)t->attn_heads * sizeof(float));
        if (!rows->attn || !rows->attn_layer)
            return WN_ERR_NOMEM;
    }
    if (t && t->logits_layer >= 0) {
        rows->logits = wn_calloc((size_t)n, sizeof(*rows->logits));
        if (!rows->logits)
            return WN_ERR_NOMEM;
    }
    if (t && t->n_keys) {
        rows->keys_layers = t->n_keys;
        rows->keys_heads = t->keys_heads;
        rows->keys_dim = t->keys_dim;
        rows->keys_layer = copy_ints(t->keys_layer, t->n_keys);
        rows->keys = wn_calloc((size_t)n, (size_t)t->n_keys *
                               (size_t)(t->keys_heads * t->keys_dim) * sizeof(float));
        if (!rows->keys || !rows->keys_layer)
            return WN_ERR_NOMEM;
    }
    return WN_OK;
}

static int encode(struct wn_encoder *encoder, struct wn_frame *const *frames, int n, bool video,
                  const struct wn_needs *needs, struct wn_rows **out)
{
    struct encoder *enc = (struct encoder *)encoder;
    struct batch b = {.frames = frames, .n = n};
    struct wn_unit *u = NULL;
    int64_t n_rows;
    int unused, err;

    if (n < 1)
        return wn_fail(enc->m.log, WN_ERR_ARG, "no frames to encode");
    b.per_unit = video && enc->base.info.merges_pairs ? 2 : 1;
    b.n_units = (n + b.per_unit - 1) / b.per_unit;
    TRY(measure(enc, &b, needs, &n_rows));
    if (make_rows(enc, &b, n_rows) < 0) {
        err = wn_nomem(enc->m.log, "rows of a segment");
        goto fail;
    }
    for (int32_t i = 0; i < b.n_units; i++) {
        TRY(unit_of(enc, &b, i, &u, &unused));
        b.rows->frame_ptr[i + 1] = b.rows->frame_ptr[i] + u->layout->n_rows;
        TRY(wn_cancelled(enc->m.log) ? WN_ERR_ABORTED : WN_OK);
        TRY(encode_unit(enc, &b, i));
    }
    *out = b.rows;
    b.rows = NULL;
fail:
    wn_taps_destroy(&b.taps);
    wn_rows_destroy(&b.rows);
    return err;
}

static int count(struct wn_encoder *encoder, int32_t width, int32_t height, int32_t *rows,
                 int32_t *tokens)
{
    struct encoder *enc = (struct encoder *)encoder;
    struct wn_unit *u = NULL;

    if (width < 1 || height < 1)
        return wn_fail(enc->m.log, WN_ERR_ARG, "a picture of %d x %d", width, height);
    int err = find_unit(enc, width, height, false, &u);
    if (err < 0)
        return err;
    *rows = u->layout->n_rows;
    *tokens = u->n_tokens;
    return WN_OK;
}

/* ---- open and close ---- */

static void destroy(struct wn_encoder *encoder)
{
    struct encoder *enc = (struct encoder *)encoder;

    for (int i = 0; i < MAX_UNITS; i++)
        wn_unit_destroy(&enc->unit[i]);
    if (enc->m.ctx)
        mtmd_free(enc->m.ctx);
    wn_mtmd_unroute(enc->m.log);
    free(enc->note);
    free(enc);
}

void wn_encoder_close(struct wn_encoder **encoder)
{
    if (!*encoder)
        return;
    (*encoder)->destroy(*encoder);
    *encoder = NULL;
}

static int load(struct encoder *enc, const struct wn_encoder_params *params)
{
    struct mtmd_context_params p = mtmd_context_params_default();
    char why[256];

    p.use_gpu = !params->no_gpu;
    p.print_timings = false;
    p.n_threads = params->n_threads > 0 ? params->n_threads : wn_pool_threads(params->pool);
    p.warmup = false; /* it reserves memory for the largest picture; ours comes soon enough */
    p.cb_eval = wn_hook_eval;
    p.cb_eval_user_data = &enc->m.hook;
    wn_mtmd_route(enc->m.log);
    wn_mtmd_catch(&why);
    enc->m.ctx = mtmd_init_from_file(params->mmproj, params->text_model, p);
    wn_mtmd_catch(NULL);
    if (!enc->m.ctx)
        return wn_fail(enc->m.log, WN_ERR_MODEL, "%s: libmtmd refuses it: %s", params->mmproj,
                       why[0] ? why : "it does not say why");
    if (!mtmd_support_vision(enc->m.ctx))
        return wn_fail(enc->m.log, WN_ERR_MODEL, "%s: no vision tower", params->mmproj);
    return WN_OK;
}

/* Two small pictures: do they become one? */
static bool merges_pairs(const struct encoder *enc)
{
    const int32_t side = 64;
    uint8_t *rgb = wn_calloc((size_t)side * 3, (size_t)side);
    const uint8_t *both[2] = {rgb, rgb};
    mtmd_input_chunks *chunks = rgb ? wn_unit_chunks(&enc->m, both, 2, side, side) : NULL;
    int n = 0;

    for (size_t i = 0; chunks && i < mtmd_input_chunks_size(chunks); i++)
        n += mtmd_input_chunk_get_type(mtmd_input_chunks_get(chunks, i)) ==
             MTMD_INPUT_CHUNK_TYPE_IMAGE;
    if (chunks)
        mtmd_input_chunks_free(chunks);
    free(rgb);
    return n == 1;
}

static int check_cls(struct encoder *enc, const struct wn_graph_map *map, const char *wanted)
{
    const char *is = map->cls < 0 ? "nowhere" : map->cls == 0 ? "first" : "last";

    if (wanted && strcmp(wanted, is))
        return wn_fail(
            enc->m.log, WN_ERR_MODEL,
            "this model was made for the CLS row %s "
            "(winnow.cls_layout), but this libmtmd has it %s: its patches would get wrong "
            "positions",
            strcmp(wanted, "first") && strcmp(wanted, "last") ? "somewhere else" : wanted, is);
    if (!wanted && map->lost && map->cls_row) {
        enc->note = wn_sprintf("this libmtmd shifts the patches of LLaVA models by one: positions "
                               "do not fit, %d patch of %d is lost and the CLS row stands in its "
                               "place, so answers are worse than the model's own", map->lost,
                               map->patch_h * map->patch_w);
        if (!enc->note)
            return wn_nomem(enc->m.log, "an encoder");
    }
    return WN_OK;
}

/* The graph of one picture tells where CLS is, which rows come out and which layers run. */
static int probe(struct encoder *enc, const struct wn_encoder_params *params)
{
    struct wn_encoder_info *info = &enc->base.info;
    const int32_t side = enc->mmproj.image_size ? WN_MIN(enc->mmproj.image_size, 1024)
                                                : 16 * enc->mmproj.patch_size;
    struct wn_unit *u = NULL;
    int err;

    TRY(find_unit(enc, side, side, false, &u));
    const struct wn_graph_map *map = u->map[u->n_chunks - 1];
    TRY(check_cls(enc, map, params->cls_layout));
    info->arch = enc->mmproj.arch;
    info->dim = llama_model_n_embd_inp(params->text_model);
    info->n_layers = enc->mmproj.n_layers;
    info->n_read = map->known ? map->n_layers : 0;
    info->n_heads = map->n_layers ? map->layer[0].heads : enc->mmproj.n_heads;
    info->has_cls = map->cls >= 0;
    info->cls_row = map->cls_row;
    info->lost_patches = map->lost;
    info->mrope = mtmd_decode_use_mrope(enc->m.ctx);
    info->merges_pairs = merges_pairs(enc);
    info->max_batch = info->merges_pairs ? 2 : 1;
    info->note = enc->note;
fail:
    return err;
}

/* libmtmd looks too, but keeps what it has loaded by then. */
static int check_width(const struct encoder *enc, const struct wn_encoder_params *params)
{
    const int32_t wants = llama_model_n_embd_inp(params->text_model), has = enc->mmproj.width;

    if (has && has != wants)
        return wn_fail(enc->m.log, WN_ERR_MODEL,
                       "%s: its rows have %d numbers and the language model "
                       "takes %d: they do not belong together",
                       params->mmproj, has, wants);
    return WN_OK;
}

int wn_encoder_mtmd_open(struct wn_encoder **out, const struct wn_encoder_params *params)
{
    struct encoder *enc = wn_calloc(1, sizeof(*enc));
    struct wn_encoder *base = (struct wn_encoder *)enc;
    int err;

    if (!enc)
        return wn_nomem(params->log, "an encoder");
    enc->base = (struct wn_encoder){.encode = encode, .count = count, .destroy = destroy};
    enc->m.log = params->log;
    enc->pool = params->pool;
    enc->fast_resize = params->fast_resize;
    if (!params->text_model) {
        err = wn_fail(params->log, WN_ERR_ARG, "a vision tower needs its language model");
        goto fail;
    }
    TRY(wn_mmproj_read(&enc->mmproj, params->mmproj, params->log));
    if (params->fast_resize && !enc->mmproj.pad) {
        err = wn_fail(params->log, WN_ERR_UNSUPPORTED, "resize=fast is for models that take one "
                      "square picture; this one (%s) takes pictures of many sizes",
                      enc->mmproj.arch);
        goto fail;
    }
    TRY(check_width(enc, params));
    TRY(load(enc, params));
    TRY(probe(enc, params));
    base->info.fast_side = params->fast_resize ? enc->mmproj.image_size : 0;
    *out = base;
    return WN_OK;
fail:
    wn_encoder_close(&base);
    return err;
}
