/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static int32_t nearest(const struct wn_assign_params *p, void *const *buf, int32_t i, int32_t begin,
                       int32_t m)
{
    const float *s = buf[0], *own = s + (int64_t)i * p->width;
    const int32_t *keep = buf[1];
    int32_t to = WN_NONE;
    float least = 0;

    for (int32_t j = 0; j < m; j++) {
        if (!keep[begin + j])
            continue;
        const float d = wn_gap(own[i - begin], s[(int64_t)(begin + j) * p->width + j], own[j], 1);
        if (to == WN_NONE || d < least) {
            to = begin + j;
            least = d;
        }
    }
    return to;
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_assign_params *p = params;
    const int32_t *keep = buf[1], *ptr = buf[2];

    for (int32_t i = (int32_t)first; i < end; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_segments, i);
        ((int32_t *)buf[3])[i] = keep[i] ? i : nearest(p, buf, i, ptr[f], ptr[f + 1] - ptr[f]);
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const int32_t *)buf[2])[((const struct wn_assign_params *)params)
                                                       ->n_segments]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_assign_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[2])[p->n_segments], 32, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_assign_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_assign = {
    .name = "assign",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_assign_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
