// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Softmax of scale * x over each segment: y[i] = exp(scale * x[i] - most) * (q * q), where q =
// rsqrt(max(sum, 1e-12)). A workgroup a segment.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_segments; float scale; } p;
#define WN_SUM float
#include "lanes.glsl"

shared float best[WN_LANES];

void main()
{
    const int s = int(wn_group()), lane = int(gl_LocalInvocationID.x);
    const int first = s < p.n_segments ? ptr[s] : 0;
    const int m = s < p.n_segments ? ptr[s + 1] - first : 0;
    float most = -3e38;
    precise float sum = 0.0;

    for (int i = lane; i < m; i += WN_LANES) {
        precise const float z = p.scale * x[first + i];
        most = z > most ? z : most;
    }
    best[lane] = most;
    barrier();
    for (int h = WN_LANES / 2; h > 0; h /= 2) {
        if (lane < h && best[lane + h] > best[lane])
            best[lane] = best[lane + h];
        barrier();
    }
    most = best[0];
    for (int i = lane; i < m; i += WN_LANES) {
        precise const float z = p.scale * x[first + i];
        precise const float less = z - most;
        const float e = wn_exp(less);
        y[first + i] = e; // read again by the same invocation
        precise const float more = sum + e;
        sum = more;
    }
    const float total = wn_tree(sum);
    const float q = wn_rsqrt(total > 1e-12 ? total : 1e-12);
    precise const float inverse = q * q;
    for (int i = lane; i < m; i += WN_LANES) {
        precise const float v = y[first + i] * inverse;
        y[first + i] = v;
    }
}
