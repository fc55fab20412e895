/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <stdlib.h>

static void ref(const void *params, void *const *buf)
{
    const struct wn_member_count_params *p = params;
    const int32_t *ptr = buf[0], *to = buf[1], *out_ptr = buf[2], *base = buf[3];
    int32_t *count = buf[4];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t r = out_ptr[f]; r < out_ptr[f + 1]; r++) {
            count[r] = 1;
            for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
                count[r] += to[i] == base[r] && i != base[r];
        }
    }
}

/* Counts go up where each row points, instead of a search an output row. Two output rows with one
 * base would need that search. */
static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_member_count_params *p = params;
    const int32_t *ptr = buf[0], *to = buf[1], *out_ptr = buf[2], *base = buf[3];
    const int32_t n = ptr[p->n_frames], n_out = out_ptr[p->n_frames];
    int32_t *count = buf[4], *row = wn_calloc((size_t)n, sizeof(*row));
    bool twice = !row;

    for (int32_t r = 0; !twice && r < n_out; r++) {
        count[r] = 1;
        twice = row[base[r]];
        row[base[r]] = r + 1;
    }
    for (int32_t i = 0; !twice && i < n; i++) {
        if (to[i] != WN_NONE && to[i] != i && row[to[i]])
            count[row[to[i]] - 1]++;
    }
    if (twice)
        ref(params, buf);
    free(row);
}

static uint32_t groups(const void *params)
{
    const struct wn_member_count_params *p = params;

    return (uint32_t)((p->n_out + 63) / 64);
}

const struct wn_kernel wn_kernel_member_count = {
    .name = "member_count",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_member_count_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
