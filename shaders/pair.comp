// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// mate[i] = the first row of frame ref[f] that has the same cell as i, or WN_NONE; f is i's frame.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Cell { int cell[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Ref { int ref[]; };
layout(binding = 3) writeonly buffer Mate { int mate[]; };
layout(push_constant) uniform P { int n, n_frames; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_frames])
        return;
    const int r = ref[wn_segment(i, p.n_frames)];
    const int end = r == WN_NONE ? 0 : ptr[r + 1];
    int j = r == WN_NONE ? 0 : ptr[r];
    while (j < end && cell[j] != cell[i])
        j++;
    mate[i] = j < end ? j : WN_NONE;
}
