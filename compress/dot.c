/* SPDX-License-Identifier: MIT */
#include "blocks.h"

static inline float tree(float *lane)
{
    for (int h = WN_LANES / 2; h; h /= 2) {
        for (int l = 0; l < h; l++)
            lane[l] += lane[l + h];
    }
    return lane[0];
}

/* The clones are static: GCC exports the dispatcher of a cloned function, hidden or not. */
WN_CLONES
static float dot(const float *a, const float *b, int32_t n)
{
    float lane[WN_LANES] = {0};
    int32_t i = 0;

    for (; i + WN_LANES <= n; i += WN_LANES) {
        for (int l = 0; l < WN_LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    }
    for (int l = 0; i + l < n; l++)
        lane[l] += a[i + l] * b[i + l];
    return tree(lane);
}

float wn_dot(const float *a, const float *b, int32_t n)
{
    return dot(a, b, n);
}
