// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// to[i] = mate[i] where it has one that is flagged, else i.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Mate { int mate[]; };
layout(binding = 1) readonly buffer Flag { int flag[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer To { int to[]; };
layout(push_constant) uniform P { int n, n_frames; } p;

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_frames])
        return;
    const int m = mate[i];
    to[i] = m != WN_NONE && flag[max(m, 0)] != 0 ? m : i;
}
