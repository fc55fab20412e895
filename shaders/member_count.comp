// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// count[r] = base[r] != WN_NONE + how many rows i of r's frame f have to[i] == r - out_ptr[f] -
// first[f].
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer To { int to[]; };
layout(binding = 2) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 3) readonly buffer First { int first[]; };
layout(binding = 4) readonly buffer Base { int base[]; };
layout(binding = 5) writeonly buffer Count { int count[]; };
layout(push_constant) uniform P { int n_out, n_frames; } p;
#define ptr out_ptr // rows of the output
#include "segment.glsl"
#undef ptr

void main()
{
    const int r = wn_item();

    if (r >= out_ptr[p.n_frames])
        return;
    const int f = wn_segment(r, p.n_frames);
    const int place = r - out_ptr[f] - first[f];
    const int end = place < 0 ? 0 : ptr[f + 1]; // WN_NONE is no place
    int members = int(base[r] != WN_NONE);
    for (int i = ptr[f]; i < end; i++)
        members += int(to[i] == place);
    count[r] = members;
}
