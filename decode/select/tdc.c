/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <stdlib.h>

struct likeness {
    float cosine;
    int32_t frame;
};

static int by_cosine(const void *pa, const void *pb)
{
    const struct likeness *a = pa, *b = pb;

    return a->cosine != b->cosine ? (a->cosine < b->cosine ? -1 : 1) : a->frame - b->frame;
}

static int ascending(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

int32_t wn_select_tdc_frames(int32_t n, int32_t most, int32_t *list)
{
    const int32_t count = n <= most + 1 ? n : WN_MIN(n, WN_TDC_FRAMES);

    for (int32_t i = 0; i < count; i++)
        list[i] = count < n ? (int32_t)(n / (double)WN_TDC_FRAMES * i) : i;
    return count;
}

int32_t wn_select_tdc_cuts(const float *x, int32_t n, int64_t dim, int32_t most, int32_t *cut,
                           float *cosine)
{
    const bool each = n <= most + 1;
    struct likeness *like = wn_calloc((size_t)n, sizeof(*like));

    if (!like)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i + 1 < n; i++) {
        cosine[i] = (float)wn_select_cos(x + i * dim, x + (i + 1) * dim, dim);
        like[i] = (struct likeness){cosine[i], i};
    }
    qsort(like, (size_t)WN_MAX(n - 1, 0), sizeof(*like), by_cosine);
    const int32_t count = each ? n : most;
    for (int32_t i = 0; i < count; i++)
        cut[i] = each ? i : like[i].frame;
    qsort(cut, (size_t)count, sizeof(*cut), ascending);
    free(like);
    return count;
}
