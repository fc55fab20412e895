/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static float height(const struct wn_apart_params *p, void *const *buf, int32_t i, int32_t begin,
                    int32_t m)
{
    const float *s = buf[0], *rho = buf[1], *far = buf[2], *own = s + (int64_t)i * p->width;
    float least = -1;

    for (int32_t j = 0; j < m; j++) {
        if (!wn_before(rho[begin + j], begin + j, rho[i], i))
            continue;
        const float d = wn_gap(own[i - begin], s[(int64_t)(begin + j) * p->width + j], own[j],
                               p->scale);
        least = least < 0 || d < least ? d : least;
    }
    for (int32_t j = 0, none = least < 0; none && j < m; j++)
        least = far[begin + j] > least ? far[begin + j] : least;
    return rho[i] * (least * wn_rsqrt(least > 1e-24f ? least : 1e-24f));
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_apart_params *p = params;
    const int32_t *ptr = buf[3];

    for (int32_t i = (int32_t)first; i < end; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_segments, i), m = ptr[f + 1] - ptr[f];
        ((float *)buf[4])[i] = m <= p->few ? (float)(ptr[f] - i) : height(p, buf, i, ptr[f], m);
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const int32_t *)buf[3])[((const struct wn_apart_params *)params)
                                                       ->n_segments]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_apart_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[3])[p->n_segments], 32, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_apart_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_apart = {
    .name = "apart",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_apart_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
