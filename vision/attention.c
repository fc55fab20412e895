/* SPDX-License-Identifier: MIT */
#include "attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const struct wn_attend *a;
    atomic_bool failed;
};

static const float *key_of(const struct wn_attend *a, int32_t j, int32_t head)
{
    const int32_t group = a->heads / a->kv_heads;

    return a->k + ((size_t)j * (size_t)a->kv_heads + (size_t)(head / group)) * (size_t)a->d_head;
}

static void one_head(void *arg, int64_t head)
{
    struct job *job = arg;
    const struct wn_attend *a = job->a;
    const float *q = a->q + (size_t)head * (size_t)a->d_head;
    double *s = wn_calloc((size_t)a->n, sizeof(*s)), max = -INFINITY, sum = 0;

    if (!s) {
        atomic_store(&job->failed, true);
        return;
    }
    for (int32_t j = 0; j < a->n; j++) {
        const float *k = key_of(a, j, (int32_t)head);

        for (int32_t d = 0; d < a->d_head; d++)
            s[j] += (double)q[d] * (double)k[d];
        s[j] *= (double)a->scale;
        max = s[j] > max ? s[j] : max;
    }
    for (int32_t j = 0; j < a->n; j++) {
        s[j] = exp(s[j] - max);
        sum += s[j];
    }
    for (int32_t j = 0; j < a->n; j++)
        a->w[(size_t)j * (size_t)a->heads + (size_t)head] = (float)(s[j] / sum);
    free(s);
}

enum { QUERIES = 4 }; /* at once: each key that is loaded serves them all */

/* Logits of QUERIES queries: s[i][j] = q[i] . k[j], keys transposed to [d][n]. */
static void logits(float *s, const float *q, size_t q_stride, const float *kt, int32_t n, int32_t d)
{
    float *s0 = s, *s1 = s + n, *s2 = s1 + n, *s3 = s2 + n;

    memset(s, 0, (size_t)n * QUERIES * sizeof(*s));
    for (int32_t c = 0; c < d; c++) {
        const float q0 = q[c], q1 = q[q_stride + (size_t)c], q2 = q[2 * q_stride + (size_t)c],
                    q3 = q[3 * q_stride + (size_t)c];
        const float *k = kt + (size_t)c * (size_t)n;

        for (int32_t j = 0; j < n; j++) {
            s0[j] += q0 * k[j];
            s1[j] += q1 * k[j];
            s2[j] += q2 * k[j];
            s3[j] += q3 * k[j];
        }
    }
}

static void add_softmax(double *total, float *s, int32_t n, float scale)
{
    float max = -INFINITY;
    double sum = 0;

    for (int32_t j = 0; j < n; j++)
        max = s[j] > max ? s[j] : max;
    for (int32_t j = 0; j < n; j++) {
        s[j] = expf((s[j] - max) * scale);
        sum += (double)s[j];
    }
    for (int32_t j = 0; j < n; j++)
        total[j] += (double)s[j] / sum;
}

static void received_head(void *arg, int64_t head)
{
    struct job *job = arg;
    const struct wn_attend *a = job->a;
    const size_t n = (size_t)a->n, d = (size_t)a->d_head, stride = (size_t)a->heads * d;
    float *kt = wn_calloc(n * d, sizeof(*kt)), *s = wn_calloc(n * QUERIES, sizeof(*s));
    float *q = wn_calloc(d * QUERIES, sizeof(*q));
    double *total = wn_calloc(n, sizeof(*total));

    if (!kt || !s || !q || !total) {
        atomic_store(&job->failed, true);
        goto end;
    }
    for (int32_t j = 0; j < a->n; j++)
        for (size_t c = 0; c < d; c++)
            kt[c * n + (size_t)j] = key_of(a, j, (int32_t)head)[c];
    for (int32_t i = 0; i < a->n; i += QUERIES) {
        const int32_t m = WN_MIN(QUERIES, a->n - i);

        for (int32_t k = 0; k < m; k++)
            memcpy(q + (size_t)k * d, a->q + (size_t)(i + k) * stride + (size_t)head * d,
                   d * sizeof(*q));
        logits(s, q, d, kt, a->n, a->d_head);
        for (int32_t k = 0; k < m; k++)
            add_softmax(total, s + (size_t)k * n, a->n, a->scale);
    }
    for (size_t j = 0; j < n; j++)
        a->w[j * (size_t)a->heads + (size_t)head] = (float)(total[j] / (double)n);
end:
    free(kt);
    free(s);
    free(q);
    free(total);
}

static int run(const struct wn_attend *a, struct wn_pool *pool, void (*head)(void *, int64_t))
{
    struct job job = {.a = a};

    atomic_init(&job.failed, false);
    wn_pool_run(pool, a->heads, head, &job);
    return atomic_load(&job.failed) ? WN_ERR_NOMEM : WN_OK;
}

int wn_attend_one(const struct wn_attend *a, struct wn_pool *pool)
{
    return run(a, pool, one_head);
}

void wn_attend_logits(const struct wn_attend *a)
{
    for (int32_t j = 0; j < a->n; j++) {
        double sum = 0;
        for (int32_t h = 0; h < a->heads; h++) {
            const float *q = a->q + (size_t)h * (size_t)a->d_head, *k = key_of(a, j, h);

            for (int32_t d = 0; d < a->d_head; d++)
                sum += (double)q[d] * (double)k[d];
        }
        a->w[j] = (float)(sum * (double)a->scale / a->heads);
    }
}

int wn_attend_received(const struct wn_attend *a, struct wn_pool *pool)
{
    return run(a, pool, received_head);
}
