/* SPDX-License-Identifier: MIT */
#include "gguf_check.h"

#include <errno.h>
#include <ggml.h>
#include <gguf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_COUNT = 1 << 20, /* keys, tensors */
    MAX_KEY = 1 << 16,   /* bytes of a key's name */
    MIN_KV = 13,         /* bytes that the shortest key takes: length, type, one byte */
    MIN_TENSOR = 33, /* and the shortest tensor: length, one letter, dims, one dim, type, offset */
};

struct check {
    const char *path;
    struct wn_log *log;
    FILE *f;
    int64_t size, at;
    struct seen {
        uint64_t hash;
        int64_t at;       /* of the name's length in the file */
    } *seen;
    int64_t n_seen, max_seen;
    uint32_t align;
    int64_t data_end;     /* of the tensor that reaches furthest, from the start of the data */
    char name[128];       /* of the key or tensor at hand, printable */
};

static int bad(struct check *c, const char *fmt, ...) WN_PRINTF(2, 3);

static int bad(struct check *c, const char *fmt, ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return wn_fail(c->log, WN_ERR_MODEL, "%s: bad GGUF file: %s", c->path, what);
}

static int take(struct check *c, void *out, int64_t n, const char *field)
{
    if (n > c->size - c->at)
        return bad(c, "it ends inside %s (at byte %" PRId64 ")", field, c->size);
    if (n && fread(out, 1, (size_t)n, c->f) != (size_t)n)
        return wn_fail(c->log, WN_ERR_IO, "%s: cannot read", c->path);
    c->at += n;
    return WN_OK;
}

static int skip(struct check *c, uint64_t n, const char *field)
{
    if (n > (uint64_t)(c->size - c->at))
        return bad(c, "%s of %s has %" PRIu64 " bytes, more than the file holds", field, c->name,
                   n);
    char small[256]; /* seeking would throw buffered bytes away: token lists have many strings */
    if (n <= sizeof(small))
        return take(c, small, (int64_t)n, c->name);
    if (fseeko(c->f, (off_t)n, SEEK_CUR))
        return wn_fail(c->log, WN_ERR_IO, "%s: cannot read", c->path);
    c->at += (int64_t)n;
    return WN_OK;
}

static bool utf8(const unsigned char *s, int64_t n)
{
    for (int64_t i = 0; i < n;) {
        int more = s[i] < 0x80       ? 0
                   : s[i] >> 5 == 6  ? 1
                   : s[i] >> 4 == 14 ? 2
                   : s[i] >> 3 == 30 ? 3
                                     : -1;

        if (more < 0 || s[i] == 0 || i + more >= n)
            return false;
        for (int k = 1; k <= more; k++)
            if (s[i + k] >> 6 != 2)
                return false;
        i += 1 + more;
    }
    return true;
}

/* A name, remembered so that a second one like it is found. */
static int take_name(struct check *c, const char *kind, int64_t number, uint64_t max)
{
    const int64_t at = c->at;
    char raw[MAX_KEY + 1];
    uint64_t n;
    int err;

    snprintf(c->name, sizeof(c->name), "%s %" PRId64, kind, number);
    TRY(take(c, &n, sizeof(n), c->name));
    if (n == 0 || n > max)
        return bad(c, "the name of %s has %" PRIu64 " bytes, at most %" PRIu64 " are allowed",
                   c->name, n, max);
    TRY(take(c, raw, (int64_t)n, c->name));
    raw[n] = '\0';
    if (!utf8((const unsigned char *)raw, (int64_t)n))
        return bad(c, "the name of %s is not UTF-8", c->name);
    if (c->n_seen == c->max_seen) {
        int64_t grown = c->max_seen ? c->max_seen * 2 : 256;
        struct seen *p = wn_regrow(c->seen, (size_t)grown, sizeof(*p));

        if (!p)
            return wn_nomem(c->log, "names of a model file");
        c->seen = p;
        c->max_seen = grown;
    }
    c->seen[c->n_seen++] = (struct seen){wn_hash64(raw, (size_t)n, 0), at};
    char shown[80];
    wn_printable(shown, sizeof(shown), raw);
    snprintf(c->name, sizeof(c->name), "%s '%s'", kind, shown);
    return WN_OK;
fail:
    return err;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = ((const struct seen *)a)->hash, y = ((const struct seen *)b)->hash;

    return (x > y) - (x < y);
}

static int check_twice(struct check *c, const char *kind)
{
    if (c->n_seen)
        qsort(c->seen, (size_t)c->n_seen, sizeof(*c->seen), compare);
    for (int64_t i = 1; i < c->n_seen; i++)
        if (c->seen[i].hash == c->seen[i - 1].hash) {
            c->at = c->seen[i].at;
            if (!fseeko(c->f, (off_t)c->at, SEEK_SET) && take_name(c, kind, i, MAX_KEY) >= 0)
                return bad(c, "%s stands there twice", c->name);
            return bad(c, "a %s stands there twice", kind);
        }
    c->n_seen = 0;
    return WN_OK;
}

static int type_size(uint32_t type)
{
    switch (type) {
    case GGUF_TYPE_UINT8: case GGUF_TYPE_INT8: case GGUF_TYPE_BOOL:
        return 1;
    case GGUF_TYPE_UINT16: case GGUF_TYPE_INT16:
        return 2;
    case GGUF_TYPE_UINT32: case GGUF_TYPE_INT32: case GGUF_TYPE_FLOAT32:
        return 4;
    case GGUF_TYPE_UINT64: case GGUF_TYPE_INT64: case GGUF_TYPE_FLOAT64:
        return 8;
    default:
        return 0;
    }
}

static int skip_string(struct check *c)
{
    uint64_t n;
    int err;

    TRY(take(c, &n, sizeof(n), c->name));
    TRY(skip(c, n, "a string"));
fail:
    return err;
}

static int skip_array(struct check *c)
{
    uint32_t type;
    uint64_t n;
    int err;

    TRY(take(c, &type, sizeof(type), c->name));
    TRY(take(c, &n, sizeof(n), c->name));
    if (type != GGUF_TYPE_STRING && !type_size(type))
        return bad(c, "%s is an array of type %" PRIu32 ", which does not exist", c->name, type);
    if (n > (uint64_t)(c->size - c->at))
        return bad(c, "%s is an array of %" PRIu64 " elements, more than the file holds", c->name,
                   n);
    if (type != GGUF_TYPE_STRING)
        return skip(c, n * (uint64_t)type_size(type), "the array");
    for (uint64_t i = 0; i < n; i++)
        TRY(skip_string(c));
fail:
    return err;
}

static int check_align(struct check *c, uint32_t type)
{
    int err;

    if (type != GGUF_TYPE_UINT32)
        return bad(c, "%s has type %" PRIu32 ", not uint32", c->name, type);
    TRY(take(c, &c->align, sizeof(c->align), c->name));
    if (!c->align || c->align & (c->align - 1))
        return bad(c, "%s is %" PRIu32 ", not a power of two", c->name, c->align);
fail:
    return err;
}

static int check_key(struct check *c, int64_t number)
{
    uint32_t type;
    int err;

    TRY(take_name(c, "key", number, MAX_KEY));
    TRY(take(c, &type, sizeof(type), c->name));
    if (!strcmp(c->name, "key 'general.alignment'"))
        return check_align(c, type);
    if (type == GGUF_TYPE_STRING)
        return skip_string(c);
    if (type == GGUF_TYPE_ARRAY)
        return skip_array(c);
    if (!type_size(type))
        return bad(c, "%s has type %" PRIu32 ", which does not exist", c->name, type);
    TRY(skip(c, (uint64_t)type_size(type), "the value"));
fail:
    return err;
}

static int check_tensor(struct check *c, int64_t number)
{
    uint32_t n_dims, type;
    uint64_t offset;
    int64_t ne[GGML_MAX_DIMS] = {1, 1, 1, 1}, n = 1;
    int err;

    TRY(take_name(c, "tensor", number, GGML_MAX_NAME - 1));
    TRY(take(c, &n_dims, sizeof(n_dims), c->name));
    if (n_dims < 1 || n_dims > GGML_MAX_DIMS)
        return bad(c, "%s has %" PRIu32 " dimensions, not 1 to %d", c->name, n_dims, GGML_MAX_DIMS);
    for (uint32_t d = 0; d < n_dims; d++) {
        TRY(take(c, &ne[d], sizeof(ne[d]), c->name));
        if (ne[d] < 1 || ne[d] > INT64_MAX / 64 / n)
            return bad(c, "dimension %" PRIu32 " of %s is %" PRId64, d, c->name, ne[d]);
        n *= ne[d];
    }
    TRY(take(c, &type, sizeof(type), c->name));
    TRY(take(c, &offset, sizeof(offset), c->name));
    if (type >= GGML_TYPE_COUNT || !ggml_blck_size(type))
        return bad(c, "%s has type %" PRIu32 ", which this libggml does not know", c->name, type);
    if (ne[0] % ggml_blck_size(type))
        return bad(c, "rows of %s have %" PRId64 " elements, not a multiple of %" PRId64, c->name,
                   ne[0], ggml_blck_size(type));
    if (offset % c->align)
        return bad(c, "the offset %" PRIu64 " of %s is not a multiple of %" PRIu32, offset, c->name,
                   c->align);
    if (offset > (uint64_t)c->size)
        return bad(c, "%s lies behind the end of the file", c->name);
    int64_t end = (int64_t)offset + n / ggml_blck_size(type) * (int64_t)ggml_type_size(type);
    if (end > c->size)
        return bad(c, "%s reaches behind the end of the file", c->name);
    c->data_end = WN_MAX(c->data_end, end);
fail:
    return err;
}

static int check_counts(struct check *c, int64_t *n_tensors, int64_t *n_kv)
{
    uint32_t version;
    char magic[4];
    int err;

    if (!c->size)
        return bad(c, "it is empty");
    TRY(take(c, magic, sizeof(magic), "its first four bytes"));
    if (memcmp(magic, "GGUF", 4))
        return bad(c, "it does not begin with GGUF");
    TRY(take(c, &version, sizeof(version), "the version"));
    if (version < 2 || version > GGUF_VERSION)
        return bad(c, "version %" PRIu32 ", not 2 or %d", version, GGUF_VERSION);
    TRY(take(c, n_tensors, sizeof(*n_tensors), "the number of tensors"));
    TRY(take(c, n_kv, sizeof(*n_kv), "the number of keys"));
    if (*n_tensors < 0 || *n_tensors > WN_MIN(MAX_COUNT, c->size / MIN_TENSOR))
        return bad(c, "it says it has %" PRId64 " tensors", *n_tensors);
    if (*n_kv < 0 || *n_kv > WN_MIN(MAX_COUNT, c->size / MIN_KV))
        return bad(c, "it says it has %" PRId64 " keys", *n_kv);
fail:
    return err;
}

static int check_file(struct check *c)
{
    int64_t n_tensors = 0, n_kv = 0;
    int err;

    if (!fseeko(c->f, 0, SEEK_END))
        c->size = ftello(c->f);
    if (c->size < 0 || fseeko(c->f, 0, SEEK_SET))
        return wn_fail(c->log, WN_ERR_IO, "%s: not a file that can be read from any place",
                       c->path);
    TRY(check_counts(c, &n_tensors, &n_kv));
    for (int64_t i = 0; i < n_kv; i++)
        TRY(check_key(c, i));
    TRY(check_twice(c, "key"));
    for (int64_t i = 0; i < n_tensors; i++)
        TRY(check_tensor(c, i));
    TRY(check_twice(c, "tensor"));
    int64_t data = (c->at + c->align - 1) / c->align * c->align;
    if (n_tensors && c->data_end > c->size - data)
        return bad(c, "tensors reach %" PRId64 " bytes behind its end",
                   c->data_end + data - c->size);
fail:
    return err;
}

int wn_gguf_check(const char *path, struct wn_log *log)
{
    struct check c = {.path = path, .log = log, .size = -1, .align = GGUF_DEFAULT_ALIGNMENT};

    c.f = fopen(path, "rb");
    if (!c.f)
        return wn_fail(log, WN_ERR_IO, "%s: %s", path, strerror(errno));
    int err = check_file(&c);
    fclose(c.f);
    free(c.seen);
    return err;
}
