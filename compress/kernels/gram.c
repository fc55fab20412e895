/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_gram_params *p = params;
    const float *x = buf[0];
    const int32_t *ptr = buf[1];
    float *y = buf[2];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int64_t i = ptr[f]; i < ptr[f + 1]; i++) {
            for (int64_t j = ptr[f]; j < ptr[f + 1]; j++)
                y[i * p->width + j - ptr[f]] = wn_dot(x + i * p->dim, x + j * p->dim, p->dim);
        }
    }
}

/* Four rows at a time share what is read of row i. A dot is the same both ways, bit for bit, so
 * half of them are copied: row i's part left of the diagonal is made by the rows before it. */
static void row(const struct wn_gram_params *p, const float *x, float *y, int64_t i, int64_t first,
                int64_t end)
{
    for (int64_t j = i; j < end; j += 4) {
        const float *b[4];
        float d[4];
        for (int64_t t = 0; t < 4; t++)
            b[t] = x + WN_MIN(j + t, end - 1) * p->dim;
        wn_dot4(d, x + i * p->dim, b, p->dim);
        for (int64_t t = 0; t < 4 && j + t < end; t++) {
            y[i * p->width + j + t - first] = d[t];
            y[(j + t) * p->width + i - first] = d[t];
        }
    }
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_gram_params *p = params;
    const int32_t *ptr = buf[1];

    for (int64_t i = first; i < end; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_frames, i);
        row(p, buf[0], buf[2], i, ptr[f], ptr[f + 1]);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_gram_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[1])[p->n_frames], 8, part, params, buf);
}

static uint32_t groups(const void *params)
{
    const struct wn_gram_params *p = params;

    return (uint32_t)((p->n + 3) / 4);
}

const struct wn_kernel wn_kernel_gram = {
    .name = "gram",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_gram_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
