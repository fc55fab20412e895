/* SPDX-License-Identifier: MIT */
/* Trained weights beside a tower: LoRA in its matrices, positions in TempMe, and files that do not
 * fit.
 *
 *     vit_trained MKMODEL DIR */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pipeline/compressor.h"
#include "pipeline/trained.h"
#include "pipeline/winnow.h"
#include "samples/winnow/safetensors.h"
#include "vision/vit_image.h"
#include "vision/vit_reduce.h"
#include "vision_pair.h"

/* ---- files ---- */

struct piece {
    char name[96];
    int64_t shape[4];
    int n_dims;
    float fill; /* the largest value */
};

static void put_file(const char *path, const struct piece *piece, int n)
{
    struct st_entry *entry = wn_calloc((size_t)n, sizeof(*entry));
    struct st_writer *w;
    char why[300];

    for (int i = 0; i < n; i++) {
        entry[i] = (struct st_entry){piece[i].name, "F32", piece[i].n_dims, {0}};
        memcpy(entry[i].shape, piece[i].shape, sizeof(piece[i].shape));
    }
    assert_int_equal(st_write_begin(&w, path, entry, n, NULL, why, sizeof(why)), 0);
    for (int i = 0; i < n; i++) {
        int64_t all = 1;
        for (int d = 0; d < piece[i].n_dims; d++)
            all *= piece[i].shape[d];
        for (int64_t k = 0; k < all; k++) {
            const float v = piece[i].fill * (float)((k * 37 + i * 11) % 101 - 50) / 50;
            assert_int_equal(st_write_data(w, &v, sizeof(v)), 0);
        }
    }
    assert_int_equal(st_write_end(&w), 0);
    free(entry);
}

static int list_lora(struct piece *to, const struct wn_vit_info *m, int64_t rank, float fill)
{
    for (int l = 0; l < m->n_layers; l++) {
        to[2 * l] = (struct piece){"", {rank, m->dim}, 2, fill};
        to[2 * l + 1] = (struct piece){"", {3 * m->dim, rank}, 2, fill};
        for (int k = 0; k < 2; k++)
            snprintf(to[2 * l + k].name, sizeof(to->name),
                     "clip.visual.transformer.resblocks.%d.attn.TVPt_LoRA_%c", l, "ab"[k]);
    }
    return 2 * m->n_layers;
}

static struct piece positions(int layer, int64_t n, int64_t dim, float fill)
{
    struct piece p = {"", {1, n, 1, dim}, 4, fill};

    snprintf(p.name, sizeof(p.name),
             "visual.transformer.resblocks.%d.TVPt_Video_Positional_embedding", layer);
    return p;
}

static void path_of(char *to, size_t size, const char *name)
{
    snprintf(to, size, "%.400s/%s", pair_dir, name);
}

/* ---- numbers of any type ---- */

static void test_types(void **state)
{
    static const struct { const char *dtype; uint16_t v[4]; } c[] = {
        {"F16", {0x3c00, 0xc100, 0x0001, 0x8000}},
        {"BF16", {0x3f80, 0xc020, 0x3380, 0x8000}},
        {"F16", {0x3c00, 0x7c00, 0, 0}}, /* infinity */
        {"I16", {1, 2, 3, 4}},
    };
    static const float want[4] = {1, -2.5f, 0x1p-24f, -0.0f};
    char path[512], header[200];

    path_of(path, sizeof(path), "types.safetensors");
    for (int k = 0; k < WN_LEN(c); k++) {
        const int n = snprintf(header, sizeof(header), "{\"a.b\":{\"dtype\":\"%s\",\"shape\":[4],"
                               "\"data_offsets\":[0,8]}}", c[k].dtype);
        const unsigned char head[8] = {(unsigned char)n};
        FILE *f = fopen(path, "wb");
        struct wn_trained *t;
        struct wn_log log;
        int64_t shape[1] = {0};
        float *v;

        fwrite(head, 1, sizeof(head), f);
        fwrite(header, 1, (size_t)n, f);
        fwrite(c[k].v, 1, sizeof(c[k].v), f);
        assert_int_equal(fclose(f), 0);
        wn_log_init(&log);
        assert_int_equal(wn_trained_open(&t, path, &log), WN_OK);
        assert_int_equal(wn_trained_get(t, "b", 1, shape, &v), k < 2 ? WN_OK : WN_ERR_MODEL);
        if (k < 2) {
            assert_int_equal(shape[0], 4);
            assert_memory_equal(v, want, sizeof(want));
        } else {
            assert_non_null(strstr(log.last_error, "finite numbers"));
        }
        free(v);
        wn_trained_close(&t);
        wn_log_finish(&log);
    }
    remove(path);
}

/* ---- LoRA ---- */

/* The last hidden states of a picture; NULL: the file does not load. */
static float *states(const char *mmproj, const char *lora, struct wn_log *log)
{
    struct wn_vit *vit = NULL;

    if (wn_vit_open(&vit, &(struct wn_vit_params){.path = mmproj, .lora = lora, .n_threads = 1,
                                                  .no_gpu = true, .weights = WN_VIT_F32,
                                                  .log = log}) < 0)
        return NULL;
    const struct wn_vit_info *m = &vit->info;
    const size_t n = (size_t)m->n_patches * 3 * (size_t)(m->patch_size * m->patch_size);
    float *patches = wn_calloc(n, sizeof(float));
    float *to = wn_calloc(wn_vit_tap_size(m, WN_VIT_HIDDEN), sizeof(*to));
    for (size_t i = 0; i < n; i++)
        patches[i] = (float)(i * 31 % 97) / 97 - 0.5f;
    assert_int_equal(wn_vit_run(vit, patches, 1, &(struct wn_vit_tap){
        WN_VIT_HIDDEN, m->n_layers, to}, 1), WN_OK);
    free(patches);
    wn_vit_close(&vit);
    return to;
}

static double difference(const float *a, const float *b, size_t n)
{
    double most = 0, largest = 0;

    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i] - b[i]));
        largest = fmax(largest, fabs((double)a[i]));
    }
    return most / fmax(largest, 1e-30);
}

/* A file with LoRA in it equals LoRA put in while loading, and LoRA of zeros changes nothing. */
static void test_lora(void **state)
{
    struct piece piece[2 * WN_MAX_LAYERS];
    char lora[512], to[512], why[512];
    struct wn_converted done = {0};
    struct wn_vit_info m;
    struct fixture f;

    for (int half = 0; half < 2; half++) {
        begin(&f, "llava", half ? "--type f16" : "--type f32");
        assert_int_equal(wn_vit_probe(f.pair.mmproj, &m, why, sizeof(why)), WN_OK);
        path_of(lora, sizeof(lora), "lora.safetensors");
        path_of(to, sizeof(to), "merged.gguf");
        const size_t n = wn_vit_tap_size(&m, WN_VIT_HIDDEN);
        float *plain = states(f.pair.mmproj, NULL, &f.log);
        put_file(lora, piece, list_lora(piece, &m, 3, 0.3f));
        float *with = states(f.pair.mmproj, lora, &f.log);
        assert_int_equal(wn_mmproj_merge(f.pair.mmproj, lora, to, &done, &f.log), WN_OK);
        assert_int_equal(done.matrices, 3 * m.n_layers);
        assert_int_equal(done.bytes, done.bytes_before);
        float *merged = states(to, NULL, &f.log);
        assert_true(difference(plain, with, n) > 0.01);
        assert_true(difference(with, merged, n) < (half ? 1e-2 : 1e-30));
        free(with);
        free(merged);
        put_file(lora, piece, list_lora(piece, &m, 1, 0));
        with = states(f.pair.mmproj, lora, &f.log);
        assert_memory_equal(plain, with, n * sizeof(*plain));
        free(with);
        free(plain);
        f.log.fn = NULL;
        assert_int_equal(wn_mmproj_merge(f.pair.mmproj, lora, lora, &done, &f.log), WN_ERR_ARG);
        assert_int_equal(access(lora, R_OK), 0);
        remove(lora);
        remove(to);
        end(&f);
    }
}

/* Each is refused with a sentence, while loading and while merging, and leaves nothing behind. */
static void test_bad_lora(void **state)
{
    static const char *const says[] = {"is missing", "is 3 x ", "not ", "is missing", "two tensors",
                                       "finite numbers", "not a regular file"};
    struct piece piece[2 * WN_MAX_LAYERS + 1];
    char lora[512], to[512], why[512];
    struct wn_converted done;
    struct wn_vit_info m;
    struct fixture f;

    begin(&f, "llava", "--type f32");
    f.log.fn = NULL;
    assert_int_equal(wn_vit_probe(f.pair.mmproj, &m, why, sizeof(why)), WN_OK);
    path_of(to, sizeof(to), "merged.gguf");
    for (int k = 0; k < WN_LEN(says); k++) {
        int n = list_lora(piece, &m, 3, k == 5 ? INFINITY : 0.1f);

        path_of(lora, sizeof(lora), k < 6 ? "lora.safetensors" : "");
        n -= k == 0;
        piece[0].shape[1] += k == 1;
        piece[3].shape[1] += k == 2; /* another rank than its A */
        piece[0].name[0] = k == 3 ? '\0' : piece[0].name[0];
        if (k == 4) {
            piece[n] = piece[0];
            memcpy(piece[n++].name, "two.", 4);
        }
        if (k < 6)
            put_file(lora, piece, n);
        assert_null(states(f.pair.mmproj, lora, &f.log));
        assert_non_null(strstr(f.log.last_error, says[k]));
        f.log.last_error[0] = '\0';
        assert_true(wn_mmproj_merge(f.pair.mmproj, lora, to, &done, &f.log) < 0);
        assert_non_null(strstr(f.log.last_error, says[k]));
        assert_true(access(to, F_OK) != 0);
        if (k < 6)
            remove(lora);
    }
    end(&f);
}

/* ---- positions ---- */

static void open_own(struct fixture *f, const char *kind)
{
    begin(f, kind, NULL);
    wn_encoder_close(&f->enc);
    assert_int_equal(wn_encoder_open(&f->enc, &(struct wn_encoder_params){
        .mmproj = f->pair.mmproj, .kind = "own", .text_model = f->pair.model, .n_threads = 1,
        .no_gpu = true, .pool = f->pool, .log = &f->log}), WN_OK);
}

static int open_reducer(struct wn_chain **chain, struct wn_reducer **reducer, struct fixture *f,
                        const char *text)
{
    struct wn_compressor_params params = {.device = "cpu", .pool = f->pool, .log = &f->log};
    int err;

    *chain = NULL;
    *reducer = NULL;
    TRY(wn_chain_parse(chain, text, &(struct wn_clip){.reduces = true}, &f->log));
    params.filters = wn_chain_at(*chain, WN_AT_ENCODER, &params.n_filters);
    TRY(wn_reducer_create(reducer, &params, &f->enc->info));
fail:
    return err;
}

static struct wn_rows *run_chain(struct fixture *f, const char *text, int n)
{
    struct wn_chain *chain;
    struct wn_needs needs = {0};
    struct wn_frame *frame[8];

    assert_int_equal(open_reducer(&chain, &needs.reducer, f, text), WN_OK);
    for (int i = 0; i < n; i++)
        frame[i] = picture(48 + 3 * i, 48, (unsigned)(i % 4));
    struct wn_rows *rows = encode(f, frame, n, true, &needs);
    while (n--)
        wn_frame_unref(&frame[n]);
    wn_reducer_destroy(&needs.reducer);
    wn_chain_destroy(&chain);
    return rows;
}

/* Positions of zeros change nothing, others do, also those of a second join; a video longer than
 * what they were trained for begins anew; its end may lie anywhere. */
static void test_positions(void **state)
{
    static const char *const kind[] = {"llava", "siglip_mlp"};
    const char *const text = "tempme=joins=1/2+2/2";
    char path[512], with[600];

    for (int k = 0; k < WN_LEN(kind); k++) {
        struct fixture f;

        open_own(&f, kind[k]);
        path_of(path, sizeof(path), "positions.safetensors");
        snprintf(with, sizeof(with), "%s:weights=%s", text, path);
        const int64_t dim = f.enc->info.tower_dim;
        for (int frames = 3; frames <= 8; frames += frames == 4 ? 4 : 1) {
            struct wn_rows *plain = run_chain(&f, text, frames), *rows;
            const size_t n = (size_t)plain->n * (size_t)plain->dim;

            for (int join = 0; join < 3; join++) {
                const struct piece p[] = {positions(1, 4, dim, join == 1 ? 0.5f : 0),
                                          positions(2, 2, dim, join == 2 ? 0.5f : 0)};
                put_file(path, p, 2);
                rows = run_chain(&f, with, frames);
                assert_int_equal(rows->n, plain->n);
                if (!join)
                    assert_memory_equal(rows->data, plain->data, n * sizeof(float));
                else
                    assert_true(difference(plain->data, rows->data, n) > 1e-3);
                wn_rows_destroy(&rows);
            }
            wn_rows_destroy(&plain);
        }
        remove(path);
        end(&f);
    }
}

/* Rows by token, before and behind the joins, where nothing merges. */
struct seen {
    float *row[2]; /* [pictures][tokens][dim] */
    int32_t layer, times;
};

static void look(void *arg, int32_t l, const struct wn_rows *rows)
{
    struct seen *s = arg;
    const size_t dim = (size_t)rows->dim;
    const int32_t *idx = rows->w.idx;

    if (l != s->layer || s->times > 1)
        return;
    for (int32_t i = 0; i < rows->n; i++)
        memcpy(s->row[s->times] + (size_t)(idx ? idx[i] : i) * dim,
               rows->data + (size_t)i * dim, dim * sizeof(float));
    s->times++;
}

enum { FRAMES = 7 };

static void see(struct fixture *f, const char *text, struct seen *seen, struct wn_vit_info *m)
{
    struct wn_chain *chain;
    struct wn_reducer *reducer;
    struct wn_vit_left left = {0};
    struct wn_vit *vit;

    assert_int_equal(open_reducer(&chain, &reducer, f, text), WN_OK);
    assert_int_equal(reducer->frames, 4);
    assert_int_equal(wn_vit_open(&vit, &(struct wn_vit_params){
        .path = f->pair.mmproj, .n_threads = 1, .no_gpu = true, .log = &f->log}), WN_OK);
    *m = vit->info;
    const size_t n = FRAMES * wn_vit_tap_size(m, WN_VIT_HIDDEN);
    const size_t size = (size_t)m->n_patches * 3 * (size_t)(m->patch_size * m->patch_size);
    float *patches = wn_calloc(FRAMES * size, sizeof(*patches));
    float *hidden = wn_calloc(n, sizeof(*hidden));
    for (size_t i = 0; i < FRAMES * size; i++)
        patches[i] = (float)(i * 31 % 9973) / 9973 - 0.5f;
    for (int k = 0; k < 2; k++)
        seen->row[k] = wn_calloc(n, sizeof(float));
    assert_int_equal(wn_vit_run_reduced(vit, patches, FRAMES, &(struct wn_vit_tap){
        WN_VIT_HIDDEN, m->n_layers, hidden}, 1, &(struct wn_vit_reduce){
        .reducer = reducer, .look = look, .arg = seen}, &left), WN_OK);
    assert_int_equal(seen->times, 2);
    wn_vit_left_finish(&left);
    free(hidden);
    free(patches);
    wn_vit_close(&vit);
    wn_reducer_destroy(&reducer);
    wn_chain_destroy(&chain);
}

/* Every row of a frame gets that frame's position before the first join, and that of its clip
 * before the second; more frames than positions begin anew. */
static void test_which(void **state)
{
    static const char *const kind[] = {"llava", "siglip_mlp"};
    char path[512], text[600];

    for (int k = 0; k < 4; k++) {
        const int second = k % 2;
        struct seen seen = {.layer = 1 + second};
        struct wn_trained *file;
        struct wn_vit_info m;
        struct fixture f;
        int64_t shape[4] = {0};
        float *pos;

        open_own(&f, kind[k / 2]);
        path_of(path, sizeof(path), "positions.safetensors");
        const struct piece p[] = {positions(1, 4, f.enc->info.tower_dim, second ? 0 : 1),
                                  positions(2, 2, f.enc->info.tower_dim, second ? 1 : 0)};
        put_file(path, p, 2);
        snprintf(text, sizeof(text), "tempme=joins=1/2+2/2:across=0:within=0:r=0:weights=%s", path);
        see(&f, text, &seen, &m);
        assert_int_equal(wn_trained_open(&file, path, &f.log), WN_OK);
        assert_int_equal(wn_trained_get(file, p[second].name, 4, shape, &pos), WN_OK);
        wn_trained_close(&file);
        for (size_t i = 0; i < FRAMES * wn_vit_tap_size(&m, WN_VIT_HIDDEN); i++) {
            const size_t dim = (size_t)m.dim, picture = i / dim / (size_t)m.n_tokens;
            const size_t place = second ? picture / 2 % 2 : picture % 4;
            assert_float_equal(seen.row[1][i] - seen.row[0][i], pos[place * dim + i % dim], 1e-4);
        }
        for (int i = 0; i < 2; i++)
            free(seen.row[i]);
        free(pos);
        remove(path);
        end(&f);
    }
}

static void test_bad_positions(void **state)
{
    static const struct {
        int64_t layer, n[2], dim;
        const char *more, *says;
    } c[] = {
        {1, {4, 2}, 0, ":at=token", "behind it"}, {0, {4, 2}, 0, "", "is missing"},
        {1, {4, 2}, 1, "", "not 1 x n x 1 x"}, {1, {3, 2}, 0, "", "3 positions before layer 1"},
        {1, {8, 2}, 0, "", "4 frames are left there of 8"},
        {1, {4096, 2048}, 0, "", "4096 positions"},
    };
    char path[512], text[700];
    struct fixture f;

    open_own(&f, "llava");
    f.log.fn = NULL;
    path_of(path, sizeof(path), "positions.safetensors");
    for (int k = 0; k < WN_LEN(c); k++) {
        const int64_t dim = f.enc->info.tower_dim + c[k].dim;
        const struct piece p[] = {positions((int)c[k].layer, c[k].n[0], dim, 1),
                                  positions(2, c[k].n[1], dim, 1)};
        struct wn_chain *chain;
        struct wn_reducer *reducer;
        struct wn_compressor *compressor = NULL;
        struct wn_needs needs = {0};

        put_file(path, p, 2);
        snprintf(text, sizeof(text), "tempme=joins=1/2+2/2:weights=%s%s", path, c[k].more);
        int err = open_reducer(&chain, &reducer, &f, text);
        if (!err && *c[k].more) { /* the token place says so once it knows the encoder */
            struct wn_compressor_params params = {.device = "cpu", .pool = f.pool, .log = &f.log};
            params.filters = wn_chain_at(chain, WN_AT_TOKEN, &params.n_filters);
            assert_int_equal(wn_compressor_create(&compressor, &params), WN_OK);
            err = wn_compressor_needs(compressor, &f.enc->info, &needs);
        }
        assert_true(err < 0);
        assert_non_null(strstr(f.log.last_error, c[k].says));
        wn_compressor_destroy(&compressor);
        wn_reducer_destroy(&reducer);
        wn_chain_destroy(&chain);
    }
    remove(path);
    end(&f);
}

/* A budget that is large sets no rates where the training did, or the user. */
static void test_rates(void **state)
{
    static const struct { const char *text; bool own; } c[] = {
        {"fps=1,tempme", false}, {"fps=1,tempme=across=0.2", true},
        {"fps=1,tempme=weights=x.safetensors", true},
    };
    const struct wn_clip clip = {.duration = 4, .frame_rows = 64, .tokens = 4096, .reduces = true};
    struct wn_log log;

    wn_log_init(&log);
    for (int k = 0; k < WN_LEN(c); k++) {
        struct wn_chain *chain;
        double keep = -1;

        assert_int_equal(wn_chain_parse(&chain, c[k].text, &clip, &log), WN_OK);
        assert_int_equal(av_opt_get_double(chain->item[1]->priv, "keep", 0, &keep), 0);
        assert_true(c[k].own ? keep == 0 : keep > 64);
        wn_chain_destroy(&chain);
    }
    wn_log_finish(&log);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),     cmocka_unit_test(test_lora),
        cmocka_unit_test(test_bad_lora),  cmocka_unit_test(test_positions),
        cmocka_unit_test(test_which),     cmocka_unit_test(test_bad_positions),
        cmocka_unit_test(test_rates),
    };

    if (argc < 3)
        return fprintf(stderr, "usage: vit_trained MKMODEL DIR\n"), 2;
    pair_mkmodel = argv[1];
    pair_dir = argv[2];
    mkdir(pair_dir, 0777);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
