/* SPDX-License-Identifier: MIT */
/* llm_header SHARED: bad GGUF files end in one sentence that names the field; nothing crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ggml.h>

#include "llm_files.h"
#include "pipeline/llm.h"

static const char *shared;

/* Writes g with one tensor behind it and checks it. */
static int check(struct gguf_context *g, enum wn_gguf_kind kind, char said[1024], int cut)
{
    struct ggml_context *c = ggml_init((struct ggml_init_params){.mem_size = 1 << 20});
    struct ggml_tensor *t = ggml_new_tensor_1d(c, GGML_TYPE_F32, 64);
    struct wn_log log;
    char path[64];

    memset(t->data, 0, ggml_nbytes(t));
    ggml_set_name(t, "output_norm.weight");
    gguf_add_tensor(g, t);
    test_write(g, path);
    ggml_free(c);
    if (cut) {
        FILE *f = fopen(path, "rb");
        fseek(f, 0, SEEK_END);
        const long size = ftell(f);
        fclose(f);
        assert_int_equal(truncate(path, size - cut), 0);
    }
    wn_log_init(&log);
    const int err = wn_llm_check_file(path, kind, &log);
    snprintf(said, 1024, "%s", log.last_error);
    struct wn_llm *llm = NULL;
    if (kind == WN_GGUF_LLM) /* also what passes the check: libllama then finds no weights */
        assert_true(wn_llm_open(&llm, &(struct wn_llm_params){.model = path, .log = &log}) < 0);
    assert_null(llm);
    wn_log_finish(&log);
    unlink(path);
    return err;
}

static void refused(struct gguf_context *g, enum wn_gguf_kind kind, const char *field)
{
    char said[1024];

    assert_int_equal(check(g, kind, said, 0), WN_ERR_MODEL);
    if (!strstr(said, field))
        fail_msg("\"%s\" does not name %s", said, field);
    gguf_free(g);
}

static void test_good(void **state)
{
    char said[1024];

    for (int bpe = 0; bpe < 2; bpe++) {
        struct gguf_context *g = test_llm_keys(bpe);
        assert_int_equal(check(g, WN_GGUF_LLM, said, 0), 0);
        gguf_free(g);
    }
}

static void test_keys(void **state)
{
    static const char *const required[] = {
        "general.architecture", "llama.block_count", "llama.embedding_length",
        "llama.context_length", "tokenizer.ggml.model", "tokenizer.ggml.tokens",
    };

    for (int i = 0; i < WN_LEN(required); i++) {
        struct gguf_context *g = test_llm_keys(0);
        gguf_remove_key(g, required[i]);
        refused(g, WN_GGUF_LLM, required[i]);
        g = test_llm_keys(0);
        gguf_remove_key(g, required[i]);
        gguf_set_val_f32(g, required[i], 1);
        refused(g, WN_GGUF_LLM, required[i]);
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *key;
        uint32_t value;
    } bad[] = {
        {"llama.block_count", 0}, {"llama.block_count", 100000}, {"llama.embedding_length", 0},
        {"llama.embedding_length", UINT32_MAX}, {"llama.context_length", 0},
        {"llama.attention.head_count", 0}, {"llama.feed_forward_length", UINT32_MAX},
    };

    for (int i = 0; i < WN_LEN(bad); i++) {
        struct gguf_context *g = test_llm_keys(0);
        gguf_set_val_u32(g, bad[i].key, bad[i].value);
        refused(g, WN_GGUF_LLM, bad[i].key);
    }
    struct gguf_context *g = test_llm_keys(0);
    gguf_set_val_i32(g, "llama.embedding_length", -5);
    refused(g, WN_GGUF_LLM, "llama.embedding_length");
    g = test_llm_keys(0);
    gguf_set_val_str(g, "general.architecture", "../\x1b[31m");
    refused(g, WN_GGUF_LLM, "general.architecture");
    g = test_llm_keys(0);
    gguf_set_val_u32(g, "bad\xff" "key", 1);
    refused(g, WN_GGUF_LLM, "UTF-8");
}

/* What llama.cpp would assert in its first graph. */
static void test_rope(void **state)
{
    static const int32_t sections[][4] = {{0, 0, 0, 0}, {16, 16, 16, 0}, {-4, 4, 4, 0}};
    struct gguf_context *g;

    for (int i = 0; i < WN_LEN(sections); i++) {
        g = test_llm_keys(0);
        gguf_set_arr_data(g, "llama.rope.dimension_sections", GGUF_TYPE_INT32, sections[i], 4);
        refused(g, WN_GGUF_LLM, "llama.rope.dimension_sections");
    }
    g = test_llm_keys(0);
    gguf_set_val_str(g, "general.architecture", "qwen2");
    gguf_set_val_u32(g, "qwen2.block_count", 1);
    gguf_set_val_u32(g, "qwen2.context_length", 512);
    gguf_set_val_u32(g, "qwen2.embedding_length", 32);
    gguf_set_val_u32(g, "qwen2.attention.head_count", 2);
    gguf_set_val_u32(g, "qwen2.rope.dimension_count", 8);
    refused(g, WN_GGUF_LLM, "qwen2.rope.dimension_count");
}

static void test_vocabulary(void **state)
{
    const char *twice[] = {"a", "b", "a"};
    const float floats[4] = {0};
    struct gguf_context *g = test_llm_keys(0);

    gguf_set_arr_str(g, "tokenizer.ggml.tokens", twice, 3);
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.tokens");
    g = test_llm_keys(0);
    gguf_set_arr_str(g, "tokenizer.ggml.tokens", twice, 2); /* no bytes */
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.tokens");
    g = test_llm_keys(0);
    gguf_set_arr_data(g, "tokenizer.ggml.tokens", GGUF_TYPE_FLOAT32, floats, 4);
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.tokens");
    g = test_llm_keys(0);
    gguf_set_arr_data(g, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, floats, 4);
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.scores");
    g = test_llm_keys(0);
    gguf_set_arr_data(g, "tokenizer.ggml.token_type", GGUF_TYPE_FLOAT32, floats, 4);
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.token_type");
    g = test_llm_keys(1);
    gguf_set_arr_data(g, "tokenizer.ggml.merges", GGUF_TYPE_FLOAT32, floats, 4);
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.merges");
    g = test_llm_keys(0);
    gguf_set_val_str(g, "tokenizer.ggml.model", "none");
    refused(g, WN_GGUF_LLM, "tokenizer.ggml.model");
}

static struct gguf_context *tower_keys(void)
{
    static const char *const counts[] = {"image_size", "patch_size", "embedding_length",
                                         "block_count", "attention.head_count"};
    const float three[3] = {0.5f, 0.5f, 0.5f};
    struct gguf_context *g = gguf_init_empty();
    char key[64];

    gguf_set_val_str(g, "general.architecture", "clip");
    gguf_set_val_bool(g, "clip.has_vision_encoder", true);
    for (int i = 0; i < WN_LEN(counts); i++) {
        snprintf(key, sizeof(key), "clip.vision.%s", counts[i]);
        gguf_set_val_u32(g, key, 16);
    }
    gguf_set_arr_data(g, "clip.vision.image_mean", GGUF_TYPE_FLOAT32, three, 3);
    gguf_set_arr_data(g, "clip.vision.image_std", GGUF_TYPE_FLOAT32, three, 3);
    return g;
}

static void test_kinds(void **state)
{
    struct gguf_context *g = tower_keys();
    char said[1024];

    assert_int_equal(check(g, WN_GGUF_MMPROJ, said, 0), 0);
    gguf_free(g);
    refused(tower_keys(), WN_GGUF_LLM, "is a vision encoder (mmproj), not a language model");
    refused(test_llm_keys(0), WN_GGUF_MMPROJ, "is a language model (llama), not a vision encoder");
    g = tower_keys();
    gguf_set_val_bool(g, "clip.has_vision_encoder", false);
    refused(g, WN_GGUF_MMPROJ, "clip.has_vision_encoder");
    g = tower_keys();
    gguf_set_val_i32(g, "clip.vision.patch_size", 8); /* libmtmd asserts u32 */
    refused(g, WN_GGUF_MMPROJ, "clip.vision.patch_size");
    g = tower_keys();
    gguf_set_val_u32(g, "clip.vision.patch_size", 0);
    refused(g, WN_GGUF_MMPROJ, "clip.vision.patch_size");
    g = tower_keys();
    gguf_set_arr_data(g, "clip.vision.image_mean", GGUF_TYPE_FLOAT32, (const float[1]){0}, 1);
    refused(g, WN_GGUF_MMPROJ, "clip.vision.image_mean");
}

static void test_cut(void **state)
{
    struct gguf_context *g = test_llm_keys(0);
    char said[1024];

    assert_int_equal(check(g, WN_GGUF_LLM, said, 100), WN_ERR_MODEL);
    assert_non_null(strstr(said, "output_norm.weight"));
    gguf_free(g);
    g = test_llm_keys(0);
    assert_int_equal(check(g, WN_GGUF_LLM, said, 3000), WN_ERR_MODEL);
    assert_non_null(strstr(said, "past the end of the file"));
    gguf_free(g);
}

static void test_files(void **state)
{
    struct wn_log log;

    wn_log_init(&log);
    assert_int_equal(wn_llm_check_file("/nowhere/x.gguf", WN_GGUF_LLM, &log), WN_ERR_IO);
    assert_non_null(strstr(log.last_error, "x.gguf: cannot be opened"));
    assert_int_equal(wn_llm_check_file("/tmp", WN_GGUF_LLM, &log), WN_ERR_IO);
    assert_int_equal(wn_llm_check_file("/dev/null", WN_GGUF_LLM, &log), WN_ERR_IO);
    wn_log_finish(&log);
}

/* The 25 damaged headers beside the project. */
static void test_nasty(void **state)
{
    char *folder = wn_sprintf("%s/media/nasty/gguf", shared);
    DIR *dir = opendir(folder);
    int n = 0;

    for (const struct dirent *e; dir && (e = readdir(dir)); ) {
        if (!strstr(e->d_name, ".gguf"))
            continue;
        char *path = wn_sprintf("%s/%s", folder, e->d_name);
        struct wn_log log;
        struct wn_llm *llm = NULL;
        wn_log_init(&log);
        assert_int_equal(wn_llm_open(&llm, &(struct wn_llm_params){.model = path, .log = &log}),
                         WN_ERR_MODEL);
        assert_null(llm);
        assert_true(!strncmp(log.last_error, e->d_name, strlen(e->d_name)));
        assert_null(strchr(log.last_error, '\n'));
        printf("%s\n", log.last_error);
        assert_int_equal(wn_llm_check_file(path, WN_GGUF_MMPROJ, &log), WN_ERR_MODEL);
        wn_log_finish(&log);
        free(path);
        n++;
    }
    if (dir)
        closedir(dir);
    free(folder);
    if (!n)
        skip();
    printf("%d damaged files refused\n", n);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_rope),
        cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_nasty),
    };

    shared = argc > 1 ? argv[1] : "../shared";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
