/* SPDX-License-Identifier: MIT */
/* Filters between the layers of the own encoder: alone, with token filters and a budget behind
 * them, joined frames, pooled and tiled pictures, patches that are skipped.
 *
 *     vit_reduce MKMODEL DIR */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compress/segment_plan.h"
#include "pipeline/compressor.h"
#include "vision_pair.h"

static void open_own(struct fixture *f, const char *kind)
{
    begin(f, kind, NULL);
    wn_encoder_close(&f->enc);
    assert_int_equal(wn_encoder_open(&f->enc, &(struct wn_encoder_params){
        .mmproj = f->pair.mmproj,
        .kind = "own",
        .text_model = f->pair.model,
        .n_threads = 1,
        .no_gpu = true,
        .pool = f->pool,
        .log = &f->log,
    }), WN_OK);
    assert_true(f->enc->info.reduces);
}

struct filters {
    struct wn_chain *chain;
    struct wn_needs needs;
    struct wn_compressor *compressor;
};

static int open_chain(struct filters *c, struct fixture *f, const char *text, const char *device)
{
    const struct wn_clip clip = {.reduces = true};
    struct wn_compressor_params params = {.device = device, .pool = f->pool, .log = &f->log};
    int n, err;

    *c = (struct filters){0};
    TRY(wn_chain_parse(&c->chain, text, &clip, &f->log));
    params.filters = wn_chain_at(c->chain, WN_AT_ENCODER, &n);
    params.n_filters = n;
    TRY(wn_reducer_create(&c->needs.reducer, &params, &f->enc->info));
    params.filters = wn_chain_at(c->chain, WN_AT_TOKEN, &n);
    params.n_filters = n && params.filters[n - 1]->filter->family == WN_BUDGET ? n - 1 : n;
    TRY(wn_compressor_create(&c->compressor, &params));
    TRY(wn_compressor_needs(c->compressor, &f->enc->info, &c->needs));
fail:
    return err;
}

static void close_chain(struct filters *c)
{
    wn_reducer_destroy(&c->needs.reducer);
    wn_compressor_destroy(&c->compressor);
    wn_chain_destroy(&c->chain);
}

static int64_t all_rows(const struct wn_rows *rows)
{
    int64_t n = 0;

    for (int32_t f = 0; f < rows->n_frames; f++)
        n += rows->frames[f].layout->n_rows;
    return n;
}

/* W has a row each, over what the frames had; cells are in the layout. Of the encoder alone: rows
 * are means, and cells rise inside a frame. */
static void check_sources(const struct wn_rows *rows, bool encoder)
{
    assert_non_null(rows->w.ptr);
    assert_int_equal(rows->w.n, rows->n);
    assert_int_equal(rows->w.n_src, wn_rows_uncompressed(rows));
    for (int32_t i = 0; i < rows->n; i++) {
        double sum = 0;

        assert_true(rows->w.ptr[i + 1] > rows->w.ptr[i]);
        for (int32_t k = rows->w.ptr[i]; k < rows->w.ptr[i + 1]; k++) {
            assert_true(rows->w.idx[k] >= 0 && rows->w.idx[k] < rows->w.n_src);
            sum += rows->w.weight[k];
        }
        assert_true(!encoder || fabs(sum - 1) < 1e-4);
    }
    for (int32_t f = 0; f < rows->n_frames; f++)
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            assert_in_range(rows->cell[i], 0, rows->frames[f].layout->n_rows - 1);
            assert_true(!encoder || i == rows->frame_ptr[f] || rows->cell[i] > rows->cell[i - 1]);
        }
}

static void check_rows(const struct wn_rows *rows)
{
    check_sources(rows, true);
}

static double difference(const float *a, const float *b, size_t n)
{
    double most = 0, largest = 1e-30;

    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i] - b[i]));
        largest = fmax(largest, fabs((double)a[i]));
    }
    return most / largest;
}

static const char *const kinds[] = {"llava", "llava16", "siglip_mlp", "onevision"};

/* In pieces and without anything to do the tower gives what it gives whole, with all taps. */
static void test_nothing(void **state)
{
    static const char *const chain[] = {"prune=keep=1e9", "skip=threshold=0",
                                        "prune=keep=1e9:middle=1"};

    for (int k = 0; k < WN_LEN(kinds); k++) {
        struct wn_frame *frame[3];
        struct fixture f;

        open_own(&f, kinds[k]);
        for (int i = 0; i < 3; i++)
            frame[i] = picture(60 + 40 * i, 50, (unsigned)i);
        for (int video = 0; video < 2; video++)
            for (int c = 0; c < WN_LEN(chain); c++) {
                struct wn_needs needs = {.logits = true, .global = true};
                struct filters filters;

                if (video && strstr(chain[c], "skip"))
                    continue; /* padding is the same in all of them */
                for (int32_t l = 0; l < f.enc->info.n_layers; l++)
                    needs.cls[l] = needs.keys[l] = true;
                struct wn_rows *whole = encode(&f, frame, 3, video, &needs), *pieces;
                assert_int_equal(open_chain(&filters, &f, chain[c], "cpu"), WN_OK);
                needs.reducer = filters.needs.reducer;
                pieces = encode(&f, frame, 3, video, &needs);
                assert_int_equal(pieces->n, whole->n);
                check_rows(pieces);
                const size_t n = (size_t)whole->n;
                assert_true(difference(whole->data, pieces->data, n * (size_t)whole->dim) < 1e-5);
                assert_true(difference(whole->attn, pieces->attn, n *
                            (size_t)(whole->attn_layers * whole->attn_heads)) < 1e-5);
                assert_true(difference(whole->keys, pieces->keys, n *
                            (size_t)(whole->keys_layers * 64)) < 1e-5);
                assert_int_equal(!whole->logits, !f.enc->info.has_cls);
                assert_int_equal(!whole->global, !strcmp(kinds[k], "siglip_mlp"));
                if (whole->logits)
                    assert_true(difference(whole->logits, pieces->logits, n) < 1e-5);
                if (whole->global)
                    assert_true(difference(whole->global, pieces->global, 3 * 64) < 1e-5);
                wn_rows_destroy(&whole);
                wn_rows_destroy(&pieces);
                close_chain(&filters);
            }
        for (int i = 0; i < 3; i++)
            wn_frame_unref(&frame[i]);
        end(&f);
    }
}

static const char *const chains[] = {
    "prune=keep=0.5",
    "prune=keep=9:layer=0:times=3:middle=1",
    "prune=keep=0.3:layer=1:times=2:every=2",
    "tome=keep=0.5",
    "tome=r=3:order=paper",
    "tome=keep=0.4:proportional=0",
    "diffrate=keep=0.5",
    "mustdrop_spatial=threshold=0.2:window=2",
    "mustdrop_spatial=threshold=-0.2:window=3:order=paper",
    "prune=keep=0.7:layer=0,tome=keep=0.8",
    "mustdrop_spatial=threshold=0:window=2,prune=keep=0.5:layer=2",
    "laco", "laco=rows=4:layer=0,tome=keep=0.5", "tempme=keep=0.5", "tempme=joins=2/2:order=paper",
    "ficoco_v", "ficoco_v=r=3:after=0:order=paper",
};

/* Rows of a frame do not depend on what stands beside it, though frames are left with different
 * numbers of rows. */
static void test_batches(void **state)
{
    for (int k = 0; k < WN_LEN(kinds); k++) {
        struct wn_frame *frame[4];
        struct fixture f;

        open_own(&f, kinds[k]);
        for (int i = 0; i < 4; i++)
            frame[i] = picture(48 + 13 * i, 90 - 9 * i, (unsigned)(7 * i));
        for (int c = 0; c < WN_LEN(chains); c++)
            for (int video = 0; video < 2; video++) {
                struct filters filters;
                struct wn_rows *all;

                if (strstr(chains[c], "tempme") ||
                    (strstr(chains[c], "diffrate") && !f.enc->info.has_cls))
                    continue; /* frames of a batch meet, or there is no CLS token */
                assert_int_equal(open_chain(&filters, &f, chains[c], "cpu"), WN_OK);
                all = encode(&f, frame, 4, video, &filters.needs);
                check_rows(all);
                assert_int_equal(all->w.n_src, all_rows(all));
                for (int32_t i = 0; i < 4; i++) {
                    struct wn_rows *one = encode(&f, frame + i, 1, video, &filters.needs);
                    const size_t row0 = (size_t)all->frame_ptr[i], n = (size_t)one->n;
                    assert_int_equal(all->frame_ptr[i + 1] - all->frame_ptr[i], one->n);
                    assert_memory_equal(all->cell + row0, one->cell, n * sizeof(int32_t));
                    assert_true(difference(one->data, all->data + row0 * (size_t)one->dim,
                                           n * (size_t)one->dim) < 1e-5);
                    wn_rows_destroy(&one);
                }
                wn_rows_destroy(&all);
                close_chain(&filters);
            }
        for (int i = 0; i < 4; i++)
            wn_frame_unref(&frame[i]);
        end(&f);
    }
}

/* What a cut got, against W times it. */
struct spy {
    struct wn_reducer base, *real;
    int checked;
};

static int spy_run(struct wn_reducer *reducer, int cut, struct wn_rows *rows)
{
    struct spy *spy = (struct spy *)reducer;
    const size_t dim = (size_t)rows->dim, n = (size_t)rows->n;
    float *before = wn_calloc(n * dim, sizeof(*before));
    const bool first = !rows->w.ptr;

    memcpy(before, rows->data, n * dim * sizeof(*before));
    const int err = spy->real->run(spy->real, cut, rows);
    for (int32_t i = 0; !err && first && i < rows->n; i++)
        for (size_t c = 0; c < dim; c++) {
            double sum = 0;
            for (int32_t k = rows->w.ptr[i]; k < rows->w.ptr[i + 1]; k++)
                sum += (double)rows->w.weight[k] * before[(size_t)rows->w.idx[k] * dim + c];
            assert_float_equal(rows->data[(size_t)i * dim + c], sum, 1e-4);
        }
    spy->checked += first && !err;
    free(before);
    return err;
}

static void test_rebuilds(void **state)
{
    struct wn_frame *frame[2];
    struct fixture f;

    open_own(&f, "llava");
    for (int i = 0; i < 2; i++)
        frame[i] = picture(64, 64, (unsigned)i);
    for (int c = 0; c < WN_LEN(chains); c++) {
        struct filters filters;
        struct spy spy = {0};

        assert_int_equal(open_chain(&filters, &f, chains[c], "cpu"), WN_OK);
        spy.base = *filters.needs.reducer;
        spy.base.run = spy_run;
        spy.real = filters.needs.reducer;
        struct wn_needs needs = {.reducer = &spy.base};
        struct wn_rows *rows = encode(&f, frame, 2, true, &needs);
        assert_true(spy.checked > 0);
        wn_rows_destroy(&rows);
        close_chain(&filters);
    }
    for (int i = 0; i < 2; i++)
        wn_frame_unref(&frame[i]);
    end(&f);
}

/* A chain over both places: what is left after the budget, on one device. */
static struct wn_rows *run_both(struct fixture *f, struct wn_frame **frame, int n, const char *text,
                                const char *device)
{
    struct wn_budget *budget = NULL;
    struct wn_rows *rows, *out = NULL;
    struct filters filters;
    int64_t tokens;
    int32_t least;
    int n_filters;

    assert_int_equal(open_chain(&filters, f, text, device), WN_OK);
    struct wn_instance **list = wn_chain_at(filters.chain, WN_AT_TOKEN, &n_filters);
    wn_budget_options(list[n_filters - 1], &tokens, &least);
    rows = encode(f, frame, n, true, &filters.needs);
    const int64_t src = wn_rows_uncompressed(rows);
    assert_int_equal(wn_compressor_run(filters.compressor, &rows, &out), WN_OK);
    check_sources(out, false); /* token filters may also add rows up */
    assert_int_equal(out->w.n_src, src);
    assert_int_equal(wn_budget_create(&budget, &(struct wn_budget_params){
        .cells = tokens, .floor = least, .log = &f->log}), WN_OK);
    assert_int_equal(wn_budget_add(budget, &out), WN_OK);
    assert_int_equal(wn_budget_take(budget, &out), WN_OK);
    assert_true(out->n > 0 && out->n <= tokens);
    assert_int_equal(out->w.n_src, src);
    wn_budget_destroy(&budget);
    close_chain(&filters);
    return out;
}

static bool has_device(const char *name)
{
    struct wn_device_info list[16];
    const int n = wn_compress_devices(list, WN_LEN(list));

    for (int i = 0; i < WN_MIN(n, WN_LEN(list)); i++)
        if (strstr(list[i].name, name))
            return true;
    return false;
}

static void test_both_places(void **state)
{
    static const char *const both[] = {
        "prune=keep=0.5,vtc_cls=keep=0.5,budget=tokens=30",
        "tome=keep=0.6,dycoke=keep=0.7,budget=tokens=40",
        "diffrate=keep=0.6,visionzip=dominant=8:merge=3,budget=tokens=25",
        "mustdrop_spatial=threshold=0.1:window=2,divprune=keep=6,budget=tokens=20",
        "skip=threshold=30,tome=keep=0.5,vtc_cls=keep=0.5,budget=tokens=30",
        "tome=keep=0.6,prune=at=token:keep=0.5,budget=tokens=30",
    };
    struct wn_frame *frame[4];
    struct fixture f;

    open_own(&f, "llava");
    const bool vulkan = has_device("llvmpipe");
    for (int i = 0; i < 4; i++)
        frame[i] = picture(64, 64, (unsigned)i);
    for (int c = 0; c < WN_LEN(both); c++) {
        struct wn_rows *cpu = run_both(&f, frame, 4, both[c], "cpu");

        if (vulkan) {
            struct wn_rows *gpu = run_both(&f, frame, 4, both[c], "llvmpipe");
            assert_int_equal(cpu->n, gpu->n);
            assert_memory_equal(cpu->cell, gpu->cell, (size_t)cpu->n * sizeof(int32_t));
            assert_memory_equal(cpu->data, gpu->data,
                                (size_t)cpu->n * (size_t)cpu->dim * sizeof(float));
            wn_rows_destroy(&gpu);
        }
        wn_rows_destroy(&cpu);
    }
    for (int i = 0; i < 4; i++)
        wn_frame_unref(&frame[i]);
    end(&f);
    printf("vulkan: %s\n", vulkan ? "compared" : "no llvmpipe here");
}

/* Joined frames: a stub that joins pairs and drops every other patch of what they became. */
static int drop_some(struct wn_reducer *reducer, int cut, struct wn_rows *rows)
{
    const size_t dim = (size_t)rows->dim;
    int32_t at = 0;
    struct wn_sources one = {.n_src = rows->n, .linear = true}, w;

    assert_int_equal(rows->n_frames, 2); /* of 3 pictures */
    assert_int_equal(rows->frames[0].layout->n_rows, 74);
    assert_int_equal(rows->frames[1].layout->n_rows, 37);
    assert_int_equal(rows->cell[0], 0);
    assert_int_equal(rows->cell[1], 1);
    one.ptr = wn_calloc((size_t)rows->n + 1, sizeof(int32_t));
    one.idx = wn_calloc((size_t)rows->n, sizeof(int32_t));
    one.weight = wn_calloc((size_t)rows->n, sizeof(float));
    for (int32_t f = 0; f < 2; f++) {
        const int32_t row0 = rows->frame_ptr[f], end = rows->frame_ptr[f + 1];
        rows->frame_ptr[f] = at;
        for (int32_t i = row0; i < end; i++) {
            const bool cls = rows->frames[f].layout->pos[rows->cell[i]][0] < 0;
            if (!cls && (i - row0) % 2)
                continue;
            memmove(rows->data + (size_t)at * dim, rows->data + (size_t)i * dim, dim * 4);
            rows->cell[at] = rows->cell[i];
            rows->size[at] = rows->size[i];
            one.idx[at] = i;
            one.weight[at++] = 1;
            one.ptr[at] = at;
        }
    }
    rows->frame_ptr[2] = rows->n = one.n = at;
    assert_int_equal(wn_sources_compose(&w, &one, &rows->w), WN_OK);
    wn_sources_finish(&rows->w);
    wn_sources_finish(&one);
    rows->w = w;
    return WN_OK;
}

static void test_joins(void **state)
{
    const struct wn_cut cut = {.point = 2, .join = 2};
    struct wn_reducer stub = {.cut = &cut, .n_cuts = 1, .frames = 2, .skip = -1, .run = drop_some};
    struct wn_needs needs = {.reducer = &stub, .cls = {[2] = true}, .keys = {[2] = true}};
    struct wn_frame *frame[3];
    struct fixture f;

    open_own(&f, "llava");
    stub.frames = 4; /* so that all three go through together */
    for (int i = 0; i < 3; i++)
        frame[i] = picture(64, 64, (unsigned)i);
    struct wn_rows *rows = encode(&f, frame, 3, true, &needs);
    check_rows(rows);
    assert_int_equal(rows->n_frames, 3);
    assert_int_equal(rows->w.n_src, 3 * 36);
    assert_true(rows->n > 40 && rows->n < 60);
    for (int32_t i = 0; i < rows->n; i++) { /* a row is its own cell's patch */
        const int32_t frame_of = wn_rows_frame_of(rows, i);
        assert_int_equal(rows->w.idx[rows->w.ptr[i]], frame_of * 36 + rows->cell[i]);
    }
    wn_rows_destroy(&rows);
    for (int i = 0; i < 3; i++)
        wn_frame_unref(&frame[i]);
    end(&f);
}

/* A frame like the one before gives no rows, a change gives those of its patches; a new segment
 * starts anew. */
static void test_skip(void **state)
{
    for (int k = 0; k < WN_LEN(kinds); k++) {
        const bool pooled = !strcmp(kinds[k], "onevision");
        struct wn_frame *frame[3];
        struct filters filters;
        struct fixture f;

        open_own(&f, kinds[k]);
        for (int i = 0; i < 3; i++)
            frame[i] = picture(48, 48, 3);
        for (int y = 8; y < 16; y++) /* patch 1, 2 */
            memset(frame[2]->rgb + ((size_t)y * 48 + 16) * 3, 255, 24);
        assert_int_equal(open_chain(&filters, &f, "skip=threshold=5", "cpu"), WN_OK);
        struct wn_rows *rows = encode(&f, frame, 3, true, &filters.needs);
        const int32_t whole = pooled ? 9 : 36;
        assert_int_equal(rows->frame_ptr[1], whole);
        assert_int_equal(rows->frame_ptr[2], whole);
        assert_true(rows->frame_ptr[3] > whole && rows->frame_ptr[3] <= whole + (pooled ? 4 : 1));
        if (!pooled)
            assert_int_equal(rows->cell[whole], 6 + 2);
        check_rows(rows);
        wn_rows_destroy(&rows);
        rows = encode(&f, frame, 1, true, &filters.needs); /* all but the patch that went back */
        assert_true(rows->n > 0 && rows->n < whole);
        wn_rows_destroy(&rows);
        rows = encode(&f, frame, 1, true, &filters.needs);
        assert_int_equal(rows->n, 0);
        wn_rows_destroy(&rows);
        wn_reducer_begin(filters.needs.reducer);
        rows = encode(&f, frame, 1, true, &filters.needs);
        assert_int_equal(rows->n, whole);
        wn_rows_destroy(&rows);
        close_chain(&filters);
        for (int i = 0; i < 3; i++)
            wn_frame_unref(&frame[i]);
        end(&f);
    }
}

/* Batches become one segment, W and all. */
static void test_append(void **state)
{
    struct wn_frame *frame = picture(48, 48, 1);
    struct filters filters;
    struct fixture f;

    open_own(&f, "llava");
    assert_int_equal(open_chain(&filters, &f, "skip=threshold=5,tome=keep=0.5", "cpu"), WN_OK);
    struct wn_rows *all = encode(&f, &frame, 1, true, &filters.needs);
    struct wn_rows *none = encode(&f, &frame, 1, true, &filters.needs);
    assert_int_equal(none->n, 0);
    assert_int_equal(wn_rows_append(&all, &none), WN_OK);
    wn_reducer_begin(filters.needs.reducer);
    struct wn_rows *more = encode(&f, &frame, 1, true, &filters.needs);
    assert_int_equal(wn_rows_append(&all, &more), WN_OK);
    assert_int_equal(all->n_frames, 3);
    assert_int_equal(wn_rows_uncompressed(all), 3 * 36);
    check_rows(all);
    assert_true(all->w.idx[all->w.ptr[all->frame_ptr[2]]] >= 72);
    wn_rows_destroy(&all);
    close_chain(&filters);
    wn_frame_unref(&frame);
    end(&f);
}

/* Between the layers each takes its part, and in the end `keep` is met. */
static void test_keep(void **state)
{
    static const struct { const char *text; int32_t rows; } c[] = {
        {"tome=keep=0.5", 4 * 18},     {"tome=keep=11", 4 * 11},    {"tempme=keep=0.5", 4 * 18},
        {"tempme=keep=9", 4 * 9},      {"diffrate=keep=0.4", 4 * 14}, {"ficoco_v=keep=0.5", 4 * 18},
        {"ficoco_v=keep=8:after=0", 4 * 8},
    };

    static const char *const own[] = {"llava", "siglip_mlp"};

    for (int k = 0; k < WN_LEN(own); k++) {
        struct wn_frame *frame[4];
        struct fixture f;

        open_own(&f, own[k]);
        assert_int_equal(f.enc->info.patches, 36);
        for (int i = 0; i < 4; i++)
            frame[i] = picture(64, 64, (unsigned)i);
        for (int i = 0; i < WN_LEN(c); i++) {
            struct filters filters;
            if (strstr(c[i].text, "diffrate") && !f.enc->info.has_cls)
                continue;
            assert_int_equal(open_chain(&filters, &f, c[i].text, "cpu"), WN_OK);
            struct wn_rows *rows = encode(&f, frame, 4, true, &filters.needs);
            if (rows->n != c[i].rows)
                fail_msg("%s, %s: %d rows, not %d", own[k], c[i].text, (int)rows->n,
                         (int)c[i].rows);
            check_rows(rows);
            wn_rows_destroy(&rows);
            close_chain(&filters);
        }
        for (int i = 0; i < 4; i++)
            wn_frame_unref(&frame[i]);
        end(&f);
    }
}

/* One row is always left, whatever is asked for; and where nothing fits a sentence says so. */
static void test_edges(void **state)
{
    static const char *const bad[] = {"laco=weights=x.gguf", "tempme=joins=1/2:at=token,skip"};

    static const char *const text[] = {"prune=keep=0", "prune=keep=0:layer=0:middle=1",
                                       "tome=keep=0", "diffrate=keep=0", "tome=r=1000",
                                       "mustdrop_spatial=threshold=-1:window=64"};
    struct wn_frame *frame = picture(48, 48, 1);
    struct fixture f;

    open_own(&f, "llava");
    for (int c = 0; c < WN_LEN(text); c++) {
        struct filters filters;

        assert_int_equal(open_chain(&filters, &f, text[c], "cpu"), WN_OK);
        struct wn_rows *rows = encode(&f, &frame, 1, true, &filters.needs);
        assert_true(rows->n >= 0 && rows->n <= 36);
        wn_rows_destroy(&rows);
        close_chain(&filters);
    }
    struct wn_encoder_info info = f.enc->info;
    struct filters filters;
    for (int c = 0; c < WN_LEN(bad); c++) {
        assert_true(open_chain(&filters, &f, bad[c], "cpu") < 0);
        assert_true(strlen(f.log.last_error) > 20);
        close_chain(&filters);
    }
    f.enc->info.reduces = false;
    assert_true(open_chain(&filters, &f, "tome=at=encoder", "cpu") < 0);
    assert_non_null(strstr(f.log.last_error, "between layers"));
    close_chain(&filters);
    f.enc->info = info;
    wn_frame_unref(&frame);
    end(&f);
}

/* Where a filter stands when nobody says. */
static void test_places(void **state)
{
    static const struct {
        const char *text;
        bool reduces;
        enum wn_place at;
    } c[] = {
        {"tome", true, WN_AT_ENCODER},           {"tome", false, WN_AT_TOKEN},
        {"tome=at=token", true, WN_AT_TOKEN},    {"vtc_cls,tome", true, WN_AT_TOKEN},
        {"prune,mustdrop_spatial", true, WN_AT_ENCODER}, {"skip", true, WN_AT_ENCODER},
    };
    struct wn_log log;

    wn_log_init(&log);
    for (int i = 0; i < WN_LEN(c); i++) {
        const struct wn_clip clip = {.reduces = c[i].reduces};
        struct wn_chain *chain = NULL;

        assert_int_equal(wn_chain_parse(&chain, c[i].text, &clip, &log), WN_OK);
        assert_int_equal(chain->item[chain->n - 1]->at, c[i].at);
        wn_chain_destroy(&chain);
    }
    wn_log_finish(&log);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),     cmocka_unit_test(test_batches),
        cmocka_unit_test(test_rebuilds),    cmocka_unit_test(test_both_places),
        cmocka_unit_test(test_joins),       cmocka_unit_test(test_skip),
        cmocka_unit_test(test_append),      cmocka_unit_test(test_edges),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_places),
    };

    if (argc < 3) {
        fprintf(stderr, "usage: vit_reduce MKMODEL DIR\n");
        return 2;
    }
    pair_mkmodel = argv[1];
    pair_dir = argv[2];
    mkdir(pair_dir, 0777);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
