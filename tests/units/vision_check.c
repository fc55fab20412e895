/* SPDX-License-Identifier: MIT */
/* Bad vision towers get one sentence that names the field, and never stop the process.
 * vision_check MKMODEL DIR [NASTY]: NASTY is a folder of hostile GGUF files. */
#include "vision_pair.h"

#include <dirent.h>
#include <gguf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vision/mmproj.h"
#include "vision/resize.h"

static const char *nasty;
static const char *const kinds[] = {"llava",    "siglip",  "idefics3",
                                    "internvl", "qwen2vl", "qwen25vl"};

struct bytes {
    unsigned char *p;
    size_t n, head; /* head: where the tensors' data begin */
};

static struct bytes slurp(const char *path)
{
    struct gguf_context *gguf =
        gguf_init_from_file(path, (struct gguf_init_params){.no_alloc = true});
    FILE *f = fopen(path, "rb");
    struct bytes b = {NULL};

    assert_non_null(gguf);
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    b.n = (size_t)ftell(f);
    b.head = gguf_get_data_offset(gguf);
    b.p = malloc(b.n);
    rewind(f);
    assert_int_equal(fread(b.p, 1, b.n, f), b.n);
    fclose(f);
    gguf_free(gguf);
    return b;
}

static void spill(const char *path, const unsigned char *p, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
}

/* Reads, and where that goes well also loads and encodes. Counts what was taken. */
static int try_file(struct fixture *f, const char *path, int *taken)
{
    struct wn_frame *frame;
    struct wn_rows *rows = NULL;
    struct wn_mmproj m;

    f->log.last_error[0] = '\0';
    int err = wn_mmproj_read(&m, path, &f->log);
    if (err >= 0) {
        snprintf(f->pair.mmproj, sizeof(f->pair.mmproj), "%s", path);
        err = open_encoder(f, NULL, false);
    }
    if (err >= 0) {
        frame = picture(100, 64, 1);
        err = f->enc->encode(f->enc, &frame, 1, false, NULL, &rows);
        wn_rows_destroy(&rows);
        wn_frame_unref(&frame);
        wn_encoder_close(&f->enc);
    }
    *taken += err >= 0;
    if (err < 0)
        assert_true(strlen(f->log.last_error) > 10);
    return err;
}

static void make_only(struct fixture *f, const char *kind)
{
    memset(f, 0, sizeof(*f));
    f->kind = kind;
    wn_log_init(&f->log);
    assert_true(pair_make(&f->pair, kind, NULL));
}

static void drop(struct fixture *f, const char *mmproj)
{
    snprintf(f->pair.mmproj, sizeof(f->pair.mmproj), "%s", mmproj);
    end(f);
}

static void test_nasty(void **state)
{
    DIR *d = nasty ? opendir(nasty) : NULL;
    struct wn_log log;
    int n = 0;

    if (!d)
        skip();
    wn_log_init(&log);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[4096];
        struct wn_mmproj m;

        if (!strstr(e->d_name, ".gguf"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", nasty, e->d_name);
        log.last_error[0] = '\0';
        assert_int_equal(wn_mmproj_read(&m, path, &log), WN_ERR_MODEL);
        printf("%s\n", log.last_error + strlen(nasty) + 1);
        assert_non_null(strstr(log.last_error, "bad GGUF file: "));
        n++;
    }
    closedir(d);
    assert_true(n >= 25);
    wn_log_finish(&log);
}

/* Cut at any place, or with any byte of the header changed, a file is refused or works. */
static void test_damage(void **state)
{
    for (int k = 0; k < WN_LEN(kinds); k++) {
        struct fixture f;
        char path[1024], mmproj[512];
        int cut = 0, flipped = 0;
        uint32_t seed = 12345u + (uint32_t)k;

        make_only(&f, kinds[k]);
        snprintf(mmproj, sizeof(mmproj), "%s", f.pair.mmproj);
        snprintf(path, sizeof(path), "%s.damaged", mmproj);
        struct bytes b = slurp(mmproj);
        for (size_t n = 0; n < b.head; n += 151) {
            spill(path, b.p, n);
            try_file(&f, path, &cut);
        }
        spill(path, b.p, b.n - 1);
        try_file(&f, path, &cut);
        assert_int_equal(cut, 0);
        for (int i = 0; i < 40; i++) {
            seed = seed * 1664525u + 1013904223u;
            const size_t at = (seed >> 8) % b.head;
            const unsigned char old = b.p[at];

            b.p[at] ^= (unsigned char)(1u << (seed & 7));
            spill(path, b.p, b.n);
            try_file(&f, path, &flipped);
            b.p[at] = old;
        }
        printf("%s: of 40 flipped bits %d did no harm\n", kinds[k], flipped);
        assert_true(flipped < 20);
        unlink(path);
        free(b.p);
        drop(&f, mmproj);
    }
}

/* A copy of the tower with something changed by `edit`. */
static void rewrite(const char *from, const char *to,
                    void (*edit)(struct gguf_context *keys, int what), int what)
{
    struct ggml_context *data = NULL;
    struct gguf_context *old = gguf_init_from_file(from, (struct gguf_init_params){.ctx = &data});
    struct gguf_context *new = gguf_init_empty();

    assert_non_null(old);
    gguf_set_kv(new, old);
    for (int64_t i = 0; i < gguf_get_n_tensors(old); i++)
        gguf_add_tensor(new, ggml_get_tensor(data, gguf_get_tensor_name(old, i)));
    edit(new, what);
    assert_true(gguf_write_to_file(new, to, false));
    gguf_free(old);
    gguf_free(new);
    ggml_free(data);
}

static const struct {
    const char *key, *text; /* NULL text: the key is taken away, or gets another type */
    uint32_t value;
    const char *said;
} edits[] = {
    {"clip.vision.patch_size", "u32", 0, "clip.vision.patch_size is 0"},
    {"clip.vision.block_count", "u32", 5, "v.blk.4"},
    {"clip.vision.block_count", "u32", 1000, "clip.vision.block_count is 1000"},
    {"clip.vision.attention.head_count", "u32", 5, "clip.vision.embedding_length"},
    {"clip.vision.attention.head_count", "u32", 0, "head_count is 0"},
    {"clip.vision.image_size", "u32", 56, "v.position_embd.weight"},
    {"clip.vision.image_size", "u32", 4, "clip.vision.image_size is 4"},
    {"clip.vision.embedding_length", "u32", 32, "clip.vision.embedding_length"},
    {"clip.vision.image_mean", NULL, 0, "clip.vision.image_mean is missing"},
    {"clip.projector_type", NULL, 0, "clip.projector_type is missing"},
    {"clip.has_vision_encoder", NULL, 0, "clip.has_vision_encoder is missing"},
    {"clip.vision.image_size", NULL, 1, "clip.vision.image_size has type i8"},
    {"clip.vision.attention.layer_norm_epsilon", NULL, 1, "layer_norm_epsilon has type i8"},
    {"general.architecture", "llama", 0, "general.architecture is llama"},
    {"clip.projector_type", "no_such_projector", 0, "no_such_projector"},
    {"clip.projector_type", "internvl", 0, "mm.model.mlp.0.weight is missing"},
};

static void edit_key(struct gguf_context *keys, int what)
{
    const char *key = edits[what].key, *text = edits[what].text;

    if (!text) {
        gguf_remove_key(keys, key);
        if (edits[what].value)
            gguf_set_val_i8(keys, key, 1);
    } else if (!strcmp(text, "u32")) {
        gguf_set_val_u32(keys, key, edits[what].value);
    } else {
        gguf_set_val_str(keys, key, text);
    }
}

static void test_named_fields(void **state)
{
    struct fixture f;
    char path[1024], mmproj[512];
    int taken = 0;

    make_only(&f, "llava");
    snprintf(mmproj, sizeof(mmproj), "%s", f.pair.mmproj);
    snprintf(path, sizeof(path), "%s.edited", mmproj);
    for (int i = 0; i < WN_LEN(edits); i++) {
        rewrite(mmproj, path, edit_key, i);
        assert_int_equal(try_file(&f, path, &taken), WN_ERR_MODEL);
        if (!strstr(f.log.last_error, edits[i].said))
            fail_msg("wanted \"%s\" in: %s", edits[i].said, f.log.last_error);
    }
    unlink(path);
    drop(&f, mmproj);
}

/* A tower for a language model of another width, and a language model where the tower should be. */
static void test_wrong_partner(void **state)
{
    struct fixture f, wide;
    char mmproj[512];
    int taken = 0;

    make_only(&f, "llava");
    snprintf(mmproj, sizeof(mmproj), "%s", f.pair.mmproj);
    assert_int_equal(try_file(&f, f.pair.llm, &taken), WN_ERR_MODEL);
    assert_non_null(strstr(f.log.last_error, "is it the language model?"));
    memset(&wide, 0, sizeof(wide));
    wn_log_init(&wide.log);
    assert_true(pair_make(&wide.pair, "siglip", "--set dim=192"));
    assert_int_equal(try_file(&f, wide.pair.mmproj, &taken), WN_ERR_MODEL);
    assert_non_null(strstr(f.log.last_error, "192 numbers"));
    assert_int_equal(try_file(&f, "/no/such/file", &taken), WN_ERR_IO);
    end(&wide);
    drop(&f, mmproj);
}

static void test_resize(void **state)
{
    static const int32_t size[][4] = {
        {1, 1, 7, 5}, {7, 5, 1, 1}, {640, 3, 48, 48}, {33, 65, 64, 32}};

    for (int i = 0; i < WN_LEN(size); i++) {
        const int32_t *s = size[i];
        struct wn_frame *frame = NULL;
        uint8_t *out = malloc((size_t)(s[2] * s[3] * 3));

        assert_int_equal(wn_frame_create(&frame, s[0], s[1]), WN_OK);
        memset(frame->rgb, 200, (size_t)(s[0] * s[1] * 3));
        assert_int_equal(wn_resize_rgb(out, (size_t)s[2] * 3, s[2], s[3], frame->rgb, s[0], s[1]),
                         WN_OK);
        for (int32_t k = 0; k < s[2] * s[3] * 3; k++)
            assert_int_equal(out[k], 200);
        wn_frame_unref(&frame);
        free(out);
    }
    struct wn_frame *frame = picture(40, 30, 1);
    uint8_t same[40 * 30 * 3];
    assert_int_equal(wn_resize_rgb(same, 120, 40, 30, frame->rgb, 40, 30), WN_OK);
    assert_memory_equal(same, frame->rgb, sizeof(same));
    wn_frame_unref(&frame);
}

static void quiet(enum ggml_log_level level, const char *text, void *opaque)
{
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nasty),        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_named_fields), cmocka_unit_test(test_wrong_partner),
        cmocka_unit_test(test_resize),
    };

    if (argc < 3)
        return 2;
    pair_mkmodel = argv[1];
    pair_dir = argv[2];
    nasty = argc > 3 ? argv[3] : NULL;
    mkdir(pair_dir, 0777);
    llama_log_set(quiet, NULL);
    mtmd_log_set(quiet, NULL);
    return cmocka_run_group_tests_name("vision_check", tests, NULL, NULL);
}
