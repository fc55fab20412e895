// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = offset + scale * cos(x[i], x[mate[i]]), or `none` where mate[i] is WN_NONE; a workgroup a
// row.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Mate { int mate[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames, dim; float offset, scale, none; } p;
#define WN_SUM vec3
#include "lanes.glsl"

void main()
{
    const int i = int(wn_group());
    const int lane = int(gl_LocalInvocationID.x);

    if (i >= ptr[p.n_frames])
        return;
    const int j = mate[i];
    precise vec3 sum = vec3(0.0); // ab, aa, bb
    for (int c = lane; j != WN_NONE && c < p.dim; c += WN_LANES) {
        const float a = float(x[i * p.dim + c]), b = float(x[j * p.dim + c]);
        precise const vec3 product = vec3(a, a, b) * vec3(b, a, b);
        precise const vec3 s = sum + product;
        sum = s;
    }
    const vec3 dots = wn_tree(sum);
    if (lane != 0)
        return;
    const float ra = wn_rsqrt(dots.y > 1e-16 ? dots.y : 1e-16);
    const float rb = wn_rsqrt(dots.z > 1e-16 ? dots.z : 1e-16);
    precise const float r = ra * rb;
    precise const float similarity = dots.x * r;
    precise const float scaled = p.scale * similarity;
    precise const float value = p.offset + scaled;
    y[i] = j == WN_NONE ? p.none : value;
}
