// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = the length of row i: d * rsqrt(max(d, 1e-24)), d = dot(x[i], x[i]), or its square d. A
// workgroup a row.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames, dim, square; } p;
#define WN_SUM float
#include "lanes.glsl"

void main()
{
    const int i = int(wn_group());
    const int lane = int(gl_LocalInvocationID.x);
    precise float sum = 0.0;

    if (i >= ptr[p.n_frames])
        return;
    for (int c = lane; c < p.dim; c += WN_LANES) {
        const float v = float(x[i * p.dim + c]);
        precise const float square = v * v;
        precise const float more = sum + square;
        sum = more;
    }
    const float d = wn_tree(sum);
    precise const float root = d * wn_rsqrt(d > 1e-24 ? d : 1e-24);
    if (lane == 0)
        y[i] = p.square != 0 ? d : root;
}
