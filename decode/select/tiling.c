/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <math.h>
#include <stdlib.h>

#define MOST 15 /* the authors' */

/* Out from i as long as the cosine does not fall. */
static float peak(const float *s, int32_t n, int32_t i, int32_t step)
{
    float high = s[i];

    for (int32_t j = i + step; j >= 0 && j < n && s[j] >= high; j += step)
        high = s[j];
    return high;
}

static double limit(const float *depth, int32_t n, double alpha)
{
    double mean = 0, square = 0;

    for (int32_t i = 0; i < n; i++)
        mean += depth[i] / (double)n;
    for (int32_t i = 0; i < n; i++)
        square += (depth[i] - mean) * (depth[i] - mean);
    return mean + alpha * sqrt(square / (n - 1));
}

/* How many valleys are deeper than i, the earlier one of equals. */
static int32_t place(const float *depth, int32_t n, int32_t i)
{
    int32_t before = 0;

    for (int32_t j = 0; j < n; j++)
        before += depth[j] > depth[i] || (depth[j] == depth[i] && j < i);
    return before;
}

int32_t wn_select_tiling(const float *x, int32_t n, int64_t dim, double alpha, int32_t k, bool left,
                         float *cosine, float *depth, int32_t *list)
{
    const int32_t m = n - 1;
    int32_t count = 0;

    for (int32_t i = 0; i < m; i++)
        cosine[i] = (float)wn_select_cos(x + i * dim, x + (i + 1) * dim, dim);
    for (int32_t i = 0; i < m; i++)
        depth[i] = peak(cosine, m, i, -1) + (left ? 0 : peak(cosine, m, i, 1)) -
                   (left ? 1 : 2) * cosine[i];
    const double least = m > 1 ? limit(depth, m, alpha) : 0;
    for (int32_t i = 0; i < m; i++) {
        if (place(depth, m, i) < (k > 0 ? k : MOST) && (k > 0 || depth[i] > least))
            list[count++] = i;
    }
    if (!left && n > 0)
        list[count++] = n - 1;
    return count;
}
