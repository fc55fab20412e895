// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Two parts a frame: the first has as many rows as frame f has in `first`.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer First { int first[]; };
layout(binding = 2) writeonly buffer Parts { int parts[]; };
layout(push_constant) uniform P { int n_frames; } p;

void main()
{
    const int f = wn_item();

    if (f > p.n_frames)
        return;
    parts[2 * f] = ptr[f];
    if (f < p.n_frames)
        parts[2 * f + 1] = ptr[f] + (first[f + 1] - first[f]);
}
