/* SPDX-License-Identifier: MIT */
/* The own encoder: its rows against libmtmd's, batches, taps, tiles, the choice of an encoder, and
 * files that are not what they say.
 *
 *     vit MKMODEL DIR SAMPLE [FOLDER of hostile files] */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/winnow.h"
#include "vision/vit_image.h"
#include "vision/vit_reduce.h"
#include "vision_pair.h"

static const char *sample, *hostile;

static int open_kind(struct fixture *f, const char *kind, const char *cls_layout)
{
    wn_encoder_close(&f->enc);
    return wn_encoder_open(&f->enc, &(struct wn_encoder_params){
        .mmproj = f->pair.mmproj,
        .kind = kind,
        .text_model = f->pair.model,
        .cls_layout = cls_layout,
        .n_threads = 1,
        .no_gpu = true,
        .pool = f->pool,
        .log = &f->log,
    });
}

static double cosine(const float *a, const float *b, int32_t n)
{
    double ab = 0, aa = 0, bb = 0;

    for (int32_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* libmtmd's rows are those of patch 1 and so on where CLS is the last row of the positions, which
 * is what the own encoder then takes as well. */
static void test_like_mtmd(void **state)
{
    struct wn_frame *frame = picture(48, 48, 3);
    struct wn_rows *own, *theirs;
    struct fixture f;

    begin(&f, "llava", "--set feature=3");
    theirs = encode(&f, &frame, 1, false, NULL);
    assert_int_equal(open_kind(&f, "own", "last"), WN_OK);
    own = encode(&f, &frame, 1, false, NULL);
    assert_int_equal(own->n, 36);
    assert_int_equal(own->n, theirs->n);
    assert_int_equal(own->dim, theirs->dim);
    for (int32_t i = 0; i + 1 < own->n; i++)
        assert_true(cosine(own->data + (size_t)(i + 1) * (size_t)own->dim,
                           theirs->data + (size_t)i * (size_t)own->dim, own->dim) > 0.9995);
    assert_int_equal(f.enc->info.lost_patches, 0);
    assert_int_equal(f.enc->info.cls_row, 0);
    assert_null(f.enc->info.note);
    wn_rows_destroy(&own);
    wn_rows_destroy(&theirs);
    wn_frame_unref(&frame);
    end(&f);
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

/* A frame's rows and taps do not depend on what stands beside it in a batch. */
static void test_batches(void **state)
{
    struct wn_frame *frame[5];
    struct wn_rows *all, *one;
    struct wn_needs needs = {.cls = {[0] = true, [2] = true, [3] = true}, .keys = {[1] = true}};
    struct fixture f;

    begin(&f, "llava", NULL);
    assert_int_equal(open_kind(&f, "auto", NULL), WN_OK);
    for (int i = 0; i < 5; i++)
        frame[i] = picture(40 + 10 * i, 64 - 5 * i, (unsigned)i);
    all = encode(&f, frame, 5, true, &needs);
    assert_int_equal(all->n, 5 * 36);
    assert_int_equal(all->attn_layers, 3);
    assert_int_equal(all->keys_layers, 1);
    const size_t dim = 36 * (size_t)all->dim, attn = 36 * 3 * (size_t)all->attn_heads;
    const size_t keys = 36 * (size_t)(all->keys_heads * all->keys_dim);
    for (size_t i = 0; i < 5; i++) {
        one = encode(&f, frame + i, 1, true, &needs);
        assert_true(difference(all->data + i * dim, one->data, dim) < 1e-5);
        assert_true(difference(all->attn + i * attn, one->attn, attn) < 1e-5);
        assert_true(difference(all->keys + i * keys, one->keys, keys) < 1e-5);
        wn_rows_destroy(&one);
    }
    for (size_t i = 0; i < 5; i++)
        wn_frame_unref(&frame[i]);
    wn_rows_destroy(&all);
    end(&f);
}

/* Softmax rows sum to one, what is received to one over all, and logits give the softmax; also of
 * a last layer that features do not need. */
static void check_rows(struct wn_vit *vit, const float *patches, int l)
{
    const struct wn_vit_info *m = &vit->info;
    const size_t t = (size_t)m->n_tokens, h = (size_t)m->n_heads;
    float *cls = wn_calloc(3 * h * t, sizeof(*cls)), *logits = cls + h * t, *got = logits + h * t;
    const struct wn_vit_tap tap[] = {{WN_VIT_CLS_ATTN, l, cls}, {WN_VIT_CLS_LOGITS, l, logits},
                                     {WN_VIT_RECEIVED, l, got}};

    assert_int_equal(wn_vit_run(vit, patches, 1, tap, WN_LEN(tap)), WN_OK);
    for (size_t i = 0; i < h; i++) {
        double sum = 0, all = 0, norm = 0;

        for (size_t k = 0; k < t; k++)
            norm += exp((double)logits[i * t + k]);
        for (size_t k = 0; k < t; k++) {
            assert_float_equal(cls[i * t + k], exp((double)logits[i * t + k]) / norm, 1e-5);
            sum += cls[i * t + k];
            all += got[i * t + k];
        }
        assert_float_equal(sum, 1, 1e-5);
        assert_float_equal(all, 1, 1e-5);
    }
    free(cls);
}

static void test_taps(void **state)
{
    struct wn_frame *frame = picture(48, 48, 9);
    struct fixture f;
    struct wn_vit *vit = NULL;

    begin(&f, "llava", "--set feature=3");
    assert_int_equal(wn_vit_open(&vit, &(struct wn_vit_params){
        .path = f.pair.mmproj, .weights = WN_VIT_F32, .n_threads = 1, .no_gpu = true,
        .log = &f.log}), WN_OK);
    assert_int_equal(vit->info.depth, 3);
    assert_true(wn_vit_fits(vit));
    float *patches = wn_calloc((size_t)vit->info.n_patches * 3 * 64, sizeof(*patches));
    wn_vit_unfold(patches, &vit->info, frame->rgb);
    for (int l = 0; l < 4; l++)
        check_rows(vit, patches, l);
    assert_int_equal(wn_vit_run(vit, patches, 1, &(struct wn_vit_tap){WN_VIT_KEY, 4, NULL}, 1),
                     WN_ERR_ARG);
    free(patches);
    wn_vit_close(&vit);
    wn_frame_unref(&frame);
    end(&f);
}

/* Rounded weights stay close to the file's own. */
static void check_weights(const char *shape, double stored)
{
    const double least[] = {stored, 1, 0.999};
    struct wn_frame *frame = picture(48, 48, 4);
    float *rows[3] = {NULL};
    struct fixture f;

    begin(&f, "llava", shape);
    for (int w = 0; w < 3; w++) {
        struct wn_vit *vit = NULL;

        assert_int_equal(wn_vit_open(&vit, &(struct wn_vit_params){
            .path = f.pair.mmproj, .weights = (enum wn_vit_weights)w, .n_threads = 1,
            .no_gpu = true, .log = &f.log}), WN_OK);
        float *patches = wn_calloc((size_t)vit->info.n_patches * 3 * 64, sizeof(*patches));
        const size_t n = wn_vit_tap_size(&vit->info, WN_VIT_PROJECTED);
        rows[w] = wn_calloc(n, sizeof(float));
        wn_vit_unfold(patches, &vit->info, frame->rgb);
        assert_int_equal(wn_vit_run(vit, patches, 1,
                                    &(struct wn_vit_tap){WN_VIT_PROJECTED, 0, rows[w]}, 1), WN_OK);
        free(patches);
        wn_vit_close(&vit);
    }
    for (int w = 0; w < 3; w++) {
        const double c = cosine(rows[w], rows[WN_VIT_F32], 36 * 64);
        if (c < least[w] - 1e-9)
            fail_msg("weights held in way %d: cosine %.6f", w, c);
    }
    for (int w = 0; w < 3; w++)
        free(rows[w]);
    wn_frame_unref(&frame);
    end(&f);
}

/* Rows of whole blocks and others, stored as f16, f32 and q8_0. */
static void test_weights(void **state)
{
    check_weights("--type f16", 0.99999);
    check_weights("--type f32 --set v_ff=72 --set v_dim=40 --set v_heads=5", 0.99999);
    check_weights("--type q8_0", 0.999); /* activations are rounded, too */
}

/* The same rows on any number of threads. */
static void test_threads(void **state)
{
    struct wn_frame *frame = picture(48, 48, 6);
    float *rows[2] = {NULL};
    struct fixture f;

    begin(&f, "llava", "--type f16");
    for (int w = 0; w < 4; w++) {
        struct wn_vit *vit = NULL;
        const struct wn_vit_params p = {
            .path = f.pair.mmproj, .weights = w < 2 ? WN_VIT_STORED : WN_VIT_Q8_0,
            .n_threads = w % 2 ? 2 : 1, .no_gpu = true, .log = &f.log,
        };

        assert_int_equal(wn_vit_open(&vit, &p), WN_OK);
        const size_t n = wn_vit_tap_size(&vit->info, WN_VIT_PROJECTED);
        float *patches = wn_calloc((size_t)vit->info.n_patches * 3 * 64, sizeof(*patches));
        rows[w % 2] = wn_calloc(n, sizeof(float));
        wn_vit_unfold(patches, &vit->info, frame->rgb);
        const struct wn_vit_tap tap = {WN_VIT_PROJECTED, 0, rows[w % 2]};
        assert_int_equal(wn_vit_run(vit, patches, 1, &tap, 1), WN_OK);
        free(patches);
        wn_vit_close(&vit);
        if (w % 2) {
            assert_true(difference(rows[0], rows[1], n) < 1e-5);
            free(rows[0]);
            free(rows[1]);
        }
    }
    wn_frame_unref(&frame);
    end(&f);
}

/* A still picture is cut in tiles where the file says so, a frame of a video is not. */
static void test_tiles(void **state)
{
    struct wn_frame *frame = picture(96, 48, 5);
    int32_t n_rows = 0, tokens = 0;
    struct wn_rows *rows;
    struct fixture f;

    begin(&f, "llava16", NULL);
    assert_int_equal(open_kind(&f, "own", NULL), WN_OK);
    assert_int_equal(f.enc->count(f.enc, 96, 48, &n_rows, &tokens), WN_OK);
    rows = encode(&f, &frame, 1, false, NULL);
    assert_int_equal(rows->n, n_rows);
    assert_true(rows->n > 2 * 36);
    assert_int_equal(rows->frames[0].layout->grid_w, 12);
    assert_int_equal(rows->frames[0].layout->pos[0][0], -1);
    wn_rows_destroy(&rows);
    rows = encode(&f, &frame, 1, true, NULL);
    assert_int_equal(rows->n, f.enc->info.video_rows);
    assert_int_equal(rows->n, 36);
    wn_rows_destroy(&rows);
    wn_frame_unref(&frame);
    end(&f);
}

static void test_choice(void **state)
{
    static const struct {
        const char *kind, *extra, *layout, *ask;
        bool own;
        int err;
    } c[] = {
        {"llava", NULL, NULL, "auto", true, WN_OK},
        {"llava", NULL, NULL, NULL, true, WN_OK},
        {"llava", NULL, NULL, "mtmd", false, WN_OK},
        {"llava", NULL, "last", "auto", false, WN_OK},
        {"llava", NULL, "last", "own", true, WN_OK},
        {"siglip", NULL, NULL, "auto", false, WN_OK},
        {"siglip", NULL, NULL, "own", false, WN_ERR_UNSUPPORTED},
        {"llava", NULL, NULL, "best", false, WN_ERR_ARG},
    };

    for (int i = 0; i < WN_LEN(c); i++) {
        struct fixture f;

        begin(&f, c[i].kind, c[i].extra);
        assert_int_equal(open_kind(&f, c[i].ask, c[i].layout), c[i].err);
        if (c[i].err == WN_OK) /* libmtmd loses a patch of a tower with CLS */
            assert_int_equal(f.enc->info.has_cls && !f.enc->info.lost_patches, c[i].own);
        else
            assert_true(strlen(f.log.last_error) > 10);
        end(&f);
    }
}

/* The sample model was trained on libmtmd's rows: auto leaves it there, own gives all patches. */
static void test_sample(void **state)
{
    struct fixture f = {.kind = "sample"};
    struct wn_frame *frame = picture(64, 64, 7);
    struct wn_rows *theirs, *own;

    wn_log_init(&f.log);
    assert_int_equal(wn_pool_create(&f.pool, 1), WN_OK);
    snprintf(f.pair.llm, sizeof(f.pair.llm), "%s.gguf", sample);
    snprintf(f.pair.mmproj, sizeof(f.pair.mmproj), "%s-mmproj.gguf", sample);
    assert_true(pair_load(&f.pair));
    assert_int_equal(open_kind(&f, "auto", "last"), WN_OK);
    assert_int_equal(f.enc->info.cls_row, 1);
    theirs = encode(&f, &frame, 1, false, NULL);
    assert_int_equal(open_kind(&f, "own", "last"), WN_OK);
    own = encode(&f, &frame, 1, false, NULL);
    assert_int_equal(own->n, 64);
    for (int32_t i = 0; i < 63; i++)
        assert_true(cosine(own->data + (size_t)(i + 1) * (size_t)own->dim,
                           theirs->data + (size_t)i * (size_t)own->dim, own->dim) > 0.999);
    wn_rows_destroy(&own);
    wn_rows_destroy(&theirs);
    wn_frame_unref(&frame);
    end(&f);
}

/* ---- files that are not what they say ---- */

static void expect_sentence(const char *path)
{
    struct wn_vit_info info;
    char why[512] = "";

    if (wn_vit_probe(path, &info, why, sizeof(why)) < 0)
        assert_true(strlen(why) > 8);
}

static unsigned char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct stat st;

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *n = (size_t)st.st_size;
    unsigned char *data = malloc(*n);
    assert_int_equal(fread(data, 1, *n, f), *n);
    fclose(f);
    return data;
}

static void spill(const char *path, const unsigned char *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

/* A stub that drops every other row of a picture between attention and MLP. */
static int halve(struct wn_reducer *reducer, int cut, struct wn_rows *rows)
{
    const size_t dim = (size_t)rows->dim;
    struct wn_sources *w = &rows->w;
    int32_t n = 0;

    wn_sources_finish(w);
    *w = (struct wn_sources){
        .n_src = rows->n, .linear = true, .ptr = wn_calloc((size_t)rows->n + 1, sizeof(int32_t)),
        .idx = wn_calloc((size_t)rows->n, sizeof(int32_t)),
        .weight = wn_calloc((size_t)rows->n, sizeof(float)),
    };
    for (int32_t i = 0; i < rows->n; i += 2) {
        memmove(rows->data + (size_t)n * dim, rows->data + (size_t)i * dim, dim * sizeof(float));
        rows->cell[n] = rows->cell[i];
        w->idx[n] = i;
        w->weight[n++] = 1;
        w->ptr[n] = n;
    }
    rows->n = w->n = rows->frame_ptr[1] = n;
    return WN_OK;
}

static void run_pieces(struct wn_vit *vit, const float *patches)
{
    const struct wn_cut cut = {.point = 1, .taps = WN_TAP_CLS | WN_TAP_KEYS | WN_TAP_MUTUAL};
    struct wn_reducer stub = {.cut = &cut, .n_cuts = 1, .frames = 1, .skip = -1, .run = halve,
                              .proportional = true};
    float *out = wn_calloc(wn_vit_tap_size(&vit->info, WN_VIT_PROJECTED), sizeof(*out));
    const struct wn_vit_tap tap = {WN_VIT_PROJECTED, 0, out};
    struct wn_vit_left left = {0};

    assert_int_equal(wn_vit_run_reduced(vit, patches, 1, &tap, 1,
                                        &(struct wn_vit_reduce){.reducer = &stub}, &left), WN_OK);
    assert_true(left.w.n <= vit->info.n_patches);
    wn_vit_left_finish(&left);
    free(out);
}

/* Matrices in Q8_0: both encoders read the file, rows stay close; what is there already, is no
 * tower or cannot be written is refused, and nothing is left behind. */
static void test_convert(void **state)
{
    struct wn_frame *frame = picture(48, 48, 8);
    struct wn_converted done = {0};
    struct wn_rows *rows[2][2];
    char to[512], part[520];
    struct fixture f;

    begin(&f, "llava", "--type f16");
    snprintf(to, sizeof(to), "%.480s/converted.gguf", pair_dir);
    snprintf(part, sizeof(part), "%s.part", to);
    assert_int_equal(wn_mmproj_convert(f.pair.mmproj, to, &done, &f.log), WN_OK);
    assert_true(done.bytes < done.bytes_before * 7 / 10);
    assert_int_equal(done.matrices, 4 * 6 + 2);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(open_kind(&f, k ? "mtmd" : "own", NULL), WN_OK);
        rows[k][0] = encode(&f, &frame, 1, false, NULL);
    }
    char was[512];
    snprintf(was, sizeof(was), "%s", f.pair.mmproj);
    snprintf(f.pair.mmproj, sizeof(f.pair.mmproj), "%s", to);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(open_kind(&f, k ? "mtmd" : "own", NULL), WN_OK);
        rows[k][1] = encode(&f, &frame, 1, false, NULL);
        assert_int_equal(rows[k][0]->n, rows[k][1]->n);
        assert_true(cosine(rows[k][0]->data, rows[k][1]->data,
                           rows[k][0]->n * rows[k][0]->dim) > 0.999);
        wn_rows_destroy(&rows[k][0]);
        wn_rows_destroy(&rows[k][1]);
    }
    snprintf(f.pair.mmproj, sizeof(f.pair.mmproj), "%s", was);
    f.log.fn = NULL;
    assert_int_equal(wn_mmproj_convert(to, part, &done, &f.log), WN_ERR_UNSUPPORTED);
    assert_int_equal(wn_mmproj_convert(was, was, &done, &f.log), WN_ERR_ARG);
    assert_int_equal(wn_mmproj_convert(was, "/dev/full", &done, &f.log), WN_ERR_ARG);
    assert_int_equal(wn_mmproj_convert(was, "/no/such/folder/x", &done, &f.log), WN_ERR_IO);
    assert_true(wn_mmproj_convert(f.pair.llm, part, &done, &f.log) < 0);
    assert_true(access(part, F_OK) != 0);
    remove(to);
    wn_frame_unref(&frame);
    end(&f);
}

/* Bytes of the header changed one at a time; what still opens is run, whole and in pieces, and
 * converted. */
static void fuzz(const char *kind, size_t reach)
{
    struct wn_frame *frame = picture(48, 48, 2);
    struct fixture f;
    char path[600], to[620], part[640];
    size_t n;
    unsigned seed = 1, opened = 0;

    begin(&f, kind, "--set v_layers=1 --set v_ff=32");
    unsigned char *data = slurp(f.pair.mmproj, &n);
    snprintf(path, sizeof(path), "%s/fuzz.gguf", pair_dir);
    snprintf(to, sizeof(to), "%s.converted", path);
    snprintf(part, sizeof(part), "%s.part", to);
    f.log.fn = NULL;
    for (int i = 0; i < 400; i++) {
        seed = seed * 1664525u + 1013904223u;
        const size_t at = (seed >> 8) % WN_MIN(n, reach);
        const unsigned char was = data[at];
        struct wn_vit *vit = NULL;

        data[at] = (unsigned char)(i % 3 ? seed >> 24 : was ^ (1u << (seed >> 29)));
        spill(path, data, n);
        data[at] = was;
        expect_sentence(path);
        if (wn_vit_open(&vit, &(struct wn_vit_params){.path = path, .n_threads = 1, .no_gpu = true,
                                                      .log = &f.log}) < 0) {
            assert_true(strlen(f.log.last_error) > 10);
            continue;
        }
        float *patches = wn_calloc((size_t)vit->info.n_patches * 3, (size_t)vit->info.patch_size *
                                   (size_t)vit->info.patch_size * sizeof(*patches));
        const struct wn_vit_tap tap = {WN_VIT_PROJECTED, 0, NULL};
        assert_int_equal(wn_vit_run(vit, patches, 1, &tap, 1), WN_OK);
        if (vit->info.n_features == 1)
            run_pieces(vit, patches);
        free(patches);
        wn_vit_close(&vit);
        opened++;
        struct wn_converted done;
        if (i % 8 == 0 && wn_mmproj_convert(path, to, &done, &f.log) == WN_OK)
            assert_int_equal(remove(to), 0);
        assert_true(access(to, F_OK) != 0 && access(part, F_OK) != 0);
    }
    assert_true(opened > 20 && opened < 400);
    for (size_t cut = 0; cut < n; cut += n / 40 + 1) {
        spill(path, data, cut);
        struct wn_vit *vit = NULL;
        assert_true(wn_vit_open(&vit, &(struct wn_vit_params){.path = path, .n_threads = 1,
                                                              .no_gpu = true, .log = &f.log}) < 0);
    }
    remove(path);
    free(data);
    wn_frame_unref(&frame);
    end(&f);
}

static void test_fuzz(void **state)
{
    fuzz("llava", 3000);
    fuzz("onevision", 4000);
}

static void test_hostile(void **state)
{
    DIR *dir = hostile ? opendir(hostile) : NULL;

    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[1024];
        struct wn_vit_info info;
        char why[512] = "";

        snprintf(path, sizeof(path), "%s/%s", hostile, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        assert_true(wn_vit_probe(path, &info, why, sizeof(why)) < 0);
        assert_true(strlen(why) > 8);
    }
    if (dir)
        closedir(dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_mtmd), cmocka_unit_test(test_batches),
        cmocka_unit_test(test_taps),      cmocka_unit_test(test_weights),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_choice),    cmocka_unit_test(test_sample),
        cmocka_unit_test(test_convert),   cmocka_unit_test(test_fuzz),
        cmocka_unit_test(test_hostile),
    };

    if (argc < 4) {
        fprintf(stderr, "usage: vit MKMODEL DIR SAMPLE [FOLDER]\n");
        return 2;
    }
    pair_mkmodel = argv[1];
    pair_dir = argv[2];
    sample = argv[3];
    hostile = argc > 4 ? argv[4] : NULL;
    mkdir(pair_dir, 0777);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
