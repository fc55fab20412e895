/* SPDX-License-Identifier: MIT */
#include "safetensors.h"

#include <jansson.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_HEADER ((uint64_t)100 << 20) /* the reference implementation's limit */
#define MAX_NESTING 64

static const struct {
    const char *name;
    int bytes;
} dtypes[] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
    {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},
    {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1}, {"BOOL", 1},
};

static int dtype_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
        if (!strcmp(dtypes[i].name, name))
            return dtypes[i].bytes;
    }
    return 0;
}

/* One place for messages: names from the file are cut and made printable. */
struct reason {
    char *text;
    size_t size;
};

static int refuse(const struct reason *why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (why->text && why->size)
        vsnprintf(why->text, why->size, fmt, ap);
    va_end(ap);
    for (char *c = why->text; c && why->size && *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    return -1;
}

static char *copy(const char *s)
{
    const size_t size = strlen(s) + 1;
    char *p = malloc(size);

    if (p)
        memcpy(p, s, size);
    return p;
}

/* Elements of a shape times the size of one; -1 when that is more than a file can hold. */
static int64_t shape_bytes(const int64_t *shape, int n_dims, int element, int64_t *n)
{
    int64_t total = 1;

    for (int d = 0; d < n_dims; d++) {
        if (shape[d] < 0 || (shape[d] && total > INT64_MAX / 16 / shape[d]))
            return -1;
        total *= shape[d];
    }
    *n = total;
    return total * element;
}

static int read_shape(struct st_tensor *t, const json_t *shape, const struct reason *why)
{
    if (!json_is_array(shape) || json_array_size(shape) > ST_MAX_DIMS)
        return refuse(why, "tensor \"%.64s\" has no shape of at most %d numbers", t->name,
                      ST_MAX_DIMS);
    t->n_dims = (int)json_array_size(shape);
    for (int d = 0; d < t->n_dims; d++) {
        const json_t *v = json_array_get(shape, (size_t)d);

        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return refuse(why, "tensor \"%.64s\" has a bad shape", t->name);
        t->shape[d] = json_integer_value(v);
    }
    return 0;
}

static int read_tensor(struct st_tensor *t, const char *name, const json_t *entry,
                       const unsigned char *data, int64_t data_size, const struct reason *why)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *range = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(range, 0), *to = json_array_get(range, 1);

    t->name = copy(name);
    if (!t->name)
        return refuse(why, "out of memory");
    if (!dtype || !dtype_bytes(dtype))
        return refuse(why, "tensor \"%.64s\" has the unknown type \"%.16s\"", name,
                      dtype ? dtype : "");
    snprintf(t->dtype, sizeof(t->dtype), "%s", dtype);
    if (read_shape(t, json_object_get(entry, "shape"), why) < 0)
        return -1;
    if (json_array_size(range) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return refuse(why, "tensor \"%.64s\" has no data_offsets", name);
    const int64_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || begin > end || end > data_size)
        return refuse(why, "tensor \"%.64s\" lies outside the file", name);
    const int64_t bytes = shape_bytes(t->shape, t->n_dims, dtype_bytes(dtype), &t->n);
    if (bytes != end - begin)
        return refuse(why, "tensor \"%.64s\" has %lld bytes, not what its shape asks for", name,
                      (long long)(end - begin));
    t->bytes = (size_t)bytes;
    t->data = data + begin;
    return 0;
}

static int read_metadata(struct safetensors *st, const json_t *meta, const struct reason *why)
{
    const char *key;
    json_t *value;

    if (!json_is_object(meta))
        return refuse(why, "__metadata__ is not an object");
    st->key = calloc(json_object_size(meta) + 1, sizeof(*st->key));
    st->value = calloc(json_object_size(meta) + 1, sizeof(*st->value));
    if (!st->key || !st->value)
        return refuse(why, "out of memory");
    json_object_foreach((json_t *)meta, key, value) {
        if (!json_is_string(value))
            return refuse(why, "__metadata__ \"%.64s\" is not a string", key);
        st->key[st->n_meta] = copy(key);
        st->value[st->n_meta] = copy(json_string_value(value));
        if (!st->key[st->n_meta] || !st->value[st->n_meta++])
            return refuse(why, "out of memory");
    }
    return 0;
}

static int by_place(const void *pa, const void *pb)
{
    const struct st_tensor *a = *(const struct st_tensor *const *)pa;
    const struct st_tensor *b = *(const struct st_tensor *const *)pb;
    const char *x = a->data, *y = b->data;

    if (x != y)
        return x < y ? -1 : 1;
    return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

/* Every byte of the data belongs to one tensor. */
static int check_places(const struct safetensors *st, const char *data, int64_t data_size,
                        const struct reason *why)
{
    const struct st_tensor **order = calloc((size_t)st->n + 1, sizeof(*order));
    const char *at = data;
    int err = 0;

    if (!order)
        return refuse(why, "out of memory");
    for (int i = 0; i < st->n; i++)
        order[i] = &st->tensor[i];
    qsort(order, (size_t)st->n, sizeof(*order), by_place);
    for (int i = 0; !err && i < st->n; i++) {
        const char *begin = order[i]->data;

        if (begin != at)
            err = refuse(why, "tensor \"%.64s\" %s", order[i]->name,
                         begin < at ? "overlaps another" : "has a hole before it");
        at = begin + order[i]->bytes;
    }
    if (!err && at != data + data_size)
        err = refuse(why, "%lld bytes at the end belong to no tensor",
                     (long long)(data + data_size - at));
    free(order);
    return err;
}

static int read_header(struct safetensors *st, const json_t *root, const char *data,
                       int64_t data_size, const struct reason *why)
{
    const char *key;
    json_t *value;

    st->tensor = calloc(json_object_size(root) + 1, sizeof(*st->tensor));
    if (!st->tensor)
        return refuse(why, "out of memory");
    json_object_foreach((json_t *)root, key, value) {
        int err;

        if (!strcmp(key, "__metadata__"))
            err = read_metadata(st, value, why);
        else
            err = read_tensor(&st->tensor[st->n++], key, value, (const unsigned char *)data,
                              data_size, why);
        if (err < 0)
            return -1;
    }
    return check_places(st, data, data_size, why);
}

/* Brackets outside strings, so that a deep header never reaches a recursive parser. */
static bool nested_too_deep(const char *json, size_t n)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < n; i++) {
        const char c = json[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_NESTING)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

static json_t *parse_header(const char *json, size_t n, const struct reason *why)
{
    json_error_t at;
    json_t *root;

    if (!n || json[0] != '{') {
        refuse(why, "the header is not a JSON object");
        return NULL;
    }
    if (nested_too_deep(json, n)) {
        refuse(why, "the header is nested more than %d deep", MAX_NESTING);
        return NULL;
    }
    root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        refuse(why, "the header is not valid JSON: %.120s", at.text);
    return root;
}

/* The data starts at an address good for any type, wherever it stands in the file. */
static int read_file(FILE *f, uint64_t size, struct safetensors *st, const struct reason *why)
{
    unsigned char head[8];
    uint64_t n = 0;
    json_t *root = NULL;
    char *json = NULL;
    int err = -1;

    if (size < sizeof(head) || fread(head, 1, sizeof(head), f) != sizeof(head))
        return refuse(why, "the file is shorter than its first 8 bytes");
    for (int i = 7; i >= 0; i--)
        n = n << 8 | head[i];
    if (n > MAX_HEADER || n > size - sizeof(head))
        return refuse(why, "a header of %llu bytes does not fit", (unsigned long long)n);
    st->map_size = (size_t)(size - sizeof(head) - n);
    st->map = malloc(st->map_size + 1);
    json = malloc((size_t)n + 1);
    if (!json || !st->map) {
        refuse(why, "out of memory");
        goto fail;
    }
    if (fread(json, 1, (size_t)n, f) != n || fread(st->map, 1, st->map_size, f) != st->map_size) {
        refuse(why, "the file cannot be read to its end");
        goto fail;
    }
    root = parse_header(json, (size_t)n, why);
    if (root)
        err = read_header(st, root, st->map, (int64_t)st->map_size, why);
fail:
    json_decref(root);
    free(json);
    return err;
}

int st_read(struct safetensors *out, const char *path, char *why_text, size_t why_size)
{
    const struct reason why = {why_text, why_size};
    struct safetensors st = {0};
    struct stat info;
    int err = -1;
    FILE *f = fopen(path, "rb");

    if (!f)
        return refuse(&why, "cannot open: %s", strerror(errno));
    if (fstat(fileno(f), &info) || !S_ISREG(info.st_mode))
        refuse(&why, "not a regular file");
    else
        err = read_file(f, (uint64_t)info.st_size, &st, &why);
    fclose(f);
    if (err < 0)
        st_free(&st);
    else
        *out = st;
    return err;
}

void st_free(struct safetensors *st)
{
    for (int i = 0; i < st->n; i++)
        free(st->tensor[i].name);
    for (int i = 0; st->key && st->value && (st->key[i] || st->value[i]); i++) {
        free(st->key[i]);
        free(st->value[i]);
    }
    free(st->tensor);
    free(st->key);
    free(st->value);
    free(st->map);
    *st = (struct safetensors){0};
}

const struct st_tensor *st_find(const struct safetensors *st, const char *name)
{
    for (int i = 0; i < st->n; i++) {
        if (!strcmp(st->tensor[i].name, name))
            return &st->tensor[i];
    }
    return NULL;
}

const char *st_meta(const struct safetensors *st, const char *key)
{
    for (int i = 0; i < st->n_meta; i++) {
        if (!strcmp(st->key[i], key))
            return st->value[i];
    }
    return NULL;
}
