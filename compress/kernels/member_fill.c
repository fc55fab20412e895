/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <stdlib.h>

static void ref(const void *params, void *const *buf)
{
    const struct wn_member_fill_params *p = params;
    const int32_t *ptr = buf[0], *to = buf[1], *out_ptr = buf[2], *base = buf[3], *w_ptr = buf[4];
    const float *share = buf[5];
    int32_t *w_idx = buf[6];
    float *w = buf[7];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t r = out_ptr[f]; r < out_ptr[f + 1]; r++) {
            const float *of = share + 2 * (w_ptr[r + 1] - w_ptr[r] - 1);
            int32_t at = w_ptr[r];

            w_idx[at] = base[r];
            w[at++] = of[0];
            for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
                if (to[i] == base[r] && i != base[r]) {
                    w_idx[at] = i;
                    w[at++] = of[1];
                }
            }
        }
    }
}

/* Each row puts itself where it belongs; see member_count. next[t]: where the next member of base
 * t goes, 0 when t is no base (a base's members start at 1 at least). */
static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_member_fill_params *p = params;
    const int32_t *ptr = buf[0], *to = buf[1], *out_ptr = buf[2], *base = buf[3], *w_ptr = buf[4];
    const float *share = buf[5];
    const int32_t n = ptr[p->n_frames], n_out = out_ptr[p->n_frames];
    int32_t *w_idx = buf[6], *next = wn_calloc((size_t)n, sizeof(*next));
    float *w = buf[7];
    bool twice = !next;

    for (int32_t r = 0; !twice && r < n_out; r++) {
        const float *of = share + 2 * (w_ptr[r + 1] - w_ptr[r] - 1);

        twice = next[base[r]];
        next[base[r]] = w_ptr[r] + 1;
        w_idx[w_ptr[r]] = base[r];
        w[w_ptr[r]] = of[0];
        for (int32_t k = w_ptr[r] + 1; k < w_ptr[r + 1]; k++)
            w[k] = of[1];
    }
    for (int32_t i = 0; !twice && i < n; i++) {
        if (to[i] != WN_NONE && to[i] != i && next[to[i]])
            w_idx[next[to[i]]++] = i;
    }
    if (twice)
        ref(params, buf);
    free(next);
}

static uint32_t groups(const void *params)
{
    const struct wn_member_fill_params *p = params;

    return (uint32_t)((p->n_out + 63) / 64);
}

const struct wn_kernel wn_kernel_member_fill = {
    .name = "member_fill",
    .n_bufs = 8,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_member_fill_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
