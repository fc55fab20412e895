// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = table[at[f] + cell[i]] as 32-bit words, where f is i's frame.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Cell { int cell[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer At { int at[]; };
layout(binding = 3) readonly buffer Table { uint table[]; };
layout(binding = 4) writeonly buffer Y { uint y[]; };
layout(push_constant) uniform P { int n, n_frames; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i < ptr[p.n_frames])
        y[i] = table[at[wn_segment(i, p.n_frames)] + cell[i]];
}
