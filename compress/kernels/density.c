/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void row(const struct wn_density_params *p, void *const *buf, int32_t i, int32_t begin,
                int32_t m)
{
    const float *s = buf[0], *own = s + (int64_t)i * p->width;
    const int32_t k = WN_MIN(p->k, m);
    float near[WN_DENSITY_MOST], far = 0, sum = 0;
    int32_t n = 0;

    for (int32_t j = 0; j < m; j++) {
        const float d = wn_gap(own[i - begin], s[(int64_t)(begin + j) * p->width + j], own[j],
                               p->scale);
        far = d > far ? d : far;
        if (n == k && !(d < near[k - 1]))
            continue;
        int32_t at = n < k ? n++ : k - 1;
        for (; at > 0 && d < near[at - 1]; at--)
            near[at] = near[at - 1];
        near[at] = d;
    }
    for (int32_t a = 0; a < n; a++)
        sum += near[a];
    const float q = wn_rsqrt((float)k);
    ((float *)buf[2])[i] = wn_exp(-(sum * (q * q)));
    ((float *)buf[3])[i] = far;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_density_params *p = params;
    const int32_t *ptr = buf[1];

    for (int32_t i = (int32_t)first; i < end; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_segments, i);
        row(p, buf, i, ptr[f], ptr[f + 1] - ptr[f]);
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const int32_t *)buf[1])[((const struct wn_density_params *)params)
                                                       ->n_segments]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_density_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[1])[p->n_segments], 32, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_density_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_density = {
    .name = "density",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_density_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
