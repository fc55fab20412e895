// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Softmax of a row over the columns that it sees: y[r][j] = exp(x[r][j] - m) * (q * q), where q =
// rsqrt(max(sum, 1e-12)); 0 elsewhere. A workgroup a row.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Allow { int allow[]; };
layout(binding = 2) buffer Y { float y[]; };
layout(push_constant) uniform P { int rows, width, n_queries, group, end, step, flagged; } p;
#define WN_SUM float
#include "lanes.glsl"

shared float best[WN_LANES];

// The largest of all invocations' values; its order does not matter.
float largest(float v)
{
    const uint lane = gl_LocalInvocationID.x;

    best[lane] = v;
    barrier();
    for (uint h = WN_LANES / 2; h > 0; h /= 2) {
        if (lane < h && best[lane + h] > best[lane])
            best[lane] = best[lane + h];
        barrier();
    }
    return best[0];
}

void main()
{
    const int r = int(wn_group()), lane = int(gl_LocalInvocationID.x);
    const int flags = r / p.n_queries / p.group * p.width;
    const int end = min(p.end + r % p.n_queries * p.step, p.width);
    float m = -3e38;
    precise float sum = 0.0;

    if (r >= p.rows)
        return;
    for (int j = lane; j < end; j += WN_LANES) {
        const float v = x[r * p.width + j];
        if (v > m && (p.flagged == 0 || allow[flags + j] != 0))
            m = v;
    }
    m = largest(m);
    for (int j = lane; j < p.width; j += WN_LANES) {
        const bool seen = j < end && (p.flagged == 0 || allow[flags + j] != 0);
        precise const float z = x[r * p.width + j] - m;
        const float e = seen ? wn_exp(z) : 0.0;
        y[r * p.width + j] = e; // read again by the same invocation
        precise const float s = sum + e;
        sum = s;
    }
    const float total = wn_tree(sum);
    const float q = wn_rsqrt(total > 1e-12 ? total : 1e-12);
    precise const float inverse = q * q;
    for (int j = lane; j < p.width; j += WN_LANES) {
        precise const float v = y[r * p.width + j] * inverse;
        y[r * p.width + j] = v;
    }
}
