/* SPDX-License-Identifier: MIT */
#include "trained.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safetensors.h"

struct wn_trained {
    struct safetensors file;
    char *path;
    struct wn_log *log;
};

int wn_trained_open(struct wn_trained **out, const char *path, struct wn_log *log)
{
    struct wn_trained *t = wn_calloc(1, sizeof(*t));
    char why[300];

    *out = NULL;
    if (!t)
        return wn_nomem(log, "trained weights");
    t->log = log;
    t->path = wn_strdup(path);
    if (!t->path || st_read(&t->file, path, why, sizeof(why)) < 0) {
        const int kind = access(path, R_OK) ? WN_ERR_IO : WN_ERR_MODEL;
        const int err = t->path ? wn_fail(log, kind, "%.300s: %s", path, why)
                                : wn_nomem(log, "trained weights");
        free(t->path);
        free(t);
        return err;
    }
    *out = t;
    return WN_OK;
}

void wn_trained_close(struct wn_trained **trained)
{
    struct wn_trained *t = *trained;

    if (!t)
        return;
    st_free(&t->file);
    free(t->path);
    free(t);
    *trained = NULL;
}

static float of_half(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double v = exponent == 31 ? NAN
                   : exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);

    return (float)(h & 0x8000 ? -v : v);
}

/* Element i; NaN for types that are no floats. */
static float element(const struct st_tensor *t, int64_t i)
{
    const char *data = t->data;
    uint32_t word;
    uint16_t half;
    float v;

    if (!strcmp(t->dtype, "F32")) {
        memcpy(&v, data + 4 * i, sizeof(v));
        return v;
    }
    if (strcmp(t->dtype, "F16") && strcmp(t->dtype, "BF16"))
        return NAN;
    memcpy(&half, data + 2 * i, sizeof(half));
    if (t->dtype[0] == 'F')
        return of_half(half);
    word = (uint32_t)half << 16;
    memcpy(&v, &word, sizeof(v));
    return v;
}

static bool named(const struct st_tensor *t, const char *name)
{
    const size_t n = strlen(name), all = strlen(t->name);

    return all >= n && !strcmp(t->name + all - n, name) &&
           (all == n || t->name[all - n - 1] == '.');
}

static int find(const struct wn_trained *t, const char *name, const struct st_tensor **out)
{
    *out = NULL;
    for (int i = 0; i < t->file.n; i++) {
        if (!named(&t->file.tensor[i], name))
            continue;
        if (*out)
            return wn_fail(t->log, WN_ERR_MODEL, "%.300s: two tensors are called %s", t->path,
                           name);
        *out = &t->file.tensor[i];
    }
    return *out ? WN_OK : wn_fail(t->log, WN_ERR_MODEL, "%.300s: tensor %s is missing", t->path,
                                  name);
}

static void write_shape(char *to, size_t size, int n_dims, const int64_t *shape)
{
    size_t at = 0;

    to[0] = '\0';
    for (int d = 0; d < n_dims && at < size; d++)
        at += (size_t)snprintf(to + at, size - at, shape[d] ? "%s%lld" : "%sn", d ? " x " : "",
                               (long long)shape[d]);
}

static int check_shape(const struct wn_trained *t, const struct st_tensor *tensor,
                       const char *name, int n_dims, int64_t *shape)
{
    char is[200], wanted[200];
    bool fits = tensor->n_dims == n_dims && tensor->n > 0;

    for (int d = 0; fits && d < n_dims; d++)
        fits = !shape[d] || shape[d] == tensor->shape[d];
    if (!fits) {
        write_shape(is, sizeof(is), tensor->n_dims, tensor->shape);
        write_shape(wanted, sizeof(wanted), n_dims, shape);
        return wn_fail(t->log, WN_ERR_MODEL, "%.300s: tensor %s is %s, not %s", t->path, name, is,
                       wanted);
    }
    memcpy(shape, tensor->shape, (size_t)n_dims * sizeof(*shape));
    return WN_OK;
}

int wn_trained_get(const struct wn_trained *t, const char *name, int n_dims, int64_t *shape,
                   float **out)
{
    const struct st_tensor *tensor;
    int err;

    *out = NULL;
    TRY(find(t, name, &tensor));
    TRY(check_shape(t, tensor, name, n_dims, shape));
    float *v = wn_calloc((size_t)tensor->n, sizeof(*v));
    if (!v)
        return wn_nomem(t->log, "trained weights");
    for (int64_t i = 0; i < tensor->n; i++) {
        v[i] = element(tensor, i);
        if (!isfinite(v[i])) {
            free(v);
            return wn_fail(t->log, WN_ERR_MODEL, "%.300s: tensor %s holds something else than "
                           "finite numbers of F32, F16 or BF16", t->path, name);
        }
    }
    *out = v;
fail:
    return err;
}
