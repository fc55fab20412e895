/* SPDX-License-Identifier: MIT */
/* wn_exp() of many numbers side by side, for the fast twins. */
#ifndef WN_EXPS_H
#define WN_EXPS_H

#include "kernel.h"

/* wn_exp() of numbers in [-87, 88]. */
static inline float wn_exp_within(float z)
{
    const float q = z * 1.44269504f, half = q < 0 ? -0.5f : 0.5f;
    const int32_t n = (int32_t)(q + half);
    const float k = (float)n;
    const float r = (z - k * 0.693359375f) + k * 2.12194440e-4f;
    const float a = ((1.0f / 5040 * r + 1.0f / 720) * r + 1.0f / 120) * r + 1.0f / 24;
    const float y = (((a * r + 1.0f / 6) * r + 0.5f) * r + 1) * r + 1;
    union { uint32_t u; float f; } scale = {(uint32_t)(n + 127) << 23};

    return y * scale.f;
}

/* y[j] = wn_exp(x[j] - m) for n <= WN_LANES: three loops that each run side by side, one with all
 * of it would not. */
static inline void wn_exp_block(const float *restrict x, float *restrict y, float m, int n)
{
    float z[WN_LANES];

    for (int l = 0; l < n; l++) {
        const float v = x[l] - m, high = v > 88 ? 88 : v;
        z[l] = high < -87 ? -87 : high;
    }
    for (int l = 0; l < n; l++)
        y[l] = wn_exp_within(z[l]);
    for (int l = 0; l < n; l++)
        y[l] = x[l] - m < -87 ? 0 : y[l];
}

#endif
