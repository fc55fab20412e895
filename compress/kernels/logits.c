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

enum { QUERIES = 4, KEYS = 48 }; /* that meet at once */

/* Blocks of QUERIES queries of a head. */
static int64_t blocks_of(const struct wn_logits_params *p)
{
    return ((int64_t)p->n_queries + QUERIES - 1) / QUERIES;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_logits_params *p = params;
    const int64_t blocks = blocks_of(p);

    for (int64_t r = first; r < end; r++) {
        const int64_t h = r / blocks, i = r % blocks * QUERIES;
        const float *q = (const float *)buf[0] + (h * p->q_stride + p->first + i) * p->dim;
        const float *k = (const float *)buf[1] + h / p->group * p->k_stride * p->dim;
        float *y = (float *)buf[2] + (h * p->n_queries + i) * p->n_keys;
        const int na = (int)WN_MIN(QUERIES, p->n_queries - i);
        const float *a[QUERIES], *b[KEYS];
        for (int t = 0; t < na; t++)
            a[t] = q + (int64_t)t * p->dim;
        for (int64_t j = 0; j < p->n_keys; j += KEYS) {
            const int nb = (int)WN_MIN(KEYS, p->n_keys - j);
            for (int t = 0; t < nb; t++)
                b[t] = k + (j + t) * p->dim;
            wn_dots(y + j, p->n_keys, a, na, b, nb, p->dim);
            for (int t = 0; t < na; t++) {
                for (int c = 0; c < nb; c++)
                    y[(int64_t)t * p->n_keys + j + c] *= p->scale;
            }
        }
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_logits_params *p = params;
    const int64_t bytes = (int64_t)4 * QUERIES * p->n_keys * WN_MAX(p->dim / 8, 1);

    wn_blocks(pool, p->n_heads * blocks_of(p), wn_block_size(bytes), part, params, buf);
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
