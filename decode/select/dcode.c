/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <math.h>
#include <stdlib.h>

static double norm(const float *x, int64_t dim)
{
    double sum = 0;

    for (int64_t c = 0; c < dim; c++)
        sum += (double)x[c] * x[c];
    return sqrt(sum) + 1e-8;
}

/* total[i] += the likeness of frame i and frame f. */
static void add(const float *x, int32_t n, int64_t dim, int32_t f, double *total)
{
    for (int32_t i = 0; i < n; i++) {
        double dot = 0;
        for (int64_t c = 0; c < dim; c++)
            dot += (double)x[i * dim + c] * x[f * dim + c];
        total[i] += dot / (norm(x + i * dim, dim) * norm(x + f * dim, dim));
    }
}

static int ascending(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

int32_t wn_select_dcode(const float *x, int32_t n, int64_t dim, int32_t most, double share,
                        int32_t *list, int32_t *uniform, int32_t *n_uniform)
{
    const int32_t even = WN_MIN((int32_t)(most * share), n), count = WN_MIN(most, n);
    const double step = even > 1 ? (n - 1) / (double)(even - 1) : 0;
    double *total = wn_calloc((size_t)n, sizeof(*total));
    bool *chosen = wn_calloc((size_t)n, sizeof(*chosen));

    if (!total || !chosen) {
        free(total);
        free(chosen);
        return WN_ERR_NOMEM;
    }
    for (int32_t k = 0; k < count; k++) {
        int32_t best = WN_MIN((int32_t)(k * step), n - 1);
        if (k + 1 == even && even > 1)
            best = n - 1;
        for (int32_t i = 0, found = 0; k >= even && i < n; i++) {
            if (!chosen[i] && (!found || total[i] < total[best])) {
                best = i;
                found = 1;
            }
        }
        if (k < even)
            uniform[k] = best;
        list[k] = best;
        chosen[best] = true;
        add(x, n, dim, best, total);
    }
    *n_uniform = even;
    qsort(list, (size_t)count, sizeof(*list), ascending);
    free(total);
    free(chosen);
    return count;
}
