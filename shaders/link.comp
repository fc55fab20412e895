// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[e] = mean over heads of the cosines of x[edge[e][0]] and z[edge[e][1]]; a workgroup a pair.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Z { float z[]; };
layout(binding = 2) readonly buffer Edge { int edge[]; };
layout(binding = 3) readonly buffer Count { int count[]; };
layout(binding = 4) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, dim, heads; } p;
#define WN_SUM vec3
#include "lanes.glsl"

void main()
{
    const int e = int(wn_group());
    const int lane = int(gl_LocalInvocationID.x);

    if (e >= count[0])
        return;
    const int size = p.dim / p.heads;
    precise float total = 0.0;
    for (int h = 0; h < p.heads; h++) {
        const int a = edge[2 * e] * p.dim + h * size;
        const int b = edge[2 * e + 1] * p.dim + h * size;
        precise vec3 sum = vec3(0.0);
        for (int c = lane; c < size; c += WN_LANES) {
            const float v = x[a + c], w = z[b + c];
            precise const vec3 product = vec3(v * v, w * w, v * w);
            precise const vec3 s = sum + product;
            sum = s;
        }
        const vec3 d = wn_tree(sum);
        const float ra = wn_rsqrt(d.x > 1e-16 ? d.x : 1e-16);
        const float rb = wn_rsqrt(d.y > 1e-16 ? d.y : 1e-16);
        precise const float scale = ra * rb;
        precise const float cosine = d.z * scale;
        precise const float t = total + cosine;
        total = t;
    }
    const float root = wn_rsqrt(float(p.heads));
    precise const float share = root * root;
    precise const float scaled = share * total;
    if (lane == 0)
        y[e] = p.heads > 1 ? scaled : total;
}
