// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = a * x[i] + b * z[i] + c in integers; as_float != 0: that number as a float.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { int x[]; };
layout(binding = 1) readonly buffer Z { int z[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Y { int y[]; };
layout(push_constant) uniform P { int n, n_frames, a, b, c, as_float; } p;

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_frames])
        return;
    const int v = p.a * x[i] + p.b * z[i] + p.c;
    y[i] = p.as_float != 0 ? floatBitsToInt(float(v)) : v;
}
