/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <math.h>
#include <stdlib.h>

double wn_select_cos(const float *a, const float *b, int64_t dim)
{
    double ab = 0, aa = 0, bb = 0;

    for (int64_t c = 0; c < dim; c++) {
        ab += (double)a[c] * b[c];
        aa += (double)a[c] * a[c];
        bb += (double)b[c] * b[c];
    }
    return ab / (fmax(sqrt(aa), 1e-8) * fmax(sqrt(bb), 1e-8));
}

static double mean_cos(const float *x, int32_t i, int32_t from, int32_t to, int64_t dim)
{
    double sum = 0;

    for (int32_t j = from; j < to; j++)
        sum += wn_select_cos(x + i * dim, x + j * dim, dim);
    return sum / (to - from);
}

int32_t wn_select_longvu(const float *x, int32_t n, int64_t dim, int32_t window, double threshold,
                         int32_t *list)
{
    int32_t count = 0;

    for (int32_t from = 0; from < n; from += window) {
        const int32_t to = WN_MIN(from + window, n), middle = from + (to - from) / 2;
        for (int32_t i = from; i < to; i++) {
            if (i == middle || mean_cos(x, i, from, to, dim) < threshold)
                list[count++] = i;
        }
    }
    return count;
}
