/* SPDX-License-Identifier: MIT */
/* The encoder over libmtmd against plain libmtmd runs: rows, layouts, attention and keys.
 * vision_mtmd MKMODEL DIR SAMPLE_PREFIX...: pairs are made in DIR; a sample prefix names a pair
 * PREFIX.gguf and PREFIX-mmproj.gguf with its CLS row last. */
#include "vision_pair.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char **samples;
static int n_samples;

/* ---- rows and layout ---- */

static void check_parts(const struct fixture *f, const struct plain *plain,
                        const struct wn_layout *layout)
{
    int32_t part = 0, row = 0, glue = 0;

    for (size_t i = 0; i < mtmd_input_chunks_size(plain->chunks); i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(plain->chunks, i);
        const struct wn_layout_part *p = &layout->parts[part];
        size_t n = 0;

        assert_true(part < layout->n_parts);
        if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
            const llama_token *tokens = mtmd_input_chunk_get_tokens_text(chunk, &n);

            assert_int_equal(p->n_tokens, n);
            assert_memory_equal(p->tokens, tokens, n * sizeof(*tokens));
            assert_int_equal(p->row0, row);
            glue += p->n_tokens;
            part += p->n_rows == 0;
            continue;
        }
        const mtmd_image_tokens *image = mtmd_input_chunk_get_tokens_image(chunk);
        assert_int_equal(p->n_rows, mtmd_input_chunk_get_n_tokens(chunk));
        assert_int_equal(p->n_pos, mtmd_input_chunk_get_n_pos(chunk));
        assert_int_equal(p->non_causal, mtmd_decode_use_non_causal(plain->ctx, chunk));
        assert_int_equal(!layout->mpos, !f->enc->info.mrope);
        for (int32_t r = 0; layout->mpos && r < p->n_rows; r++) {
            const struct mtmd_decoder_pos at =
                mtmd_image_tokens_get_decoder_pos(image, 0, (size_t)r);

            assert_int_equal(layout->mpos[row + r][0], at.t);
            assert_int_equal(layout->mpos[row + r][1], at.y);
            assert_int_equal(layout->mpos[row + r][2], at.x);
            assert_int_equal(layout->pos[row + r][0], at.y);
            assert_int_equal(layout->pos[row + r][1], at.x);
        }
        row += p->n_rows;
        part++;
    }
    assert_int_equal(part, layout->n_parts);
    assert_int_equal(row, layout->n_rows);

    int32_t n_rows = 0, n_tokens = 0;
    assert_int_equal(f->enc->count(f->enc, 100, 64, &n_rows, &n_tokens), WN_OK);
    assert_int_equal(n_rows, row);
    assert_int_equal(n_tokens, glue);
}

static void check_same_rows(struct fixture *f)
{
    struct wn_frame *frames[3] = {picture(100, 64, 1), picture(100, 64, 2), picture(100, 64, 3)};
    const int per = f->enc->info.merges_pairs ? 2 : 1;
    struct wn_rows *rows = encode(f, frames, 3, true, NULL);
    struct plain plain = {0};

    assert_int_equal(rows->n_frames, per == 2 ? 2 : 3);
    assert_true(plain_open(&plain, &f->pair, true));
    for (int32_t i = 0; i < rows->n_frames; i++) {
        const int n = WN_MIN(per, 3 - i * per);

        assert_true(plain_encode(&plain, frames + i * per, n));
        assert_int_equal(rows->frame_ptr[i + 1] - rows->frame_ptr[i], plain.n_rows);
        assert_memory_equal(rows->data + (size_t)rows->frame_ptr[i] * plain.dim, plain.rows,
                            plain.n_rows * plain.dim * sizeof(float));
        assert_int_equal(rows->cell[rows->frame_ptr[i]], 0);
        assert_int_equal(rows->frames[i].number, frames[i * per]->number);
        assert_true(rows->frames[i].time == frames[i * per]->time);
        check_parts(f, &plain, rows->frames[i].layout);
    }
    assert_true(rows->frames[0].layout == rows->frames[rows->n_frames - 1].layout || per == 2);
    assert_null(rows->attn);
    assert_null(rows->keys);
    printf("%s: %d rows equal a plain run bit for bit\n", f->kind, rows->n);
    plain_close(&plain);
    wn_rows_destroy(&rows);
    for (int i = 0; i < 3; i++)
        wn_frame_unref(&frames[i]);
}

static void run_kind(const char *kind, const char *extra)
{
    struct fixture f;

    begin(&f, kind, extra);
    check_same_rows(&f);
    check_taps(&f);
    check_tap_cost(&f);
    end(&f);
}

static void test_llava(void **state)
{
    run_kind("llava", NULL);
}

static void test_llava_f32_all_layers(void **state)
{
    run_kind("llava", "--type f32 --set feature=4");
}

static void test_siglip(void **state)
{
    run_kind("siglip", NULL);
}

static void test_idefics3(void **state)
{
    run_kind("idefics3", NULL);
}

static void test_internvl(void **state)
{
    run_kind("internvl", NULL);
}

static void test_qwen2vl(void **state)
{
    run_kind("qwen2vl", NULL);
}

static void test_qwen25vl(void **state)
{
    run_kind("qwen25vl", NULL);
}

/* ---- what the probe says ---- */

static void test_probe(void **state)
{
    static const struct {
        const char *kind, *extra;
        int n_layers, n_read, lost;
        bool has_cls, cls_row, mrope, pairs;
    } want[] = {
        {"llava", NULL, 4, 3, 1, true, true, false, false},
        {"llava", "--set feature=4", 4, 4, 1, true, true, false, false},
        {"siglip", NULL, 4, 4, 0, false, false, false, false},
        {"idefics3", NULL, 4, 4, 0, false, false, false, false},
        {"internvl", NULL, 4, 4, 0, true, false, false, false},
        {"qwen2vl", NULL, 4, 4, 0, false, false, true, true},
        {"qwen25vl", NULL, 4, 4, 0, false, false, true, true},
    };

    for (int i = 0; i < WN_LEN(want); i++) {
        struct fixture f;

        begin(&f, want[i].kind, want[i].extra);
        const struct wn_encoder_info *info = &f.enc->info;
        assert_int_equal(info->dim, 96);
        assert_int_equal(info->n_layers, want[i].n_layers);
        assert_int_equal(info->n_read, want[i].n_read);
        assert_int_equal(info->n_heads, 4);
        assert_int_equal(info->lost_patches, want[i].lost);
        assert_int_equal(info->has_cls, want[i].has_cls);
        assert_int_equal(info->cls_row, want[i].cls_row);
        assert_int_equal(info->mrope, want[i].mrope);
        assert_int_equal(info->merges_pairs, want[i].pairs);
        assert_int_equal(info->note != NULL, want[i].lost > 0);
        end(&f);
    }
}

static void test_cls_layout(void **state)
{
    static const char *const wrong[] = {"first", "middle"};
    struct fixture f;

    begin(&f, "llava", NULL);
    wn_encoder_close(&f.enc);
    assert_int_equal(open_encoder(&f, "last", false), WN_OK);
    assert_null(f.enc->info.note);
    wn_encoder_close(&f.enc);
    for (int i = 0; i < WN_LEN(wrong); i++) {
        assert_int_equal(open_encoder(&f, wrong[i], false), WN_ERR_MODEL);
        assert_non_null(strstr(f.log.last_error, "winnow.cls_layout"));
        assert_null(f.enc);
    }
    end(&f);
    begin(&f, "siglip", NULL);
    wn_encoder_close(&f.enc);
    assert_int_equal(open_encoder(&f, "last", false), WN_ERR_MODEL);
    end(&f);
}

static void test_unreadable_taps(void **state)
{
    struct wn_frame *frame = picture(48, 48, 1);
    struct wn_needs needs = {{0}};
    struct wn_rows *rows = NULL;
    struct fixture f;

    begin(&f, "llava", NULL);
    needs.cls[3] = true; /* libmtmd stops before the last layer */
    assert_int_equal(f.enc->encode(f.enc, &frame, 1, false, &needs, &rows), WN_ERR_UNSUPPORTED);
    assert_null(rows);
    assert_non_null(strstr(f.log.last_error, "layer 3"));
    end(&f);
    wn_frame_unref(&frame);
}

/* The masked layers of a tower with windows are no source of attention, its last one is. */
static void test_masked_layer(void **state)
{
    struct wn_frame *frame = picture(100, 64, 1);
    struct wn_needs needs = {{0}};
    struct wn_rows *rows = NULL;
    struct fixture f;

    begin(&f, "qwen25vl", "--set v_layers=3");
    needs.cls[0] = true;
    assert_int_equal(f.enc->encode(f.enc, &frame, 1, false, &needs, &rows), WN_ERR_UNSUPPORTED);
    assert_non_null(strstr(f.log.last_error, "masked"));
    end(&f);
    wn_frame_unref(&frame);
}

/* ---- pictures ---- */

static void test_odd_sizes(void **state)
{
    static const char *const kinds[] = {"llava", "siglip", "idefics3", "internvl", "qwen2vl",
                                        "qwen25vl"};
    static const int32_t size[][2] = {{1, 1}, {2, 300}, {700, 3}, {4096, 16}, {33, 47}};

    for (int k = 0; k < WN_LEN(kinds); k++) {
        struct fixture f;

        begin(&f, kinds[k], NULL);
        for (int i = 0; i < WN_LEN(size); i++) {
            struct wn_frame *frame = picture(size[i][0], size[i][1], 1);
            struct wn_rows *rows = NULL;
            int32_t n_rows = 0, n_tokens = 0;
            const int err = f.enc->encode(f.enc, &frame, 1, false, NULL, &rows);

            if (err < 0)
                printf("%s: %d x %d: %s\n", kinds[k], size[i][0], size[i][1], f.log.last_error);
            assert_true(err == WN_OK || err == WN_ERR_UNSUPPORTED);
            assert_int_equal(f.enc->count(f.enc, size[i][0], size[i][1], &n_rows, &n_tokens), err);
            if (rows)
                assert_int_equal(rows->n, n_rows);
            wn_rows_destroy(&rows);
            wn_frame_unref(&frame);
        }
        end(&f);
    }
}

static void test_mixed_sizes(void **state)
{
    static const char *const kinds[] = {"llava", "qwen2vl"};

    for (int k = 0; k < WN_LEN(kinds); k++) {
        struct wn_frame *frames[4] = {picture(64, 64, 1), picture(80, 48, 2), picture(64, 64, 3),
                                      picture(64, 64, 4)};
        struct fixture f;

        begin(&f, kinds[k], NULL);
        const struct wn_needs needs = all_needs(&f.enc->info);
        struct wn_rows *rows = encode(&f, frames, 4, true, &needs);
        assert_int_equal(rows->n_frames, f.enc->info.merges_pairs ? 2 : 4);
        assert_int_equal(rows->frame_ptr[rows->n_frames], rows->n);
        wn_rows_destroy(&rows);
        rows = encode(&f, frames, 4, false, NULL);
        assert_int_equal(rows->n_frames, 4);
        wn_rows_destroy(&rows);
        end(&f);
        for (int i = 0; i < 4; i++)
            wn_frame_unref(&frames[i]);
    }
}

static void test_many_sizes(void **state)
{
    struct fixture f;
    int32_t n_rows, n_tokens;

    begin(&f, "qwen2vl", NULL);
    for (int32_t i = 1; i < 200; i++)
        assert_int_equal(f.enc->count(f.enc, 16 + i, 64, &n_rows, &n_tokens), WN_OK);
    end(&f);
}

static void test_fast_resize(void **state)
{
    struct wn_frame *frame = picture(400, 300, 1), *small = picture(48, 48, 2);
    struct wn_rows *slow, *fast;
    double far = 0, size = 0;
    struct fixture f;

    begin(&f, "llava", NULL);
    slow = encode(&f, &frame, 1, false, NULL);
    wn_encoder_close(&f.enc);
    assert_int_equal(open_encoder(&f, NULL, true), WN_OK);
    fast = encode(&f, &frame, 1, false, NULL);
    assert_int_equal(fast->n, slow->n);
    for (int32_t i = 0; i < fast->n * fast->dim; i++) {
        far += pow((double)(fast->data[i] - slow->data[i]), 2);
        size += pow((double)slow->data[i], 2);
    }
    printf("llava: rows with the fast resize differ by %.3f of their size\n", sqrt(far / size));
    assert_true(far > 0 && far < 0.25 * size);
    wn_rows_destroy(&fast);
    wn_rows_destroy(&slow);
    slow = encode(&f, &small, 1, false, NULL); /* the model's own size is left alone */
    assert_true(slow->n > 0);
    wn_rows_destroy(&slow);
    end(&f);
    begin(&f, "qwen2vl", NULL);
    wn_encoder_close(&f.enc);
    assert_int_equal(open_encoder(&f, NULL, true), WN_ERR_UNSUPPORTED);
    end(&f);
    wn_frame_unref(&frame);
    wn_frame_unref(&small);
}

static void test_cancel(void **state)
{
    struct wn_frame *frame = picture(48, 48, 1);
    struct wn_rows *rows = NULL;
    struct fixture f;

    begin(&f, "llava", NULL);
    atomic_store(&f.log.cancelled, true);
    assert_int_equal(f.enc->encode(f.enc, &frame, 1, false, NULL, &rows), WN_ERR_ABORTED);
    assert_null(rows);
    end(&f);
    wn_frame_unref(&frame);
}

/* ---- the sample model ---- */

static void test_samples(void **state)
{
    for (int i = 0; i < n_samples; i++) {
        struct fixture f = {.kind = "llava"};
        struct wn_frame *frame = picture(64, 64, 1);
        struct stat st;
        double sum = 0;

        snprintf(f.pair.llm, sizeof(f.pair.llm), "%s.gguf", samples[i]);
        snprintf(f.pair.mmproj, sizeof(f.pair.mmproj), "%s-mmproj.gguf", samples[i]);
        if (stat(f.pair.llm, &st)) {
            snprintf(f.pair.llm, sizeof(f.pair.llm), "%s-llm.gguf", samples[i]);
            if (stat(f.pair.llm, &st)) {
                wn_frame_unref(&frame);
                continue;
            }
        }
        wn_log_init(&f.log);
        assert_int_equal(wn_pool_create(&f.pool, 2), WN_OK);
        assert_true(pair_load(&f.pair));
        assert_int_equal(open_encoder(&f, "last", false), WN_OK);
        assert_int_equal(f.enc->info.n_layers, 5);
        assert_int_equal(f.enc->info.n_read, 5);
        assert_true(f.enc->info.cls_row && f.enc->info.lost_patches == 1 && !f.enc->info.note);
        const struct wn_needs needs = all_needs(&f.enc->info);
        struct wn_rows *rows = encode(&f, &frame, 1, false, &needs);
        assert_int_equal(rows->n, 64);
        for (int32_t r = 0; r < rows->n; r++)
            sum += (double)rows->attn[(size_t)r * (size_t)(rows->attn_layers * rows->attn_heads)];
        printf("%s: %d rows, which get %.4f of CLS attention (patch 0 has the rest)\n", samples[i],
               rows->n, sum);
        assert_true(sum > 0.5 && sum < 1);
        wn_rows_destroy(&rows);
        check_same_rows(&f);
        check_taps(&f);
        end(&f);
        wn_frame_unref(&frame);
    }
}

static void quiet(enum ggml_log_level level, const char *text, void *opaque)
{
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llava),
        cmocka_unit_test(test_llava_f32_all_layers),
        cmocka_unit_test(test_siglip),
        cmocka_unit_test(test_idefics3),
        cmocka_unit_test(test_internvl),
        cmocka_unit_test(test_qwen2vl),
        cmocka_unit_test(test_qwen25vl),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_cls_layout),
        cmocka_unit_test(test_unreadable_taps),
        cmocka_unit_test(test_masked_layer),
        cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_mixed_sizes),
        cmocka_unit_test(test_many_sizes),
        cmocka_unit_test(test_fast_resize),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_samples),
    };

    if (argc < 3)
        return 2;
    pair_mkmodel = argv[1];
    pair_dir = argv[2];
    samples = argv + 3;
    n_samples = argc - 3;
    mkdir(pair_dir, 0777);
    llama_log_set(quiet, NULL);
    mtmd_log_set(quiet, NULL);
    return cmocka_run_group_tests_name("vision_mtmd", tests, NULL, NULL);
}
