// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// keep[i] = to[i] == i.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer To { int to[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_frames; } p;

void main()
{
    const int i = wn_item();

    if (i < ptr[p.n_frames])
        keep[i] = int(to[i] == i);
}
