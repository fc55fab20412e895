/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static float cosine(const float *a, const float *b, int32_t n)
{
    const float aa = wn_dot(a, a, n), bb = wn_dot(b, b, n);

    return wn_dot(a, b, n) *
           (wn_rsqrt(aa > 1e-16f ? aa : 1e-16f) * wn_rsqrt(bb > 1e-16f ? bb : 1e-16f));
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_link_params *p = params;
    const float *x = buf[0], *z = buf[1];
    const int32_t *edge = buf[2], size = p->dim / p->heads;
    const float root = wn_rsqrt((float)p->heads), scale = root * root;

    for (int64_t e = first; e < end; e++) {
        const float *a = x + (int64_t)edge[2 * e] * p->dim;
        const float *b = z + (int64_t)edge[2 * e + 1] * p->dim;
        float sum = 0;
        for (int32_t h = 0; h < p->heads; h++)
            sum += cosine(a + (int64_t)h * size, b + (int64_t)h * size, size);
        ((float *)buf[4])[e] = p->heads > 1 ? scale * sum : sum;
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const int32_t *)buf[3])[0]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_link_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[3])[0], wn_block_size((int64_t)8 * p->dim), part, params,
              buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_link_params *)params)->n;
}

const struct wn_kernel wn_kernel_link = {
    .name = "link",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_link_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
