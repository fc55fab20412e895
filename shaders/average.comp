// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[f] = share[m] * the sum of the m rows of segment f, in order.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Share { float share[]; };
layout(binding = 3) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n_segments, dim; } p;

void main()
{
    const int parts = (p.dim + 63) / 64;
    const int f = int(wn_group()) / parts;
    const int c = int(wn_group()) % parts * 64 + int(gl_LocalInvocationID.x);
    precise float sum = 0.0;

    if (f >= p.n_segments || c >= p.dim)
        return;
    for (int i = ptr[f]; i < ptr[f + 1]; i++) {
        precise const float more = sum + float(x[i * p.dim + c]);
        sum = more;
    }
    precise const float mean = sum * share[ptr[f + 1] - ptr[f]];
    y[f * p.dim + c] = mean;
}
