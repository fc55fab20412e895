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

WN_CLONES
static void dot4(float d[4], const float *a, const float *const b[4], int32_t n)
{
    float lane[4][WN_LANES] = {{0}};
    int32_t i = 0;

    for (; i + WN_LANES <= n; i += WN_LANES) {
        for (int l = 0; l < WN_LANES; l++) {
            lane[0][l] += a[i + l] * b[0][i + l];
            lane[1][l] += a[i + l] * b[1][i + l];
            lane[2][l] += a[i + l] * b[2][i + l];
            lane[3][l] += a[i + l] * b[3][i + l];
        }
    }
    for (int t = 0; t < 4; t++) {
        for (int l = 0; i + l < n; l++)
            lane[t][l] += a[i + l] * b[t][i + l];
        d[t] = tree(lane[t]);
    }
}

void wn_dot4(float d[4], const float *a, const float *const b[4], int32_t n)
{
    dot4(d, a, b, n);
}
