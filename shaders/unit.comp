// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = x[i] * rsqrt(max(dot(x[i], x[i]), 1e-24)); a workgroup a row. dim 0: segments are rows.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames, dim; } p;
#define WN_SUM float
#include "lanes.glsl"

void main()
{
    const int i = int(wn_group());
    const int lane = int(gl_LocalInvocationID.x);

    if (p.dim > 0 ? i >= ptr[p.n_frames] : i >= p.n_frames)
        return;
    const int first = p.dim > 0 ? i * p.dim : ptr[i];
    const int dim = p.dim > 0 ? p.dim : ptr[i + 1] - first;
    precise float sum = 0.0;
    for (int c = lane; c < dim; c += WN_LANES) {
        const float a = float(x[first + c]);
        precise const float product = a * a;
        precise const float s = sum + product;
        sum = s;
    }
    const float dot = wn_tree(sum);
    const float r = wn_rsqrt(dot > 1e-24 ? dot : 1e-24);
    for (int c = lane; c < dim; c += WN_LANES) {
        precise const float v = float(x[first + c]) * r;
        y[first + c] = v;
    }
}
