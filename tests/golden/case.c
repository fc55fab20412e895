/* SPDX-License-Identifier: MIT */
/* What a set reads of its case, and how it compares. */
#include "tests/golden/golden.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void golden_fail(struct golden_case *c, const char *fmt, ...)
{
    va_list ap;

    if (c->failed++)
        return;
    va_start(ap, fmt);
    vsnprintf(c->why, sizeof(c->why), fmt, ap);
    va_end(ap);
}

/* ---- parameters ---- */

json_t *golden_meta(const struct golden_case *c, const char *key)
{
    const char *text = st_meta(c->file, key);
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    return value || !text ? value : json_string(text);
}

bool golden_has(const struct golden_case *c, const char *key)
{
    return st_meta(c->file, key) != NULL;
}

double golden_num(struct golden_case *c, const char *key)
{
    json_t *value = golden_meta(c, key);
    double v = json_number_value(value);

    if (!json_is_number(value))
        golden_fail(c, "metadata %s is missing or no number", key);
    json_decref(value);
    return v;
}

int64_t golden_int(struct golden_case *c, const char *key)
{
    return (int64_t)golden_num(c, key);
}

const char *golden_str(struct golden_case *c, const char *key)
{
    const char *text = st_meta(c->file, key);

    if (!text)
        golden_fail(c, "metadata %s is missing", key);
    return text ? text : "";
}

/* ---- tensors ---- */

bool golden_has_tensor(const struct golden_case *c, const char *name)
{
    return st_find(c->file, name) != NULL;
}

static float half(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double v = exponent == 31 ? (mantissa ? NAN : INFINITY)
                   : exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);

    return (float)(h & 0x8000 ? -v : v);
}

/* Element i as a double: exact for every type and number that the sets hold. */
static double element(const struct st_tensor *t, int64_t i)
{
    const char *at = (const char *)t->data + (size_t)i * (t->bytes / (size_t)t->n);
    union {
        double f64;
        float f32;
        int64_t i64;
        int32_t i32;
        int16_t i16;
        uint16_t u16;
        int8_t i8;
        uint8_t u8;
    } v;

    memcpy(&v, at, t->bytes / (size_t)t->n);
    if (!strcmp(t->dtype, "F64"))
        return v.f64;
    if (!strcmp(t->dtype, "F32"))
        return v.f32;
    if (!strcmp(t->dtype, "F16"))
        return half(v.u16);
    if (!strcmp(t->dtype, "I64"))
        return (double)v.i64;
    if (!strcmp(t->dtype, "I32"))
        return v.i32;
    if (!strcmp(t->dtype, "I16"))
        return v.i16;
    if (!strcmp(t->dtype, "I8"))
        return v.i8;
    return !strcmp(t->dtype, "U8") || !strcmp(t->dtype, "BOOL") ? v.u8 : NAN;
}

static void *keep(struct golden_case *c, void *p)
{
    void **list = p ? wn_regrow(c->made, (size_t)c->n_made + 1, sizeof(*list)) : NULL;

    if (!list) {
        golden_fail(c, "out of memory");
        free(p);
        return NULL;
    }
    c->made = list;
    return list[c->n_made++] = p;
}

void *golden_alloc(struct golden_case *c, int64_t n)
{
    return keep(c, wn_calloc((size_t)WN_MAX(n, 1), 4));
}

static const struct st_tensor *find(struct golden_case *c, const char *name, int64_t *shape,
                                    int *n_dims)
{
    const struct st_tensor *t = st_find(c->file, name);

    if (!t) {
        golden_fail(c, "tensor %s is missing", name);
        return NULL;
    }
    for (int d = 0; shape && d < t->n_dims; d++)
        shape[d] = t->shape[d];
    if (n_dims)
        *n_dims = t->n_dims;
    return t;
}

const float *golden_f32(struct golden_case *c, const char *name, int64_t *shape, int *n_dims)
{
    const struct st_tensor *t = find(c, name, shape, n_dims);
    float *v = t ? keep(c, wn_calloc((size_t)t->n, sizeof(*v))) : NULL;

    for (int64_t i = 0; v && i < t->n; i++)
        v[i] = (float)element(t, i);
    return v;
}

const int32_t *golden_i32(struct golden_case *c, const char *name, int64_t *shape, int *n_dims)
{
    const struct st_tensor *t = find(c, name, shape, n_dims);
    int32_t *v = t ? keep(c, wn_calloc((size_t)t->n, sizeof(*v))) : NULL;

    for (int64_t i = 0; v && i < t->n; i++) {
        const double x = element(t, i);
        if (!(fabs(x) <= INT32_MAX)) {
            golden_fail(c, "%s[%lld] is no 32-bit integer", name, (long long)i);
            return NULL;
        }
        v[i] = (int32_t)x;
    }
    return v;
}

/* ---- comparing ---- */

static const struct st_tensor *expected(struct golden_case *c, const char *name, int64_t n)
{
    const struct st_tensor *t = find(c, name, NULL, NULL);

    if (!t)
        return NULL;
    c->checked[t - c->file->tensor] = true;
    if (t->n != n) {
        golden_fail(c, "%s has %lld values, got %lld", name, (long long)t->n, (long long)n);
        return NULL;
    }
    return t;
}

void golden_expect_i32(struct golden_case *c, const char *name, const int32_t *got, int64_t n)
{
    const struct st_tensor *t = expected(c, name, n);

    for (int64_t i = 0; t && i < n; i++) {
        if (element(t, i) != got[i]) {
            golden_fail(c, "%s[%lld] is %.0f, got %d", name, (long long)i, element(t, i),
                        (int)got[i]);
            return;
        }
    }
}

void golden_expect_f32(struct golden_case *c, const char *name, const float *got, int64_t n)
{
    const struct st_tensor *t = expected(c, name, n);
    double largest = 0;

    for (int64_t i = 0; t && i < n; i++) {
        if (isfinite(element(t, i)))
            largest = fmax(largest, fabs(element(t, i)));
    }
    for (int64_t i = 0; t && c->tells && i < n; i++)
        if (isfinite(element(t, i)) && largest > 0)
            c->worst = fmax(c->worst, fabs(element(t, i) - got[i]) / largest);
    for (int64_t i = 0; t && !c->tells && i < n; i++) {
        const double want = element(t, i);
        const bool same = want == got[i] || (isnan(want) && isnan(got[i])) ||
                          fabs(want - got[i]) <= c->tolerance * largest;
        if (!same) {
            golden_fail(c, "%s[%lld] is %.9g, got %.9g (largest %.9g)", name, (long long)i, want,
                        got[i], largest);
            return;
        }
    }
}
