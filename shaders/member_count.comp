// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// count[r] = 1 + members of r: the rows i of r's frame with to[i] == base[r] and i != base[r].
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer To { int to[]; };
layout(binding = 2) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 3) readonly buffer Base { int base[]; };
layout(binding = 4) writeonly buffer Count { int count[]; };
layout(push_constant) uniform P { int n_out, n_frames; } p;
#define ptr out_ptr // r is a row of the output
#include "segment.glsl"
#undef ptr

void main()
{
    const int r = wn_item();

    if (r >= out_ptr[p.n_frames])
        return;
    const int f = wn_segment(r, p.n_frames);
    const int own = base[r];
    int entries = 1;
    for (int i = ptr[f]; i < ptr[f + 1]; i++)
        entries += int(to[i] == own && i != own);
    count[r] = entries;
}
