// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = ((x[i] - low) + offset) * (q * q), where q = rsqrt(max(high - low, 1e-12)), low and high
// over all rows.
#define THREADS 128
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames; float offset; } p;

shared float lows[THREADS], highs[THREADS];

void main()
{
    const int l = int(gl_LocalInvocationID.x);
    const int n = ptr[p.n_frames];
    float low = 3e38, high = -3e38;

    for (int i = l; i < n; i += THREADS) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    lows[l] = low;
    highs[l] = high;
    barrier();
    for (int h = THREADS / 2; h > 0; h /= 2) {
        if (l < h) {
            lows[l] = lows[l + h] < lows[l] ? lows[l + h] : lows[l];
            highs[l] = highs[l + h] > highs[l] ? highs[l + h] : highs[l];
        }
        barrier();
    }
    precise const float range = highs[0] - lows[0];
    const float q = wn_rsqrt(range > 1e-12 ? range : 1e-12);
    precise const float scale = q * q;
    for (int i = l; i < n; i += THREADS) {
        precise const float up = x[i] - lows[0];
        precise const float sum = up + p.offset;
        precise const float v = sum * scale;
        y[i] = v;
    }
}
