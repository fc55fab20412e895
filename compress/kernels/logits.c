/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_logits_params *p = params;
    const float *q = buf[0], *k = buf[1];
    float *y = buf[2];

    for (int64_t h = 0; h < p->n_heads; h++) {
        for (int64_t i = 0; i < p->n_queries; i++) {
            const float *own = q + (h * p->q_stride + p->first + i) * p->dim;
            for (int64_t j = 0; j < p->n_keys; j++) {
                const float *key = k + (h / p->group * p->k_stride + j) * p->dim;
                y[(h * p->n_queries + i) * p->n_keys + j] = p->scale * wn_dot(own, key, p->dim);
            }
        }
    }
}

/* Four keys at a time share what is read of the query. */
static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_logits_params *p = params;

    for (int64_t r = first; r < end; r++) {
        const int64_t h = r / p->n_queries, i = r % p->n_queries;
        const float *own = (const float *)buf[0] + (h * p->q_stride + p->first + i) * p->dim;
        const float *k = (const float *)buf[1] + h / p->group * p->k_stride * p->dim;
        float *y = (float *)buf[2] + r * p->n_keys;
        for (int64_t j = 0; j < p->n_keys; j += 4) {
            const float *b[4];
            float d[4];
            for (int t = 0; t < 4; t++)
                b[t] = k + WN_MIN(j + t, p->n_keys - 1) * p->dim;
            wn_dot4(d, own, b, p->dim);
            for (int t = 0; t < 4 && j + t < p->n_keys; t++)
                y[j + t] = p->scale * d[t];
        }
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_logits_params *p = params;

    wn_blocks(pool, (int64_t)p->n_heads * p->n_queries,
              wn_block_size((int64_t)4 * p->n_keys * WN_MAX(p->dim / 8, 1)), part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_logits_params *p = params;

    return (uint32_t)((int64_t)p->n_heads * ((p->n_queries + 3) / 4) * ((p->n_keys + 7) / 8));
}

const struct wn_kernel wn_kernel_logits = {
    .name = "logits",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_logits_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
