/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <stdlib.h>

static int32_t find(const int32_t *cell, int32_t first, int32_t end, int32_t want)
{
    for (int32_t j = first; j < end; j++) {
        if (cell[j] == want)
            return j;
    }
    return WN_NONE;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_pair_params *p = params;
    const int32_t *cell = buf[0], *ptr = buf[1], *other = buf[2];
    int32_t *mate = buf[3];

    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t g = other[f];
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            mate[i] = g == WN_NONE ? WN_NONE : find(cell, ptr[g], ptr[g + 1], cell[i]);
    }
}

/* One table of the other frame's cells instead of a search a row. */
static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_pair_params *p = params;
    const int32_t *cell = buf[0], *ptr = buf[1], *other = buf[2];
    int32_t *mate = buf[3], *at = NULL;
    const int32_t n = ptr[p->n_frames];
    int32_t size = 0;
    bool usual = true;

    for (int32_t i = 0; i < n; i++) {
        usual = usual && cell[i] >= 0 && cell[i] / 16 < p->n;
        size = WN_MAX(size, cell[i]);
    }
    if (usual)
        at = wn_calloc((size_t)size + 1, sizeof(*at));
    if (!at) {
        ref(params, buf);
        return;
    }
    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t g = other[f];
        /* Backwards, so that the first of equal cells is what stays; 0 means none. */
        for (int32_t j = g == WN_NONE ? 0 : ptr[g + 1]; g != WN_NONE && j-- > ptr[g];)
            at[cell[j]] = j + 1;
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            mate[i] = at[cell[i]] - 1;
        for (int32_t j = g == WN_NONE ? 0 : ptr[g]; g != WN_NONE && j < ptr[g + 1]; j++)
            at[cell[j]] = 0;
    }
    free(at);
}

static uint32_t groups(const void *params)
{
    const struct wn_pair_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_pair = {
    .name = "pair",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_pair_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
