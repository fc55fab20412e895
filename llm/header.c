/* SPDX-License-Identifier: MIT */
#include "header.h"

#include <ctype.h>
#include <errno.h>
#include <ggml.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "utf8.h"
#include "../pipeline/llm.h"

#define MOST_LAYERS 512 /* llama.cpp's own limit, which it asserts */

static bool uint_value(const struct gguf_context *g, int64_t id, uint64_t *out)
{
    int64_t v = 0;

    switch (gguf_get_kv_type(g, id)) {
    case GGUF_TYPE_UINT8:  v = gguf_get_val_u8(g, id); break;
    case GGUF_TYPE_INT8:   v = gguf_get_val_i8(g, id); break;
    case GGUF_TYPE_UINT16: v = gguf_get_val_u16(g, id); break;
    case GGUF_TYPE_INT16:  v = gguf_get_val_i16(g, id); break;
    case GGUF_TYPE_UINT32: v = gguf_get_val_u32(g, id); break;
    case GGUF_TYPE_INT32:  v = gguf_get_val_i32(g, id); break;
    case GGUF_TYPE_INT64:  v = gguf_get_val_i64(g, id); break;
    case GGUF_TYPE_UINT64: v = (int64_t)WN_MIN(gguf_get_val_u64(g, id), (uint64_t)INT64_MAX); break;
    default: return false;
    }
    *out = (uint64_t)v;
    return v >= 0;
}

int wn_header_uint(const struct wn_header *h, const char *key, bool required, uint64_t max,
                   uint64_t *out)
{
    const int64_t id = gguf_find_key(h->gguf, key);
    uint64_t v;

    if (id < 0)
        return required ? wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is missing", h->name, key)
                        : WN_EOF;
    if (!uint_value(h->gguf, id, &v))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is no count (its type is %s)", h->name,
                       key, gguf_type_name(gguf_get_kv_type(h->gguf, id)));
    if (v < 1 || v > max)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is %llu, expected 1 to %llu", h->name,
                       key, (unsigned long long)v, (unsigned long long)max);
    *out = v;
    return WN_OK;
}

int wn_header_array(const struct wn_header *h, const char *key, enum gguf_type type, bool required,
                    int64_t *id, size_t *n)
{
    const int64_t k = gguf_find_key(h->gguf, key);

    if (k < 0)
        return required ? wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is missing", h->name, key)
                        : WN_EOF;
    const enum gguf_type is = gguf_get_kv_type(h->gguf, k);
    if (is != GGUF_TYPE_ARRAY || gguf_get_arr_type(h->gguf, k) != type)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is no array of %s", h->name, key,
                       gguf_type_name(type));
    *id = k;
    *n = gguf_get_arr_n(h->gguf, k);
    return WN_OK;
}

static int string_key(const struct wn_header *h, const char *key, const char **out)
{
    const int64_t id = gguf_find_key(h->gguf, key);

    if (id < 0)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is missing", h->name, key);
    if (gguf_get_kv_type(h->gguf, id) != GGUF_TYPE_STRING)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is no string", h->name, key);
    *out = gguf_get_val_str(h->gguf, id);
    return WN_OK;
}

static int check_keys(const struct wn_header *h)
{
    char shown[80];

    for (int64_t i = 0; i < gguf_get_n_kv(h->gguf); i++) {
        const char *key = gguf_get_key(h->gguf, i);
        for (size_t at = 0, n = strlen(key); at < n; ) {
            const int len = wn_utf8_length((const unsigned char *)key + at, n - at);
            if (len <= 0)
                return wn_fail(h->log, WN_ERR_MODEL, "%s: the name of key %lld is not UTF-8 "
                               "(\"%s\")", h->name, (long long)i,
                               wn_printable(shown, sizeof(shown), key));
            at += (size_t)len;
        }
    }
    return WN_OK;
}

static int check_tensors(const struct wn_header *h, uint64_t file_size)
{
    const uint64_t data = gguf_get_data_offset(h->gguf);
    const int64_t n = gguf_get_n_tensors(h->gguf);
    char shown[80];

    if (n < 1)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: holds no tensors", h->name);
    for (int64_t i = 0; i < n; i++) {
        const uint64_t offset = gguf_get_tensor_offset(h->gguf, i);
        const uint64_t size = gguf_get_tensor_size(h->gguf, i);
        if (data > file_size || offset > file_size - data || size > file_size - data - offset)
            return wn_fail(h->log, WN_ERR_MODEL, "%s: the tensor %s lies past the end of the file: "
                           "the file is damaged or incomplete", h->name,
                           wn_printable(shown, sizeof(shown), gguf_get_tensor_name(h->gguf, i)));
    }
    return WN_OK;
}

static int arch_uint(const struct wn_header *h, const char *key, bool required, uint64_t max,
                     uint64_t *out)
{
    char *full = wn_sprintf("%s.%s", h->arch, key);
    const int64_t id = full ? gguf_find_key(h->gguf, full) : -1;
    int err = full ? WN_OK : wn_nomem(h->log, "a key");

    /* heads and widths may differ from layer to layer: then llama.cpp checks the array itself */
    if (!err && (id < 0 || gguf_get_kv_type(h->gguf, id) != GGUF_TYPE_ARRAY))
        err = wn_header_uint(h, full, required, max, out);
    free(full);
    return err;
}

/* The size of a head, 0 when it differs from layer to layer. */
static uint64_t head_size(const struct wn_header *h)
{
    uint64_t width = 0, heads = 0, size = 0;

    if (arch_uint(h, "attention.key_length", false, 1 << 20, &size) == WN_OK && size)
        return size;
    arch_uint(h, "embedding_length", false, 1 << 20, &width);
    arch_uint(h, "attention.head_count", false, 1 << 16, &heads);
    return heads ? width / heads : 0;
}

/* llama.cpp asserts these two when it computes, not when it loads. */
static int check_sections(const struct wn_header *h, const char *key, uint64_t head)
{
    const int64_t id = gguf_find_key(h->gguf, key);
    const enum gguf_type type = id < 0 || gguf_get_kv_type(h->gguf, id) != GGUF_TYPE_ARRAY
                                ? GGUF_TYPE_COUNT : gguf_get_arr_type(h->gguf, id);
    int64_t sum = 0;

    if (id < 0)
        return WN_OK;
    if (type != GGUF_TYPE_INT32 && type != GGUF_TYPE_UINT32)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is no array of counts", h->name, key);
    const int32_t *v = gguf_get_arr_data(h->gguf, id);
    for (size_t i = 0; i < gguf_get_arr_n(h->gguf, id) && sum >= 0; i++)
        sum = v[i] < 0 ? -1 : sum + v[i];
    if (sum < 1 || (head && sum > (int64_t)head))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s does not divide a head of %llu",
                       h->name, key, (unsigned long long)head);
    return WN_OK;
}

static int check_rope(const struct wn_header *h)
{
    static const char *const whole_heads[] = {
        "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe", "internlm2",
        "llama4", "mistral3", "paddleocr", "hunyuan_vl", "cogvlm", "chameleon", "ernie4_5",
        "ernie4_5-moe", "smollm3", "granite", "olmo2", "deci", "seed_oss", "exaone4",
    };
    const uint64_t head = head_size(h);
    char *key = wn_sprintf("%s.rope.dimension_sections", h->arch);
    uint64_t n = head;
    int err = key ? check_sections(h, key, head) : wn_nomem(h->log, "a key");

    free(key);
    for (int i = 0; i < WN_LEN(whole_heads) && !err && head; i++)
        if (!strcmp(h->arch, whole_heads[i]))
            err = arch_uint(h, "rope.dimension_count", false, 1 << 20, &n);
    err = err == WN_EOF ? WN_OK : err;
    if (!err && n != head)
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s.rope.dimension_count is %llu, "
                       "expected %llu, the size of a head", h->name, h->arch,
                       (unsigned long long)n, (unsigned long long)head);
    return err;
}

static int check_llm(const struct wn_header *h)
{
    uint64_t v = 0;
    int err;

    if (!strcmp(h->arch, "clip"))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: is a vision encoder (mmproj), not a language "
                       "model", h->name);
    TRY(arch_uint(h, "block_count", true, MOST_LAYERS, &v));
    TRY(arch_uint(h, "embedding_length", true, 1 << 20, &v));
    TRY(arch_uint(h, "context_length", true, INT32_MAX, &v));
    TRY(arch_uint(h, "attention.head_count", false, 1 << 16, &v));
    TRY(arch_uint(h, "feed_forward_length", false, 1 << 28, &v));
    TRY(check_rope(h));
    TRY(wn_header_check_vocab(h));
    return WN_OK;
fail:
    return err;
}

static int check_mmproj_scalars(const struct wn_header *h)
{
    static const struct {
        const char *key;
        uint64_t max;
        bool required;
    } keys[] = {
        {"clip.vision.image_size", 1 << 16, true}, {"clip.vision.patch_size", 1 << 12, true},
        {"clip.vision.embedding_length", 1 << 18, true}, {"clip.vision.block_count", 1024, true},
        {"clip.vision.attention.head_count", 1 << 12, true},
        {"clip.vision.feed_forward_length", 1 << 20, false},
        {"clip.vision.projection_dim", 1 << 20, false},
    };
    uint64_t v;
    int err;

    for (int i = 0; i < WN_LEN(keys); i++) {
        const int64_t id = gguf_find_key(h->gguf, keys[i].key);
        if (id >= 0 && gguf_get_kv_type(h->gguf, id) != GGUF_TYPE_UINT32) /* libmtmd asserts it */
            return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s is of type %s, not u32", h->name,
                           keys[i].key, gguf_type_name(gguf_get_kv_type(h->gguf, id)));
        if (id >= 0 && !keys[i].required && !gguf_get_val_u32(h->gguf, id))
            continue; /* some converters write 0 where the tower has no such thing */
        TRY(wn_header_uint(h, keys[i].key, keys[i].required, keys[i].max, &v));
    }
    return WN_OK;
fail:
    return err;
}

static int check_mmproj(const struct wn_header *h)
{
    static const char *const means[] = {"clip.vision.image_mean", "clip.vision.image_std"};
    const int64_t vision = gguf_find_key(h->gguf, "clip.has_vision_encoder");
    int64_t id = -1;
    size_t n = 0;
    int err;

    if (strcmp(h->arch, "clip"))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: is a language model (%s), not a vision encoder "
                       "(mmproj)", h->name, h->arch);
    if (vision < 0 || gguf_get_kv_type(h->gguf, vision) != GGUF_TYPE_BOOL ||
        !gguf_get_val_bool(h->gguf, vision))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: holds no vision encoder "
                       "(clip.has_vision_encoder)", h->name);
    TRY(check_mmproj_scalars(h));
    for (int i = 0; i < WN_LEN(means); i++) {
        TRY(wn_header_array(h, means[i], GGUF_TYPE_FLOAT32, true, &id, &n));
        if (n != 3)
            return wn_fail(h->log, WN_ERR_MODEL, "%s: the key %s has %zu numbers, expected 3",
                           h->name, means[i], n);
    }
    return WN_OK;
fail:
    return err;
}

static bool is_name(const char *s)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || (s[n] && strchr("-_.", s[n])))
        n++;
    return n && n <= 64 && !s[n];
}

static int check_header(struct wn_header *h, enum wn_gguf_kind kind, uint64_t file_size)
{
    int err;

    TRY(check_keys(h));
    TRY(string_key(h, "general.architecture", &h->arch));
    if (!is_name(h->arch))
        return wn_fail(h->log, WN_ERR_MODEL, "%s: the key general.architecture is no name",
                       h->name);
    TRY(kind == WN_GGUF_MMPROJ ? check_mmproj(h) : check_llm(h));
    TRY(check_tensors(h, file_size));
    return WN_OK;
fail:
    return err;
}

/* What gguf_init_from_file says when it met the end of the file in the middle of something. */
static const char *explain(const char *why)
{
    if (!why[0])
        return "cannot be read as GGUF";
    if (!strcmp(why, "failed to read key-value pairs"))
        return "a count or length among the GGUF key-value pairs reaches past the end of the file";
    if (!strcmp(why, "failed to read tensor info"))
        return "the GGUF tensor list reaches past the end of the file";
    if (!strcmp(why, "failed to read header") || !strcmp(why, "failed to read magic"))
        return "the file ends inside the GGUF header (magic, version, counts)";
    if (!strcmp(why, "failed to seek to beginning of data section"))
        return "the GGUF tensor offsets reach past the end of the file";
    return why;
}

int wn_llm_check_file(const char *path, enum wn_gguf_kind kind, struct wn_log *log)
{
    struct wn_header h = {.path = path, .log = log};
    struct wn_caught caught;
    const char *slash = strrchr(path, '/');
    struct stat st;

    wn_printable(h.name, sizeof(h.name), slash && slash[1] ? slash + 1 : path);
    if (stat(path, &st))
        return wn_fail(log, WN_ERR_IO, "%s: cannot be opened: %s", h.name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return wn_fail(log, WN_ERR_IO, "%s: is not a file", h.name);
    wn_catch_begin(&caught);
    h.gguf = gguf_init_from_file(path, (struct gguf_init_params){.no_alloc = true});
    wn_catch_end();
    if (!h.gguf)
        return wn_fail(log, WN_ERR_MODEL, "%s: is no usable GGUF file: %s", h.name,
                       explain(caught.why));
    const int err = check_header(&h, kind, (uint64_t)st.st_size);
    gguf_free(h.gguf);
    return err;
}
