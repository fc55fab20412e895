// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = x[i] >= factor * t[s], where s is i's segment.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer T { float t[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Y { int y[]; };
layout(push_constant) uniform P { int n, n_segments; float factor; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_segments])
        return;
    precise const float want = p.factor * t[wn_segment(i, p.n_segments)];
    y[i] = int(wn_flushed(x[i]) >= wn_flushed(want));
}
