// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = flag[i] != 0 ? value : x[i]; bits are copied, denormals too.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { uint x[]; };
layout(binding = 1) readonly buffer Flag { int flag[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Y { uint y[]; };
layout(push_constant) uniform P { int n, n_frames; float value; } p;

void main()
{
    const int i = wn_item();

    if (i < ptr[p.n_frames])
        y[i] = flag[i] != 0 ? floatBitsToUint(p.value) : x[i];
}
