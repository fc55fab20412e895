// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = ((a * x[i] + b * z[i]) + d * (x[i] * z[i])) + c.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Z { float z[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n; float a, b, c, d; } p;

void main()
{
    const int i = wn_item();

    if (i >= p.n)
        return;
    precise const float ax = p.a * x[i];
    precise const float bz = p.b * z[i];
    precise const float xz = x[i] * z[i];
    precise const float dxz = p.d * xz;
    precise const float s = ax + bz;
    precise const float t = s + dxz;
    precise const float v = t + p.c;
    y[i] = v;
}
